"""Activity: open tasks keep their server and their kernels from being culled as idle, for a bounded time.

What culls looks at three places: Jupyter at `kernel.last_activity` and at the extensions'
``current_activity()``, a JupyterHub at the newest setting ``*_last_activity`` of the server.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from ...journal.session import JournalSession
from ..delivery.feed import Feed
from .periodic import PeriodicService

SETTING = "jupyter_agent_last_activity"
PERIOD = 60.0
"""Maximum seconds between two reports."""

MIN_PERIOD = 0.5
REPORTS_PER_TIMEOUT = 3
HUB_INTERVAL = "JUPYTERHUB_ACTIVITY_INTERVAL"
"""Seconds after which a JupyterHub's server reports its activity to the hub."""


class Kernels(Protocol):
    """What is needed of Jupyter's kernel manager."""

    def __contains__(self, kernel_id: str, /) -> bool: ...
    def get_kernel(self, kernel_id: str) -> Any: ...


class OpenTask(NamedTuple):
    """An attempt that has not ended; in another state it is another one."""

    id: str
    attempt: int
    state: str
    kernel: str | None


class Activity(PeriodicService):
    """Reports open tasks as activity, each for *keep_alive* seconds from when it was first seen so.

    *timeouts* are those after which something here is culled; 0 is never.
    """

    name = "activity"

    def __init__(
        self,
        feed: Feed,
        settings: MutableMapping[str, Any],
        kernels: Kernels,
        *,
        keep_alive: float,
        timeouts: Callable[[], list[float]],
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(log)
        self._feed = feed
        self._settings = settings
        self._kernels = kernels
        self._keep_alive = keep_alive
        self._timeouts = timeouts
        self._clock = clock
        # A monotonic clock of our own: times in tasks come from clocks that may be wrong.
        self._first_seen: dict[OpenTask, float] = {}
        self._active: list[OpenTask] = []

    @property
    def active_tasks(self) -> list[str]:
        """The ids of the tasks that count as activity."""
        return [task.id for task in self._active]

    def note(self) -> None:
        """Record that the user did something just now."""
        self._settings[SETTING] = datetime.now(UTC)

    async def tick(self) -> float:
        now = self._clock()
        tasks = await self._feed.call(_open_tasks)
        self._first_seen = {task: self._first_seen.get(task, now) for task in tasks}
        self._active = [task for task, seen in self._first_seen.items() if now - seen < self._keep_alive]
        if self._active:
            self.note()
        for kernel in {task.kernel for task in self._active if task.kernel}:
            if kernel in self._kernels:
                self._kernels.get_kernel(kernel).last_activity = datetime.now(UTC)
        return self.interval()

    def interval(self) -> float:
        """Return a third of the shortest timeout, so that a late report is not too late."""
        hub = os.environ.get(HUB_INTERVAL, "")
        timeouts = [*self._timeouts(), float(hub) if hub.isdecimal() else 0.0]
        shortest = min((seconds for seconds in timeouts if seconds > 0), default=PERIOD)
        return max(MIN_PERIOD, min(PERIOD, shortest / REPORTS_PER_TIMEOUT))


def _open_tasks(session: JournalSession) -> list[OpenTask]:
    return [
        OpenTask(task.id, task.attempt, task.state.value, task.kernel)
        for task in session.journal.open_tasks()
    ]
