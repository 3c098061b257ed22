"""The services that handlers use, as one value; the extension makes and owns them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..core.ids import ulid_time
from ..core.task import Task
from ..detached.run_spec import is_detached
from ..errors import UnknownTask
from ..journal.operations.spool_recovery import read_live_spools
from ..journal.session import JournalSession
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

YOUNG = 60.0
"""Seconds in which a task's first event must have left its producer's spool: an older id that the journal
does not know is looked for nowhere else."""


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

    def existing_task(self, session: JournalSession, task_id: str) -> Task:
        """Return a task, from the spool of its living producer when it is not published yet.

        Raises `UnknownTask`.
        """
        task = session.journal.task(task_id)
        if task is None and self._is_young(task_id):
            read_live_spools(session, self.paths, self.feed.holder.slot.name, mentioning=task_id)
            task = session.journal.task(task_id)
        if task is None:
            raise UnknownTask(f"there is no task {task_id[:80]!r}", task_id=task_id)
        return task

    def _is_young(self, task_id: str) -> bool:
        made = ulid_time(task_id)
        return made is not None and abs(self.clock() - made) < YOUNG

    def annotated(self, tasks: list[Task]) -> list[Task]:
        """Add to snapshots what only the holder of the journal knows: see `Task`."""
        for task in tasks:
            if task.state.ended:
                task.retriable = self._is_retriable(task)
            else:
                task.stalled_since = self.liveness.stalled_since(task.producer)
        return tasks

    def _is_retriable(self, task: Task) -> bool:
        """Return True if the process that ran the task is there, or if any worker can run it."""
        return self.registry.producer(task.producer or "") is not None or is_detached(self.paths, task.id)
