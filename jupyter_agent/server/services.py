"""The services that handlers use, as one value; the extension makes and owns them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from ..core.events import TaskState
from ..core.ids import is_ulid
from ..core.task import Task
from ..detached.observed.waiting import WorkerSlots, waiting_for
from ..detached.run_spec import is_detached
from ..errors import UnknownTask
from ..journal.operations.retention import index_older
from ..journal.operations.spool_recovery import read_spools_of
from ..journal.session import JournalSession, PreemptibleJob, Urgency
from ..protocol.messages import Limits
from ..system.paths import DataPaths
from ..system.user import user_name
from .background.activity import Activity
from .background.forwards import Forwards
from .background.liveness import Liveness
from .background.scheduler import Scheduler
from .background.worker_supervisor import WorkerSupervisor
from .delivery.connections import Registry
from .delivery.feed import FRAME_BYTES, Feed
from .delivery.metric_curves import CurveReader
from .limits import MAX_EVENT, MAX_MESSAGE, MAX_SNAPSHOTS, WINDOW, Timing
from .resources import ResourceSampler

T = TypeVar("T")
MAX_WAITING = 200
"""Queued tasks of one answer for which it is looked up what they wait for: a few files for each."""


@dataclass(slots=True)
class NoJournal:
    """What handlers have while there are no services: *why*, and in place of the services' key a new one."""

    why: str
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    owner: str = field(default_factory=user_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """``key`` authenticates this user's own processes (see `auth`); ``owner`` is this user's name."""

    feed: Feed
    curves: CurveReader
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
    resources: ResourceSampler
    agent: str = ""
    """The ``module:function`` that runs free text given as a target; empty when none is set."""

    clock: Callable[[], float] = time.time

    @property
    def limits(self) -> Limits:
        return Limits(MAX_MESSAGE, MAX_EVENT, MAX_SNAPSHOTS, FRAME_BYTES, WINDOW)

    def existing_task(self, session: JournalSession, task_id: str) -> Task:
        """Return a task that the journal knows. Raises `UnknownTask`."""
        task = session.journal.task(task_id)
        if task is None:
            raise UnknownTask(f"there is no task {task_id[:80]!r}", task_id=task_id)
        return task

    async def ask_about(self, task_id: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; ask again, with what is in the spools, if it raises `UnknownTask`.

        An id that ``submit`` has returned is in a spool from then on, and in the journal only later: after a
        start of this server, or while the producer cannot connect, much later.
        """
        try:
            return await ask()
        except UnknownTask:
            if not is_ulid(task_id):
                raise
        await self.read_spools_of([task_id])
        return await ask()

    async def read_spools_of(self, task_ids: Collection[str]) -> None:
        """Append to the journal what spools have of these tasks."""
        slot = self.feed.holder.slot.name
        job = PreemptibleJob(
            lambda session: read_spools_of(session, self.paths, slot, task_ids), Urgency.LOOKUP
        )
        await self.feed.call(job)

    async def find_places(self) -> None:
        """Wait until tasks can be found by key and by cell, which the oldest journals cannot at first."""
        if not self.feed.holder.is_placed:
            await self.feed.call(PreemptibleJob(index_older, Urgency.LOOKUP))

    def annotated(self, tasks: list[Task]) -> list[Task]:
        """Add to snapshots what only the holder of the journal knows: see `Task`."""
        rest, now, slots = MAX_WAITING, self.clock(), WorkerSlots(self.paths)
        for task in tasks:
            if task.state.ended:
                task.retriable = self._is_retriable(task)
                continue
            task.stalled_since = self.liveness.stalled_since(task.producer)
            if task.state is TaskState.QUEUED and rest > 0:
                rest -= 1
                task.waiting = waiting_for(self.paths, task, now, slots)
        return tasks

    def _is_retriable(self, task: Task) -> bool:
        """Return True if the process that ran the task is there, or if any worker can run it."""
        return self.registry.producer(task.producer or "") is not None or is_detached(self.paths, task.id)
