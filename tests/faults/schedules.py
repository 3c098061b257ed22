"""What a line between two processes goes through, drawn from a seed.

A schedule is a row of steps for each of two lines: the producer's and the subscribers'. The same seed
gives the same schedule and the same events, always; only the scheduling of processes is not ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

Kind = Literal["pass", "rst", "fin", "torn", "stall", "slow", "split", "half", "refuse"]
Way = Literal["both", "up", "down"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WAYS: tuple[Way, ...] = get_args(Way)
MIN_SECONDS, MAX_SECONDS = 0.01, 0.12
"""Seconds of one step."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens on a line for so many *seconds*.

    ``rst`` and ``fin`` end every connection at once and then pass; ``torn`` ends each in the middle of
    what it carries next; ``stall`` accepts and passes nothing on; ``slow`` passes *size* KiB/s, ``split``
    at most *size* bytes at a time; ``half`` closes one direction only; ``refuse`` ends every connection
    and accepts none. *way* says in which direction, for the kinds that have one.
    """

    kind: Kind
    seconds: float
    way: Way = "both"
    size: int = 0

    def hits(self, way: Way) -> bool:
        """Whether it concerns what travels that way."""
        return self.way in ("both", way)

    def __str__(self) -> str:
        way = "" if self.way == "both" else f" {self.way}"
        size = f" {self.size}" if self.size else ""
        return f"{self.kind}{way}{size} {self.seconds * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The life of one task, of its producer's line and of its subscribers' line."""

    seed: int
    producer: tuple[Step, ...]
    subscribers: tuple[Step, ...]
    events: int
    changes_reader: bool

    @property
    def seconds(self) -> float:
        """How long the longer line is troubled."""
        return max(sum(step.seconds for step in line) for line in (self.producer, self.subscribers))

    def __str__(self) -> str:
        lines = (", ".join(map(str, line)) for line in (self.producer, self.subscribers))
        return "producer: {}; subscribers: {}".format(*lines)


def draw(seed: int) -> Schedule:
    """The schedule of *seed*."""
    chance = Random(seed)
    return Schedule(
        seed, _line(chance), _line(chance), chance.choice((5, 40, 150, 600)), chance.random() < 0.3
    )


def _line(chance: Random) -> tuple[Step, ...]:
    return tuple(_step(chance) for _ in range(chance.randint(2, 5)))


def _step(chance: Random) -> Step:
    kind = chance.choice(KINDS)
    seconds = chance.uniform(MIN_SECONDS, MAX_SECONDS)
    way = chance.choice(WAYS) if kind in ("torn", "stall", "slow", "split") else "both"
    if kind == "half":
        way = chance.choice(("up", "down"))
    size = {"slow": chance.randint(1, 64), "split": chance.choice((1, 2, 7, 100))}.get(kind, 0)
    return Step(kind, seconds, way, size)
