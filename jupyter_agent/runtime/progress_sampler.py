"""Progress of an attempt: the newest values, or the position of its outermost tracked loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from ..core.events import Number
from .followed_bars import Bar, FollowedBars

Values = tuple[Number | None, Number | None, str | None]
"""Done, total and message."""


class Position(Protocol):
    """A loop that is being tracked."""

    initial: int
    """How many items were done before this loop."""

    def values(self) -> tuple[int, int | None]:
        """Return how many items were taken, and of how many (``None``: unknown), initial ones included."""


def items_done(taken: int, initial: int, *, all_taken: bool) -> int:
    """Return how many items are done: the one taken last is being worked on, unless *all_taken* are done."""
    return taken if all_taken else max(initial, taken - 1)


class ProgressSampler:
    """Keeps the newest progress and writes it when sampled, if it changed. Thread-safe.

    ``newest`` is replaced as a whole, so that readers in other threads need no lock. ``positions`` are the
    loops being tracked, the outermost first; ``bars`` are the user's own.
    """

    def __init__(self, write: Callable[[Values], None]) -> None:
        self.newest: Values = (None, None, None)
        self.positions: list[Position] = []
        self.bars = FollowedBars()
        self._write = write
        self._written: Values = (None, None, None)
        self.renew_locks()

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        self._lock = threading.Lock()
        self._sampling = threading.Lock()

    def advance(self, by: Number) -> None:
        """Add *by* to ``done``."""
        with self._lock:  # read and write as one step: several threads of a task advance at once
            done, total, message = self.newest
            self.newest = ((done or 0) + by, total, message)

    def leave(self, position: Position, *, all_taken: bool = True) -> None:
        """Stop tracking a loop; the outermost one leaves its last values behind. Idempotent.

        *all_taken*: as for `items_done`.
        """
        with self._lock:
            if position in self.positions:
                outermost = self.positions[0] is position
                self.positions.remove(position)
                if outermost:
                    self.newest = _moved(self.newest, position, all_taken=all_taken)

    def begin_bar(self, bar: Bar) -> bool:
        """Follow *bar*; return whether another one is open. Inside a tracked loop, that is the progress."""
        with self._lock:
            is_nested = bool(self.bars.open_ones())
            self.bars.begin(bar, is_inner=bool(self.positions))
            return is_nested

    def end_bar(self, bar: Bar) -> bool:
        """Stop following *bar*, which leaves its last values if it is the progress; false when it is over."""
        with self._lock:
            if bar not in self.bars.open_ones():
                return False
            if self.bars.end(bar, is_tracked=bool(self.positions)):
                self.newest = self.bars.moved(self.newest, bar)
            return True

    def sample(self) -> None:
        """Write the newest progress, unless it is written already."""
        with self._sampling:
            newest = self.newest
            positions = self.positions[:1]  # one step: the task's thread may remove it at any time
            with self._lock:
                bar = self.bars.outermost(is_tracked=bool(positions))
            if bar is not None:
                newest = self.newest = self.bars.moved(newest, bar)
            elif positions:
                newest = self.newest = _moved(newest, positions[0])
            if newest != self._written:
                self._written = newest
                self._write(newest)


def _moved(values: Values, position: Position, *, all_taken: bool = False) -> Values:
    taken, total = position.values()
    done = items_done(taken, position.initial, all_taken=all_taken)
    return done, values[1] if total is None else total, values[2]
