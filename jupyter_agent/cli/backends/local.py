"""Backend for a journal that no server holds: this process opens it for each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

from ...core.query import EventQuery, EventsPage, TaskQuery
from ...core.task import Task
from ...detached.observed.task_process import Resources, resources_now
from ...detached.observed.waiting import waiting_for
from ...detached.run_spec import RunSpec
from ...detached.submission import Submission
from ...journal.one_shot.journal import OneShotJournal
from ...journal.one_shot.worker_start import WorkerStarter
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import ScheduleView, delete_schedule
from ...journal.operations.subscription import MAX_PAGES
from ...journal.records import Firing
from ...journal.session import JournalSession
from ...protocol.subscriber import Apply, Restart
from ...system.paths import DataPaths
from .base import AddResult
from .caller import agent_for, caller_fields, run_spec_here
from .local_schedules import (
    all_schedules,
    command_schedule,
    edit_schedule,
    firings,
    make_schedule,
    one_schedule,
)

T = TypeVar("T")
POLL_INTERVAL = 0.5
"""Seconds between two reads of the journal while following."""


class LocalBackend:
    """See `Backend` and `OneShotJournal`."""

    def __init__(self, paths: DataPaths, slot: str, *, recover: bool = True) -> None:
        self._paths = paths
        self._journal = OneShotJournal(paths, slot, recover=recover)

    async def tasks(self, query: TaskQuery) -> list[Task]:
        return await asyncio.to_thread(self._journal.tasks, query)

    async def task(self, task_id: str) -> Task:
        task = await asyncio.to_thread(self._journal.task, task_id)
        task.waiting = waiting_for(self._paths, task, time.time())
        return task

    async def resources(self, task: Task) -> Resources:
        return await asyncio.to_thread(resources_now, self._paths, task)

    async def events(self, task_id: str, query: EventQuery) -> EventsPage:
        return await asyncio.to_thread(self._journal.events, task_id, query)

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        await asyncio.to_thread(self._journal.command, task_id, command, args)

    async def delete(self, task_id: str) -> None:
        await asyncio.to_thread(self._journal.delete, task_id)

    async def add(self, submission: Submission) -> AddResult:
        run_spec = run_spec_here(submission)
        if (when := submission.schedule) is not None:
            made = await self.run(lambda session: make_schedule(session, run_spec, when), recover=False)
            return AddResult(schedule=made)
        return await asyncio.to_thread(self._add, run_spec)

    def _add(self, run_spec: RunSpec) -> AddResult:
        task, new = self._journal.enqueue(run_spec)
        if not new:
            return AddResult(task=task, new=False)
        begun = self._journal.start_worker(task)
        return AddResult(self._journal.task(task.id), attempt=task.attempt, waiting_for_worker=not begun)

    async def schedules(self) -> list[ScheduleView]:
        return await self.run(all_schedules, recover=False)

    async def schedule(self, ident: str) -> ScheduleView:
        return await self.run(lambda session: one_schedule(session, ident), recover=False)

    async def firings(self, ident: str, limit: int) -> list[Firing]:
        return await self.run(lambda session: firings(session, ident, limit), recover=False)

    async def command_schedule(self, ident: str, command: ScheduleCommand) -> ScheduleView:
        return await asyncio.to_thread(self._command_schedule, ident, command)

    def _command_schedule(self, ident: str, command: ScheduleCommand) -> ScheduleView:
        home = self._journal.home
        changed = self._journal.run(
            lambda session: command_schedule(session, self._paths, home, ident, command),
            recover=None if command == "run" else False,
        )
        if command == "run" and changed.last_task is not None:
            self._journal.start_worker(self._journal.task(changed.last_task))
        return changed

    async def change_schedule(self, ident: str, changes: dict[str, Any]) -> ScheduleView:
        given = changes | (caller_fields() if "target" in changes else {})
        agent = agent_for(changes.get("target"))
        return await self.run(
            lambda session: edit_schedule(session, ident, given, agent=agent), recover=False
        )

    async def delete_schedule(self, ident: str) -> None:
        await self.run(lambda session: delete_schedule(session, ident), recover=False)

    async def follow(
        self, tasks: Literal["*"] | Sequence[str], *, after: str | None, tail: int | None
    ) -> AsyncGenerator[Restart | Apply]:
        named = None if tasks == "*" else list(tasks)
        starter = WorkerStarter(self._paths, self._journal.home)
        while True:
            items = await asyncio.to_thread(self._journal.next_items, named, after, tail)
            for item in items:
                after = item.cursor
                yield item
            if len(items) < MAX_PAGES:
                await asyncio.to_thread(starter.launch)
                await asyncio.sleep(POLL_INTERVAL)

    async def run(self, job: Callable[[JournalSession], T], *, recover: bool | None = None) -> T:
        """Run *job* in a session; *recover* of false skips recovery, for jobs that read no tasks."""
        return await asyncio.to_thread(partial(self._journal.run, recover=recover), job)

    def close(self) -> None:
        """Nothing is held between requests."""
