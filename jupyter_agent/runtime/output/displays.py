"""Displays of one attempt that replace each other: by their id, or because the output was cleared."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .mime import recordable

UPDATE_INTERVAL = 1.0
"""Seconds between two records of a display that changes all the time; the last one is always recorded."""

MAX_CHANGING = 1000
"""Displays whose ids are known, of an attempt that never clears its output."""

CELL = ""
"""The area of what is displayed in the cell itself; others are output widgets."""

Record = Callable[[dict[str, Any], dict[str, Any], str | None], None]
"""Called with data, metadata and id of a display."""

_Content = tuple[dict[str, Any], dict[str, Any]]


class Displays:
    """Records what is displayed by *record*. Thread-safe.

    A display without an id gets one that begins with *name*, so that what is shown after the output was
    cleared can take its place.
    """

    def __init__(self, record: Record, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._record = record
        self._name = name
        self._clock = clock
        self._shown: dict[str, float] = {}
        """When each display was recorded last, by id, in their order."""
        self._changed: dict[str, _Content] = {}
        """What is to be recorded when its time has come."""
        self._cleared: list[str] = []
        """Ids whose places are free: nothing, or something else, is shown there."""
        self._areas: dict[str, str] = {}
        self._own: set[str] = set()
        """Ids that were given here."""
        self._count = 0
        self.renew_locks()

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        self._lock = threading.RLock()

    def show(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any],
        display_id: str | None = None,
        area: str = CELL,
    ) -> None:
        """Record a display in *area*; it replaces an earlier one with the same *display_id*."""
        with self._lock:
            place = self._place(display_id, area)
            if self._clock() - self._shown.get(place, -UPDATE_INTERVAL) >= UPDATE_INTERVAL:
                self._write(place, (recordable(data), metadata))
            else:
                self._changed[place] = recordable(data), metadata

    def clear(self, area: str = CELL) -> None:
        """Nothing that was shown in *area* is shown any more."""
        with self._lock:
            gone = [place for place in self._shown if self._areas[place] == area]
            self._cleared = [place for place in self._cleared if place not in gone] + gone
            for place in gone:
                self._changed.pop(place, None)

    def settle(self) -> None:
        """Have a clear from now on concern nothing that was displayed in the cell before."""
        with self._lock:
            for place in [place for place in self._shown if self._areas[place] == CELL]:
                self._forget(place)

    def sample(self, *, is_last: bool = False) -> None:
        """Record what has changed, and which displays are gone: at their time, or all of it."""
        with self._lock:
            due = self._clock() - UPDATE_INTERVAL
            for place in list(self._changed):
                if is_last or self._shown[place] <= due:
                    self._write(place, self._changed[place])
            for place in [place for place in self._cleared if is_last or self._shown[place] <= due]:
                self._forget(place)
                self._record({}, {}, place)

    def _place(self, display_id: str | None, area: str) -> str:
        """Return the id to record: for a display without one, a place of its kind that was cleared."""
        free = (place for place in self._cleared if self._areas[place] == area and place in self._own)
        place = display_id or next(free, None)
        if place is None:
            self._count += 1
            place = f"{self._name}-{self._count}"
            self._own.add(place)
        if place in self._cleared:
            self._cleared.remove(place)
        self._areas[place] = area
        return place

    def _write(self, place: str, content: _Content) -> None:
        self._changed.pop(place, None)
        self._shown[place] = self._clock()
        while len(self._shown) > MAX_CHANGING:
            self._forget(next(known for known in self._shown if known not in self._changed))
        self._record(*content, place)

    def _forget(self, place: str) -> None:
        del self._shown[place], self._areas[place]
        self._own.discard(place)
        if place in self._cleared:
            self._cleared.remove(place)
