"""What the handlers work with, as one value: made by the extension, owned by nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..core.task import Task
from ..protocol.messages import Limits
from ..system.paths import DataPaths
from .background.forwards import Forwards
from .background.liveness import Liveness
from .background.scheduler import Scheduler
from .background.worker_supervisor import WorkerSupervisor
from .delivery.connections import Registry
from .delivery.feed import FRAME_BYTES, Feed
from .limits import MAX_EVENT, MAX_MESSAGE, SNAPSHOTS, WINDOW, Timing


@dataclass(frozen=True, slots=True)
class Services:
    """The holder's parts. ``key`` opens the doors to this user's own processes."""

    feed: Feed
    registry: Registry
    liveness: Liveness
    supervisor: WorkerSupervisor
    forwards: Forwards
    scheduler: Scheduler
    paths: DataPaths
    key: str
    owner: str
    timing: Timing
    agent: str = ""
    """The ``module:function`` that free text is for; empty when none is named."""

    clock: Callable[[], float] = time.time

    @property
    def limits(self) -> Limits:
        return Limits(MAX_MESSAGE, MAX_EVENT, SNAPSHOTS, FRAME_BYTES, WINDOW)

    def annotated(self, tasks: list[Task]) -> list[Task]:
        """Add to snapshots what only the holder of the journal knows: since when a task is stalled."""
        for task in tasks:
            if not task.state.ended:
                task.stalled_since = self.liveness.stalled_since(task.producer)
        return tasks
