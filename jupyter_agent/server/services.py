"""The services that handlers use, as one value; the extension makes and owns them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..core.task import Task
from ..protocol.messages import Limits
from ..system.paths import DataPaths
from .background.activity import Activity
from .background.forwards import Forwards
from .background.liveness import Liveness
from .background.scheduler import Scheduler
from .background.worker_supervisor import WorkerSupervisor
from .delivery.connections import Registry
from .delivery.feed import FRAME_BYTES, Feed
from .limits import MAX_EVENT, MAX_MESSAGE, MAX_SNAPSHOTS, WINDOW, Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """``key`` authenticates this user's own processes (see `auth`); ``owner`` is this user's name."""

    feed: Feed
    registry: Registry
    liveness: Liveness
    supervisor: WorkerSupervisor
    forwards: Forwards
    scheduler: Scheduler
    activity: Activity
    paths: DataPaths
    key: str
    owner: str
    timing: Timing
    agent: str = ""
    """The ``module:function`` that runs free text given as a target; empty when none is set."""

    clock: Callable[[], float] = time.time

    @property
    def limits(self) -> Limits:
        return Limits(MAX_MESSAGE, MAX_EVENT, MAX_SNAPSHOTS, FRAME_BYTES, WINDOW)

    def annotated(self, tasks: list[Task]) -> list[Task]:
        """Add to snapshots what only the holder of the journal knows: since when a task is stalled."""
        for task in tasks:
            if not task.state.ended:
                task.stalled_since = self.liveness.stalled_since(task.producer)
        return tasks
