"""Pace of a long job: how much of it makes one step, so that others wait for a step only briefly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..session import JournalSession

STEP_SECONDS = 0.02
"""What a step should take. How much work that is depends on the disk, the load, and what is in memory."""


FIRST_STEP = 200


class Pace:
    """The size of the next step: grows and shrinks with the time that the last one took."""

    def __init__(
        self, size: int, largest: int, *, smallest: int = 1, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.size = size
        self._bounds = (smallest, largest)
        self._clock = clock

    @contextmanager
    def step(self) -> Iterator[int]:
        """Yield the size of a step, which the body does."""
        start = self._clock()
        yield self.size
        took = max(self._clock() - start, 1e-6)
        smallest, largest = self._bounds
        # At most double, as one quick step says little; less at once, as a slow one has made others wait.
        wanted = int(self.size * min(2.0, STEP_SECONDS / took))
        self.size = min(max(wanted, smallest), largest)


def first_pace(largest: int) -> Pace:
    """Return the pace of work in steps of up to *largest*, which begins with a small one."""
    return Pace(min(FIRST_STEP, largest), largest)


def in_steps(session: JournalSession, work: Callable[[int], bool], largest: int) -> None:
    """Call *work* with the size of a step until it returns False; others run in between."""
    pace, more = first_pace(largest), True
    while more:
        with pace.step() as size:
            more = work(size)
        if more:
            session.yield_to_others()
