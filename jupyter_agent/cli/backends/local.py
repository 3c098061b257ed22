"""A journal that no server holds: this process takes it for the moment of each request, never longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

from ...client import EventsPage
from ...core.events import TaskState, decode_event
from ...core.ids import Cursor
from ...core.task import Task
from ...detached.run_spec import load_run_spec
from ...detached.submission import Submission
from ...detached.work_state import is_alive
from ...errors import NotNow, UnknownTask
from ...journal.base import TAIL_TYPES, StoredEvent
from ...journal.one_shot import home_of, run_in_session
from ...journal.operations.detached_tasks import cancel_queued, enqueue_task, requeue_task
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.retention import delete_files
from ...journal.operations.schedules import ScheduleView as Schedule
from ...journal.session import JournalSession
from ...protocol.subscriber import Apply, Restart
from ...system.paths import DataPaths
from .base import AddResult, Fired
from .caller import call_from_here, user
from .local_schedules import change, delete_schedule, history, one_planned, plan, planned
from .worker_start import WorkerStarter
from .worker_stop import end_worker

T = TypeVar("T")
POLL_INTERVAL = 0.5
"""Seconds between two moments while following."""

PAGE = 1000
PAGES = 20
"""Pages of events that one moment reads at most."""

NEWEST = 200


class LocalBackend:
    """See `Source`. Raises `JournalHeld` when a server, or for long another command, has the journal."""

    def __init__(self, paths: DataPaths, slot: str, *, recover: bool = True) -> None:
        self._paths = paths
        self._slot = slot
        self._recover = recover

    async def tasks(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        key: str | None = None,
        limit: int | None = 50,
        before: str | None = None,
    ) -> list[Task]:
        wanted = TaskState(state) if state else None
        most = 1 << 30 if limit is None else limit
        return await self._run_job(
            lambda session: session.journal.tasks(state=wanted, name=name, key=key, limit=most, before=before)
        )

    async def task(self, task_id: str) -> Task:
        return await self._run_job(lambda session: _task(session, task_id))

    async def events(
        self,
        task_id: str,
        *,
        after: str | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> EventsPage:
        return await self._run_job(lambda session: _events(session, task_id, after, limit or PAGE, types))

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        task = await self.task(task_id)
        match command:
            case "cancel" if not task.state.ended:
                await self._cancel(task)
            case "retry" if task.state.ended:
                await self._retry(task)
            case "retry":
                raise NotNow(
                    f"task {task_id} is {task.state.value}; cancel it before a retry", task_id=task_id
                )
            case _ if task.state.ended:
                raise NotNow(f"task {task_id} has ended already ({task.state})", task_id=task_id)
            case _:
                raise _out_of_reach(task, command)

    async def add(self, asked: Submission) -> AddResult:
        run_spec = call_from_here(asked)
        if (when := asked.schedule) is not None:
            return AddResult(
                schedule=await self._run_job_without_recovery(lambda session: plan(session, run_spec, when))
            )
        task, new = await self._run_job(
            lambda session: enqueue_task(session, self._paths, self._home, run_spec)
        )
        return await self._started(task) if new else AddResult(task=task, new=False)

    async def _started(self, task: Task) -> AddResult:
        """*task* once its worker has begun, or waits for a slot."""
        starter = WorkerStarter(self._paths, self._home)
        begun = await asyncio.to_thread(starter.start, task.producer or "")
        return AddResult(task=await self.task(task.id), attempt=task.attempt, waiting_for_worker=not begun)

    async def _retry(self, task: Task) -> None:
        def job(session: JournalSession) -> bool:
            return requeue_task(session, self._paths, self._home, _task(session, task.id), user())

        if not await self._run_job(job):
            raise _out_of_reach(task, "retry")
        await self._started(await self.task(task.id))

    async def _cancel(self, task: Task) -> None:
        if await self._run_job(lambda session: cancel_queued(session, self._paths, task, user())):
            return
        if load_run_spec(self._paths, task.id) is None or not is_alive(self._paths, task.producer or ""):
            raise _out_of_reach(task, "cancel")
        await asyncio.to_thread(end_worker, self._paths, self._slot, task, user())

    async def delete(self, task_id: str) -> None:
        await self._run_job(lambda session: _delete(session, self._paths, task_id))

    async def schedules(self) -> list[Schedule]:
        return await self._run_job_without_recovery(planned)

    async def schedule(self, ident: str) -> Schedule:
        return await self._run_job_without_recovery(lambda session: one_planned(session, ident))

    async def firings(self, ident: str, limit: int) -> list[Fired]:
        return await self._run_job_without_recovery(lambda session: history(session, ident, limit))

    async def command_schedule(self, ident: str, command: ScheduleCommand) -> Schedule:
        run = self._run_job if command == "run" else self._run_job_without_recovery
        changed = await run(lambda session: change(session, self._paths, self._home, ident, command))
        if command == "run" and changed.last_task is not None:
            await self._started(await self.task(changed.last_task))
        return changed

    async def delete_schedule(self, ident: str) -> None:
        await self._run_job_without_recovery(lambda session: delete_schedule(session, ident))

    async def follow(
        self, tasks: Literal["*"] | Sequence[str], *, after: str | None, tail: int | None
    ) -> AsyncGenerator[Restart | Apply]:
        named = None if tasks == "*" else list(tasks)
        starter = WorkerStarter(self._paths, self._home)
        while True:
            items = await self._run_job(partial(_news, named=named, after=after, tail=tail))
            for item in items:
                after = item.cursor
                yield item
            if len(items) < PAGES:
                await asyncio.to_thread(starter.look)
                await asyncio.sleep(POLL_INTERVAL)

    def close(self) -> None:
        """Nothing is held between requests."""

    @property
    def _home(self) -> str:
        return home_of(self._paths, self._slot)

    async def _run_job(self, job: Callable[[JournalSession], T]) -> T:
        take = partial(run_in_session, recover=self._recover)
        return await asyncio.to_thread(take, self._paths, self._slot, job)

    async def _run_job_without_recovery(self, job: Callable[[JournalSession], T]) -> T:
        """For what has nothing to do with tasks, whose latest news it need not wait for."""
        return await asyncio.to_thread(partial(run_in_session, recover=False), self._paths, self._slot, job)


def _out_of_reach(task: Task, command: str) -> NotNow:
    return NotNow(
        f"no server is running, so {command!r} cannot reach task {task.id}; "
        "start one with 'jupyter agent serve' and try again",
        task_id=task.id,
    )


def _task(session: JournalSession, task_id: str) -> Task:
    task = session.journal.task(task_id)
    if task is None:
        raise UnknownTask(f"there is no task {task_id}", task_id=task_id)
    return task


def _events(
    session: JournalSession, task_id: str, after: str | None, limit: int, types: Sequence[str] | None
) -> EventsPage:
    _task(session, task_id)
    start = Cursor.parse(after).offset if after else 0
    head = session.journal.head
    stored = session.journal.read(start, limit, tasks=[task_id], types=types)
    more = bool(stored) and bool(session.journal.read(stored[-1].offset, 1, tasks=[task_id], types=types))
    return EventsPage(_decoded(stored), _cursor(session, stored[-1].offset if more else head), more)


def _delete(session: JournalSession, paths: DataPaths, task_id: str) -> None:
    task = _task(session, task_id)
    if not task.state.ended:
        raise NotNow(
            f"task {task_id} is {task.state} and cannot be deleted; cancel it first", task_id=task_id
        )
    session.journal.forget([task_id])
    delete_files(paths, task_id)


def _news(
    session: JournalSession, named: list[str] | None, after: str | None, tail: int | None
) -> list[Restart | Apply]:
    """What a server would say to this subscription now."""
    start = _recovered(session, named, after)
    if start is None:
        return _beginning(session, named, tail)
    items: list[Restart | Apply] = []
    while len(items) < PAGES and (stored := session.journal.read(start, PAGE, tasks=named)):
        start = stored[-1].offset
        items.append(Apply(1, _decoded(stored), _cursor(session, start)))
    return items


def _recovered(session: JournalSession, named: list[str] | None, after: str | None) -> int | None:
    if after is None:
        return None
    cursor = Cursor.parse(after)
    known = cursor.epoch == session.journal.epoch and session.journal.recoverable(cursor.offset, named)
    return cursor.offset if known else None


def _beginning(session: JournalSession, named: list[str] | None, tail: int | None) -> list[Restart | Apply]:
    journal, here = session.journal, _cursor(session, session.journal.head)
    if named is None:
        tasks = journal.tasks(limit=NEWEST)
        return [Restart(1, tasks, len(tasks) == NEWEST, here)]
    tasks = [task for task in map(journal.task, named) if task is not None]
    for task in tasks:
        task.cursor = here
    tails = [journal.tail(name, tail, TAIL_TYPES) for name in named] if tail else []
    last = sorted(event for one in tails for event in one)
    if not last:
        return [Restart(1, tasks, False, here)]
    return [Restart(1, tasks, False, _cursor(session, last[0].offset - 1)), Apply(1, _decoded(last), here)]


def _decoded(stored: Sequence[StoredEvent]) -> list[Any]:
    return [decode_event(event.encoded) for event in stored]


def _cursor(session: JournalSession, offset: int) -> str:
    return str(Cursor(session.journal.epoch, offset))
