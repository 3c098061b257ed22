"""All of a user's journals as one: a request finds its task's journal, lists are merged."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ...core.query import EventQuery, EventsPage, TaskQuery, key_queries
from ...core.task import Task, current_for_key
from ...detached.submission import Submission
from ...errors import AgentError, JournalHeld, ServerUnreachable, UnknownTask
from ...journal.one_shot.all_journals import merge_tasks, not_asked, unresponsive
from ...journal.slots import known_slots
from ...protocol.subscriber import Apply, Restart
from ...system.paths import DataPaths, data_paths
from ...transport.discovery import DEFAULT, REMOTE, find_address, find_journal
from .base import AddResult, Backend, first_line
from .http import HttpBackend
from .local import LocalBackend
from .references import task_id_of

T = TypeVar("T")
log = logging.getLogger(__name__)
RETRY_INTERVAL = 0.1
"""Seconds before a journal whose holder changed is opened again."""


@dataclass
class Journals:
    """Where the commands go. ``answer_timeout``: seconds that a journal's holder may take to answer.

    ``recover``: whether a journal that no server holds is brought up to date before it is read.
    ``troubles`` are sentences about journals that a list had to leave out.
    """

    paths: DataPaths = field(default_factory=data_paths)
    answer_timeout: float = 5.0
    recover: bool = True
    troubles: list[str] = field(default_factory=list)

    def slots(self) -> list[str]:
        """Return the names of the journals; the default one is always among them."""
        return [REMOTE] if _is_remote() else known_slots(self.paths)

    @property
    def scheduling(self) -> str:
        """The journal that has the schedules, and the tasks that they begin."""
        return REMOTE if _is_remote() else DEFAULT

    def is_served(self) -> bool:
        """Return whether a server runs, and with it the schedules."""
        return any(find_address(self.paths, slot) for slot in self.slots())

    async def tasks(self, query: TaskQuery) -> list[Task]:
        """Return the newest tasks of all journals, newest first by id."""
        found = await self._everywhere(
            lambda slot: self.use(slot, lambda backend: backend.tasks(query)),
        )
        return merge_tasks(found, query.limit)

    async def find(self, reference: str) -> tuple[str, Task]:
        """Return the task and the journal it is in. Raises `UnknownTask`; see `task_id_of`."""
        ident = await task_id_of(self.tasks, reference)

        async def ask(slot: str) -> list[tuple[str, Task]]:
            try:
                return [(slot, await self.task(slot, ident))]
            except UnknownTask:
                return []

        found = [pair for pairs in await self._everywhere(ask) for pair in pairs]
        if not found:
            raise UnknownTask(f"there is no task {ident}{not_asked(self.troubles)}", task_id=ident)
        return found[0]

    async def task(self, slot: str, task_id: str) -> Task:
        """Return the snapshot of a task in one journal. Raises `UnknownTask`."""
        return await self.use(slot, lambda backend: backend.task(task_id))

    async def events(self, slot: str, task_id: str, query: EventQuery) -> EventsPage:
        """Return a page of a task's events."""
        return await self.use(slot, lambda backend: backend.events(task_id, query))

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> Task:
        """Send a command to a task; its snapshot from just before."""
        slot, task = await self.find(task_id)
        await self.use(slot, lambda backend: backend.command(task.id, command, args), once=True)
        return task

    async def delete(self, task_id: str) -> Task:
        """Delete an ended task; return its last snapshot."""
        slot, task = await self.find(task_id)
        await self.use(slot, lambda backend: backend.delete(task.id), once=True)
        return task

    async def add(self, submission: Submission) -> AddResult:
        """Queue a task in the journal that knows its key, else in a served one, else in the default one."""
        if submission.schedule is not None:
            slot = self.scheduling
        else:
            slot = await self._home_of_key(submission.key) or self._first_served()
        return await self.use(slot, lambda backend: backend.add(submission), once=True)

    async def _home_of_key(self, key: str | None) -> str | None:
        if key is None:
            return None
        found = [await self.tasks(query) for query in key_queries(key)]
        task = current_for_key(merge_tasks(found, None))
        return (await self.find(task.id))[0] if task is not None else None

    def _first_served(self) -> str:
        """Return this process's own server's journal, else one that a server holds, else the default one."""
        if _is_remote():
            return REMOTE
        wanted = [find_journal(self.paths), *self.slots()]
        return next((slot for slot in wanted if find_address(self.paths, slot)), DEFAULT)

    async def use(self, slot: str, action: Callable[[Backend], Awaitable[T]], *, once: bool = False) -> T:
        """Call *action* with the backend for the journal's present holder: its server, else this process.

        When the holder changes in between, *action* is repeated, unless it may be done only *once*.
        Raises `ServerUnreachable` when a server has it and does not answer within ``answer_timeout``.
        """
        deadline = time.monotonic() + self.answer_timeout
        while True:
            backend = await self.open(slot)
            try:
                return await action(backend)
            except JournalHeld as held:
                if time.monotonic() > deadline:
                    raise unresponsive(slot, held) from held
            except ServerUnreachable:
                if once or slot == REMOTE or time.monotonic() > deadline:
                    raise
            finally:
                backend.close()
            await asyncio.sleep(RETRY_INTERVAL)

    async def open(self, slot: str) -> Backend:
        """Return the backend for the journal's present holder; the caller closes it."""
        if slot == REMOTE:
            return HttpBackend(self.paths, slot)
        address = find_address(self.paths, slot)
        if address is not None:
            server = HttpBackend(self.paths, slot)
            if await server.is_there():
                return server
            server.close()
            log.debug("nothing answers at %s, which %s names", address.url, slot)
        return LocalBackend(self.paths, slot, recover=self.recover)

    async def follow(
        self,
        slot: str,
        tasks: Literal["*"] | Sequence[str],
        *,
        after: str | None = None,
        tail: int | None = None,
    ) -> AsyncGenerator[Restart | Apply]:
        """Yield one journal's snapshots and events, each event once, across changes of its holder.

        Close it (``aclose``).
        """
        cursor = after
        while True:
            backend = await self.open(slot)
            try:
                async with aclosing(backend.follow(tasks, after=cursor, tail=tail)) as items:
                    async for item in items:
                        cursor = item.cursor
                        yield item
            except (JournalHeld, ServerUnreachable) as error:
                if slot == REMOTE:
                    raise
                log.debug("the holder of the journal %s changed: %s", slot, error)
            finally:
                backend.close()
            await asyncio.sleep(RETRY_INTERVAL)

    async def _everywhere(self, ask: Callable[[str], Awaitable[list[T]]]) -> list[list[T]]:
        """Return every journal's answer.

        A journal that cannot be asked is named in ``troubles``; when none can, the error is raised.
        """
        answers = await asyncio.gather(*map(ask, self.slots()), return_exceptions=True)
        errors = [answer for answer in answers if isinstance(answer, BaseException)]
        for error in errors:
            if not isinstance(error, AgentError) or len(errors) == len(answers):
                raise error
            self.troubles.append(first_line(error))
        return [answer for answer in answers if not isinstance(answer, BaseException)]


def _is_remote() -> bool:
    """Return whether the environment names a server on another machine."""
    return bool(os.environ.get("JUPYTER_AGENT_URL"))
