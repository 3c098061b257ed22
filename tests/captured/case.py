"""One short piece of somebody's code, and what the durable log of the task that runs it has to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Place = Literal["thread", "process", "detached"]
PLACES: tuple[Place, ...] = ("thread", "process", "detached")


@dataclass(frozen=True)
class Held:
    """What the log of one task holds."""

    lines: tuple[str, ...] = ()
    """A regular expression for each line that is not empty, all of them, in order."""

    progress: tuple[float, float] | None = None
    """Done and total at the end, with values in between; ``None``: there is no progress event."""

    displays: tuple[str, ...] = ()
    """The richest MIME type of each display, in order."""

    state: str = "completed"
    """The end state of the task."""

    codes: bool = False
    """Whether there are control codes; *lines* are without them."""

    late: str = ""
    """A line that a thread of the library prints last, perhaps after the end of the task: at most once."""


@dataclass(frozen=True)
class Reason:
    """Why something is missing, and what to do: *word* is in the table, the rest is below it."""

    word: str
    heading: str
    text: str


@dataclass(frozen=True)
class Gap:
    """What the log holds in a place where it differs; *why* is ``None`` where nothing is missing for that."""

    why: Reason | None
    held: Held


@dataclass(frozen=True)
class Case:
    """*code* defines ``work``, as a data scientist writes it; *form* is how the table calls it."""

    library: str
    form: str
    code: str
    held: Held
    any_order: bool = False
    alone: bool = False
    """Whether it needs a process of its own: what C code or a library's thread writes may come late."""
    gaps: Mapping[Place, Gap] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.library}: {self.form}" if self.form else self.library

    def held_in(self, place: Place) -> Held:
        return self.gaps[place].held if place in self.gaps else self.held
