"""Observer of a loop: it is notified when the loop starts, and how the loop is left."""

from __future__ import annotations

from enum import Enum
from types import FrameType
from typing import Protocol


class Departure(Enum):
    """How a loop was left before its last item."""

    NORMAL = "normal"
    """By ``break`` or ``return``, or because its iterator was dropped."""

    CONSUMED = "consumed"
    """By an iterator in a loop that took its items and wanted no more, such as `zip` and `islice`."""

    CALLED = "called"
    """By a call or an operator that took its items, such as `any` and ``in``: it returned, or it raised."""

    RAISED = "raised"
    """By an exception."""

    SOURCE = "source"
    """By an exception of what gives the items, so that all items taken are done."""

    UNKNOWN = "unknown"
    """By one of the two: this interpreter does not show which."""


class LoopObserver(Protocol):
    """Gets exactly one of `finished`, `left` and `raised` after `started`."""

    @property
    def needs_departure(self) -> bool:
        """Whether `left` needs a known departure; finding out costs about as much as all else together."""

    def started(self, frame: FrameType | None, /) -> None:
        """The code of *frame* wants the first item. What this raises is raised in the loop.

        An observer must not keep *frame*, which keeps the loop's iterator alive.
        """

    def finished(self) -> None:
        """There are no more items."""

    def left(self, departure: Departure, /) -> None:
        """The loop was left before its last item."""

    def raised(self, error: BaseException, /) -> None:
        """The iterable raised *error*. An observer may instead get `left`, and find *error* elsewhere."""
