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
from functools import partial
from typing import Any, NamedTuple, Protocol

from jupyter_client.kernelspec import NoSuchKernel

from ...core.events import UNREADABLE, State, decode_data, decode_event
from ...detached.run_spec import is_detached
from ...journal.base import StoredEvent
from ...journal.session import JournalSession
from ...system.paths import DataPaths
from ..delivery.feed import Feed, SubscriptionFilter
from .periodic import PeriodicService

SETTING = "jupyter_agent_last_activity"
PERIOD = 60.0
"""Maximum seconds between two reports."""

MIN_PERIOD = 0.5
PAGE = 200
"""Number of open tasks read at once, while others wait."""

REPORTS_PER_TIMEOUT = 3
KERNEL_TIMEOUT = "cull_idle_timeout"
"""The entry of a kernelspec's metadata with which Jupyter replaces the manager's timeout for its kernels."""

HUB_INTERVAL = "JUPYTERHUB_ACTIVITY_INTERVAL"
"""Seconds after which a JupyterHub's server reports its activity to the hub."""


_STATES = SubscriptionFilter(None, frozenset(("state",)))


class Kernels(Protocol):
    """What is needed of Jupyter's kernel manager."""

    def __contains__(self, kernel_id: str, /) -> bool: ...
    def get_kernel(self, kernel_id: str) -> Any: ...


class OpenTask(NamedTuple):
    """An attempt that has not ended; in another state it is another one.

    ``kernel``: the one that it ends with; ``None`` for a detached task.
    """

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
        paths: DataPaths,
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
        self._paths = paths
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

    def start(self) -> None:
        """Report from now on; a task that starts is reported at once. Idempotent."""
        self._feed.subscribe(self, None)
        super().start()

    async def stop(self) -> None:
        """Report no more. Idempotent."""
        self._feed.unsubscribe(self)
        await super().stop()

    def on_commit(self, previous: int) -> None:
        """Report a task that was just queued (see `CommitListener`): the next tick may be too late for it."""
        if self._keep_alive <= 0:
            return
        for event in self._feed.recent(previous, _STATES):
            kernels = _kernels_of_start(event)
            if kernels is not None:
                self._report_start(kernels)

    async def tick(self) -> float:
        now = self._clock()
        tasks = await self.guarded(self._open_tasks())
        if tasks is None:  # the journal is unavailable, which ends no task
            tasks = list(self._first_seen)
        self._first_seen = {task: self._first_seen.get(task, now) for task in tasks}
        self._active = [task for task, seen in self._first_seen.items() if now - seen < self._keep_alive]
        if self._active:
            self._report(self._active_kernels())
        return self.interval()

    def _report_start(self, kernels: set[str]) -> None:
        self._report(kernels)
        if self._own_timeouts(kernels - self._active_kernels()):
            self.wake()

    def _report(self, kernels: set[str]) -> None:
        self.note()
        for kernel in self._known(kernels):
            kernel.last_activity = datetime.now(UTC)

    def _active_kernels(self) -> set[str]:
        return {task.kernel for task in self._active if task.kernel}

    def _known(self, kernels: set[str]) -> list[Any]:
        return [self._kernels.get_kernel(kernel) for kernel in kernels if kernel in self._kernels]

    def interval(self) -> float:
        """Return a third of the shortest timeout, so that a late report is not too late."""
        hub = os.environ.get(HUB_INTERVAL, "")
        own = self._own_timeouts(self._active_kernels())
        timeouts = [*self._timeouts(), *own, float(hub) if hub.isdecimal() else 0.0]
        shortest = min((seconds for seconds in timeouts if seconds > 0), default=PERIOD)
        return max(MIN_PERIOD, min(PERIOD, shortest / REPORTS_PER_TIMEOUT))

    def _own_timeouts(self, kernels: set[str]) -> list[float]:
        """Return the timeouts that kernels have by their kernelspecs."""
        own = [_own_timeout(kernel) for kernel in self._known(kernels)]
        return [float(seconds) for seconds in own if isinstance(seconds, int | float)]

    async def _open_tasks(self) -> list[OpenTask]:
        found: list[OpenTask] = []
        while page := await self._feed.call(partial(self._page, found[-1].id if found else "")):
            found += page
        return found

    def _page(self, after: str, session: JournalSession) -> list[OpenTask]:
        return [
            OpenTask(task.id, task.attempt, task.state.value, self._needed_kernel(task.id, task.kernel))
            for task in session.journal.open_tasks(after=after, limit=PAGE)
        ]

    def _needed_kernel(self, task: str, kernel: str | None) -> str | None:
        return None if kernel is None or is_detached(self._paths, task) else kernel


def _own_timeout(kernel: Any) -> object:
    try:
        return kernel.kernel_spec.metadata.get(KERNEL_TIMEOUT)
    except (NoSuchKernel, AttributeError):  # uninstalled meanwhile, or a manager without kernelspecs
        return None


def _kernels_of_start(event: StoredEvent) -> set[str] | None:
    """Return the kernel, if there is one, of a task that *event* queues; ``None`` for any other event."""
    try:
        data = decode_data(decode_event(event.encoded))
    except UNREADABLE:
        return None
    if not isinstance(data, State) or data.about is None:
        return None
    return {data.about.kernel} if data.about.kernel else set()
