"""Upkeep of the journal: indexes of older versions, and deletion of what exceeds the retention.

Apart from `liveness`: a pass may take minutes, during which dead producers must be noticed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ...journal.observed_time import Look
from ...journal.operations.retention import Retention, observe, prune
from ...journal.session import JournalSession, PreemptibleJob, Urgency
from ...system.host import boot
from ...system.paths import DataPaths
from ...system.uptime import uptime
from ..delivery.feed import Feed
from .periodic import PeriodicService

PERIOD = 600.0
"""Seconds between two passes."""

RETRY = 2.0
"""Seconds until the next pass after one that failed."""


class Upkeep(PeriodicService):
    """Applies the retention to this journal."""

    name = "upkeep"

    def __init__(
        self,
        feed: Feed,
        paths: DataPaths,
        retention: Retention,
        log: logging.Logger,
        *,
        clock: Callable[[], float] = time.time,
        uptime: Callable[[], float] = uptime,
    ) -> None:
        super().__init__(log)
        self._feed = feed
        self._paths = paths
        self._retention = retention
        self._clock = clock
        self._uptime = uptime

    async def tick(self) -> float:
        """Delete what exceeds the retention."""

        def job(session: JournalSession) -> None:
            now = Look(self._clock(), boot(), self._uptime())
            seen = observe(session, self._retention, now, self._log)
            prune(session, self._paths, self._retention, seen, self._log)

        await self._feed.call(PreemptibleJob(job, Urgency.UPKEEP))
        return PERIOD

    def interval(self) -> float:
        return RETRY
