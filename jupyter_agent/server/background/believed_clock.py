"""The wall clock as schedules follow it: one that was set is believed only when it stays so.

A clock that is wrong at one look must fire nothing early, and nothing that was to come is done with then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ...system.uptime import uptime

log = logging.getLogger(__name__)
TOLERATED = 2.0
"""Seconds by which the wall clock may step and is believed at once: clocks are adjusted all the time."""

PATIENCE = 60.0
"""Seconds for which a larger step must last. Until then, time goes on as before it."""


class BelievedClock:
    """Callable: returns Unix seconds. The first look is believed; *steady* counts, and cannot be set."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = uptime) -> None:
        self._wall = wall
        self._steady = steady
        self._lead = wall() - steady()
        self._stepped: tuple[float, float] | None = None

    def __call__(self) -> float:
        steady = self._steady()
        lead = self._wall() - steady
        if abs(lead - self._lead) <= TOLERATED or self._has_lasted(lead, steady):
            self._lead, self._stepped = lead, None
        return steady + self._lead

    def _has_lasted(self, lead: float, steady: float) -> bool:
        """Return True once a step to this *lead* of the wall clock has lasted."""
        if self._stepped is None or abs(lead - self._stepped[0]) > TOLERATED:
            self._stepped = (lead, steady)
        if steady - self._stepped[1] < PATIENCE:
            return False
        log.debug("the clock was set by %+.0f s; schedules follow it now", lead - self._lead)
        return True
