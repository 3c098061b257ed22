"""All of a user's journals as one: requests find their task's journal, lists are merged."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ...client import EventsPage
from ...core.ids import is_ulid
from ...core.task import Task, current_for_key
from ...detached.submission import Submission
from ...errors import AgentError, JournalHeld, ServerUnreachable, UnknownSchedule, UnknownTask
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import ScheduleView as Schedule
from ...journal.slots import existing_slots
from ...protocol.subscriber import Apply, Restart
from ...system.paths import DataPaths, data_paths
from ...transport.discovery import DEFAULT, REMOTE, find_address, find_journal
from .base import AddResult, Backend, Fired, first_line
from .http import HttpBackend
from .local import LocalBackend

T = TypeVar("T")
SlotUpdate = tuple[str, Restart | Apply]
log = logging.getLogger(__name__)
RETRY = 0.1
MORE_JOURNALS = 1.0
"""Seconds between looks for journals that were not there when following began."""


@dataclass
class Journals:
    """Where the commands go. ``patience``: seconds that a journal's holder may take to answer.

    ``recover``: whether what nobody holds is brought up to date before it is read.
    ``troubles`` are sentences about journals that a list had to leave out.
    """

    paths: DataPaths = field(default_factory=data_paths)
    patience: float = 5.0
    recover: bool = True
    troubles: list[str] = field(default_factory=list)

    def slots(self) -> list[str]:
        """The journals there are; the default one is always there to be opened."""
        if os.environ.get("JUPYTER_AGENT_URL"):
            return [REMOTE]
        return list(dict.fromkeys([DEFAULT, *existing_slots(self.paths)]))

    async def tasks(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        key: str | None = None,
        limit: int | None = 50,
    ) -> list[Task]:
        """The newest of all journals, newest first by id."""

        async def ask(slot: str) -> list[Task]:
            return await self.use(
                slot, lambda source: source.tasks(state=state, name=name, key=key, limit=limit)
            )

        found = await self._everywhere(ask)
        merged = {task.id: task for tasks in found for task in tasks}
        return sorted(merged.values(), key=lambda task: task.id, reverse=True)[:limit]

    async def find(self, task_id: str) -> tuple[str, Task]:
        """The task and the journal it is in. Raises `UnknownTask`."""
        ident = task_id.upper()
        if not is_ulid(ident):
            raise UnknownTask(
                f"{task_id!r} is no task id (26 letters and digits); 'jupyter agent tasks list' shows them",
                task_id=task_id,
            )

        async def ask(slot: str) -> list[tuple[str, Task]]:
            try:
                return [(slot, await self.task(slot, ident))]
            except UnknownTask:
                return []

        found = [pair for pairs in await self._everywhere(ask) for pair in pairs]
        if not found:
            raise UnknownTask(self._unknown(ident), task_id=ident)
        return found[0]

    async def task(self, slot: str, task_id: str) -> Task:
        """The snapshot of a task in one journal. Raises `UnknownTask`."""
        return await self.use(slot, lambda source: source.task(task_id))

    async def events(
        self, slot: str, task_id: str, *, after: str | None, types: Sequence[str] | None
    ) -> EventsPage:
        """A page of a task's events."""
        return await self.use(slot, lambda source: source.events(task_id, after=after, types=types))

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> Task:
        """Ask a task for something; the snapshot from just before."""
        slot, task = await self.find(task_id)
        await self.use(slot, lambda source: source.command(task.id, command, args), once=True)
        return task

    async def add(self, asked: Submission) -> AddResult:
        """Have something run: by the journal that knows its key, else by a server, else by this process."""
        if asked.schedule is not None:
            slot = self.scheduling
        else:
            slot = await self._home_of_key(asked.key) or self._first_served()
        return await self.use(slot, lambda source: source.add(asked), once=True)

    @property
    def scheduling(self) -> str:
        """The journal that has the schedules, and the tasks that they begin."""
        return REMOTE if os.environ.get("JUPYTER_AGENT_URL") else DEFAULT

    def is_served(self) -> bool:
        """Whether any server runs, and with it the schedules."""
        return any(find_address(self.paths, slot) for slot in self.slots())

    async def schedules(self) -> list[Schedule]:
        """All schedules, oldest first."""
        return await self.use(self.scheduling, lambda source: source.schedules())

    async def schedule(self, ident: str) -> Schedule:
        """One schedule. Raises `UnknownSchedule`."""
        return await self.use(self.scheduling, lambda source: source.schedule(_checked(ident)))

    async def firings(self, ident: str, limit: int) -> list[Fired]:
        """What became of its dues, newest first."""
        return await self.use(self.scheduling, lambda source: source.firings(_checked(ident), limit))

    async def command_schedule(self, ident: str, command: ScheduleCommand) -> Schedule:
        """Pause a schedule, resume it, or run it now; as it is then."""
        return await self.use(
            self.scheduling, lambda source: source.command_schedule(_checked(ident), command), once=True
        )

    async def delete_schedule(self, ident: str) -> Schedule:
        """Forget a schedule; as it was."""
        schedule = await self.schedule(ident)
        await self.use(self.scheduling, lambda source: source.delete_schedule(schedule.id), once=True)
        return schedule

    async def _home_of_key(self, key: str | None) -> str | None:
        if key is None:
            return None
        found = await self.tasks(key=key, limit=None)
        task = current_for_key(found)
        return (await self.find(task.id))[0] if task is not None else None

    def _first_served(self) -> str:
        """The journal of this process's own server, else one that a server holds, else the default one."""
        if os.environ.get("JUPYTER_AGENT_URL"):
            return REMOTE
        wanted = [find_journal(self.paths), *self.slots()]
        return next((slot for slot in wanted if find_address(self.paths, slot)), DEFAULT)

    async def delete(self, task_id: str) -> Task:
        """Forget an ended task; its last snapshot."""
        slot, task = await self.find(task_id)
        await self.use(slot, lambda source: source.delete(task.id), once=True)
        return task

    async def use(self, slot: str, action: Callable[[Backend], Awaitable[T]], *, once: bool = False) -> T:
        """What *action* gives with whatever has the journal now: its server, else this process.

        A server that goes away in between is looked for again, unless *action* may be done only *once*.
        Raises `ServerUnreachable` when a server has it and does not answer within ``patience``.
        """
        deadline = time.monotonic() + self.patience
        while True:
            source = await self.open(slot)
            try:
                return await action(source)
            except JournalHeld as held:
                if time.monotonic() > deadline:
                    raise _unresponsive(slot, held) from held
            except ServerUnreachable:
                if once or slot == REMOTE or time.monotonic() > deadline:
                    raise
            finally:
                source.close()
            await asyncio.sleep(RETRY)

    async def open(self, slot: str) -> Backend:
        """Whatever has the journal now; the caller closes it."""
        if slot == REMOTE:
            return HttpBackend(self.paths, slot)
        address = find_address(self.paths, slot)
        if address is not None:
            server = HttpBackend(self.paths, slot)
            if await server.is_there():
                return server
            server.close()
            log.debug("nobody answers at %s, which %s names", address.url, slot)
        return LocalBackend(self.paths, slot, recover=self.recover)

    async def follow(
        self,
        slot: str,
        tasks: Literal["*"] | Sequence[str],
        *,
        after: str | None = None,
        tail: int | None = None,
    ) -> AsyncGenerator[Restart | Apply]:
        """One journal's news, from server to moment to server, each event once. Close it (``aclose``)."""
        cursor = after
        while True:
            source = await self.open(slot)
            try:
                async with aclosing(source.follow(tasks, after=cursor, tail=tail)) as items:
                    async for item in items:
                        cursor = item.cursor
                        yield item
            except (JournalHeld, ServerUnreachable) as error:
                if slot == REMOTE:
                    raise
                log.debug("looking again who has the journal %s: %s", slot, error)
            finally:
                source.close()
            await asyncio.sleep(RETRY)

    async def follow_all(self, *, tail: int | None = None) -> AsyncGenerator[SlotUpdate]:
        """The news of all journals, also of those that come later, each with its journal's name."""
        queue: asyncio.Queue[SlotUpdate | Exception] = asyncio.Queue(16)
        scan = asyncio.create_task(self._scan(queue, tail), name="jupyter-agent-scan")
        try:
            while True:
                news = await queue.get()
                if isinstance(news, Exception):
                    raise news
                yield news
        finally:
            scan.cancel()
            await asyncio.wait([scan])

    async def _scan(self, queue: asyncio.Queue[SlotUpdate | Exception], tail: int | None) -> None:
        """Feed *queue* from every journal, those that come later too, until cancelled."""
        feeds: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for slot in self.slots():
                    if slot not in feeds:
                        work = self._feed(slot, queue, tail)
                        feeds[slot] = asyncio.create_task(work, name=f"jupyter-agent-feed-{slot}")
                await asyncio.sleep(MORE_JOURNALS)
        finally:
            for task in feeds.values():
                task.cancel()
            await asyncio.gather(*feeds.values(), return_exceptions=True)

    async def _feed(self, slot: str, queue: asyncio.Queue[SlotUpdate | Exception], tail: int | None) -> None:
        try:
            async with aclosing(self.follow(slot, "*", tail=tail)) as items:
                async for item in items:
                    await queue.put((slot, item))
        except Exception as error:  # noqa: BLE001 - the reader of the queue raises it
            await queue.put(error)

    async def _everywhere(self, ask: Callable[[str], Awaitable[list[T]]]) -> list[list[T]]:
        """Every journal's answer. One that cannot be asked is named in ``troubles``; all of them: raised."""
        answers = await asyncio.gather(*map(ask, self.slots()), return_exceptions=True)
        errors = [answer for answer in answers if isinstance(answer, BaseException)]
        for error in errors:
            if not isinstance(error, AgentError) or len(errors) == len(answers):
                raise error
            self.troubles.append(first_line(error))
        return [answer for answer in answers if not isinstance(answer, BaseException)]

    def _unknown(self, task_id: str) -> str:
        where = f"; not asked: {'; '.join(self.troubles)}" if self.troubles else ""
        return f"there is no task {task_id}{where}"


def _checked(ident: str) -> str:
    if not is_ulid(ident.upper()):
        raise UnknownSchedule(
            f"{ident!r} is no schedule's id (26 letters and digits); 'jupyter agent schedule list' shows them"
        )
    return ident.upper()


def _unresponsive(slot: str, held: JournalHeld) -> ServerUnreachable:
    url, pid = str(held.holder.get("url") or ""), held.holder.get("pid")
    who = f"the server at {url}" if url else "a process"
    number = f" (process {pid})" if pid else ""
    return ServerUnreachable(f"{who}{number} holds the journal {slot!r} and does not answer", url=url)
