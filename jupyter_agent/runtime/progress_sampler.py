"""Progress of an attempt: the newest values, or the position of its outermost tracked loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from ..core.events import Number

Values = tuple[Number | None, Number | None, str | None]
"""Done, total and message."""


class Position(Protocol):
    """A loop that is being tracked."""

    def values(self) -> tuple[int, int | None]:
        """Return how many items were taken, and of how many (``None``: unknown)."""


class ProgressSampler:
    """Keeps the newest progress and writes it when sampled, if it changed. Thread-safe.

    ``newest`` is replaced as a whole, so that readers in other threads need no lock. ``positions`` are the
    loops being tracked, the outermost first.
    """

    def __init__(self, write: Callable[[Values], None]) -> None:
        self.newest: Values = (None, None, None)
        self.positions: list[Position] = []
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

    def leave(self, position: Position) -> None:
        """Stop tracking a loop; the outermost one leaves its last values behind. Idempotent."""
        with self._lock:
            if position in self.positions:
                outermost = self.positions[0] is position
                self.positions.remove(position)
                if outermost:
                    self.newest = _moved(self.newest, position)

    def sample(self) -> None:
        """Write the newest progress, unless it is written already."""
        with self._sampling:
            newest = self.newest
            positions = self.positions[:1]  # one step: the task's thread may remove it at any time
            if positions:
                newest = self.newest = _moved(newest, positions[0])
            if newest != self._written:
                self._written = newest
                self._write(newest)


def _moved(values: Values, position: Position) -> Values:
    done, total = position.values()
    return done, values[1] if total is None else total, values[2]
