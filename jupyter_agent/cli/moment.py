"""A journal that no server holds: this process takes it for the moment of each request, never longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

from ..client import EventsPage
from ..core.events import TaskState, decode_event
from ..core.ids import Cursor
from ..core.protocol import Apply, Restart
from ..core.task import Task
from ..discovery import DEFAULT
from ..errors import JournalHeld, NotNow, UnknownTask
from ..journal.base import Stored
from ..journal.holder import Desk, Holder
from ..journal.ingest import interrupt_orphans, peek_spools, take_in
from ..journal.retention import delete_files
from ..journal.slots import Slot, take_moment_slot
from ..places import Places

T = TypeVar("T")
LOOK_AGAIN = 0.5
"""Seconds between two moments while following."""

LEASE = 86_400.0
"""Seconds since its last word that a producer on another machine counts as alive."""

PAGE = 1000
PAGES = 20
"""Pages of events that one moment reads at most."""

NEWEST = 200
TAIL_TYPES = ("log", "message", "display")
PATIENCE = 5.0
_RETRY = 0.05


class MomentSource:
    """See `Source`. Raises `JournalHeld` when a server, or for long another command, has the journal."""

    def __init__(self, places: Places, slot: str) -> None:
        self._places = places
        self._slot = slot

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
        return await self._at_desk(
            lambda desk: desk.journal.tasks(state=wanted, name=name, key=key, limit=most, before=before)
        )

    async def task(self, task_id: str) -> Task:
        return await self._at_desk(lambda desk: _task(desk, task_id))

    async def events(
        self,
        task_id: str,
        *,
        after: str | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> EventsPage:
        return await self._at_desk(lambda desk: _events(desk, task_id, after, limit or PAGE, types))

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        task = await self.task(task_id)
        if task.state.ended and command != "retry":
            raise NotNow(f"task {task_id} has ended already ({task.state})", task_id=task_id)
        raise NotNow(
            f"no server is running, so {command!r} cannot reach task {task_id}; "
            "start one with 'jupyter agent serve' and try again",
            task_id=task_id,
        )

    async def delete(self, task_id: str) -> None:
        await self._at_desk(lambda desk: _delete(desk, self._places, task_id))

    async def follow(
        self, tasks: Literal["*"] | Sequence[str], *, after: str | None, tail: int | None
    ) -> AsyncGenerator[Restart | Apply]:
        named = None if tasks == "*" else list(tasks)
        while True:
            items = await self._at_desk(partial(_news, named=named, after=after, tail=tail))
            for item in items:
                after = item.cursor
                yield item
            if len(items) < PAGES:
                await asyncio.sleep(LOOK_AGAIN)

    def close(self) -> None:
        """Nothing is held between requests."""

    async def _at_desk(self, job: Callable[[Desk], T]) -> T:
        return await asyncio.to_thread(at_desk, self._places, self._slot, job)


def at_desk(places: Places, name: str, job: Callable[[Desk], T]) -> T:
    """What *job* makes of the journal *name* with everything taken in that can be read now."""
    slot = _take_slot(places, name)
    try:
        holder = Holder(slot)
    except BaseException:
        slot.release()
        raise

    def work(desk: Desk) -> T:
        take_in(desk, places, slot.name)
        peek_spools(desk, places, slot.name)
        interrupt_orphans(desk, places, lambda _: False, now=time.time(), lease=LEASE)
        return job(desk)

    with holder:
        return holder.call(work).result()


def _take_slot(places: Places, name: str) -> Slot:
    """The slot (the default one, when *name* was merged into it); waits for other commands' moments."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return take_moment_slot(places, name if (places.journals / name).is_dir() else DEFAULT)
        except JournalHeld as held:
            if held.holder.get("kind") == "server" or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY)


def _task(desk: Desk, task_id: str) -> Task:
    task = desk.journal.task(task_id)
    if task is None:
        raise UnknownTask(f"there is no task {task_id}", task_id=task_id)
    return task


def _events(
    desk: Desk, task_id: str, after: str | None, limit: int, types: Sequence[str] | None
) -> EventsPage:
    _task(desk, task_id)
    start = Cursor.parse(after).offset if after else 0
    head = desk.journal.head
    stored = desk.journal.read(start, limit, tasks=[task_id], types=types)
    more = bool(stored) and bool(desk.journal.read(stored[-1].offset, 1, tasks=[task_id], types=types))
    return EventsPage(_decoded(stored), _cursor(desk, stored[-1].offset if more else head), more)


def _delete(desk: Desk, places: Places, task_id: str) -> None:
    task = _task(desk, task_id)
    if not task.state.ended:
        raise NotNow(
            f"task {task_id} is {task.state} and cannot be deleted; cancel it first", task_id=task_id
        )
    desk.journal.forget([task_id])
    delete_files(places, task_id)


def _news(desk: Desk, named: list[str] | None, after: str | None, tail: int | None) -> list[Restart | Apply]:
    """What a server would say to this subscription now."""
    start = _recovered(desk, named, after)
    if start is None:
        return _beginning(desk, named, tail)
    items: list[Restart | Apply] = []
    while len(items) < PAGES and (stored := desk.journal.read(start, PAGE, tasks=named)):
        start = stored[-1].offset
        items.append(Apply(1, _decoded(stored), _cursor(desk, start)))
    return items


def _recovered(desk: Desk, named: list[str] | None, after: str | None) -> int | None:
    if after is None:
        return None
    cursor = Cursor.parse(after)
    known = cursor.epoch == desk.journal.epoch and desk.journal.recoverable(cursor.offset, named)
    return cursor.offset if known else None


def _beginning(desk: Desk, named: list[str] | None, tail: int | None) -> list[Restart | Apply]:
    journal, here = desk.journal, _cursor(desk, desk.journal.head)
    if named is None:
        tasks = journal.tasks(limit=NEWEST)
        return [Restart(1, tasks, len(tasks) == NEWEST, here)]
    tasks = [task for task in map(journal.task, named) if task is not None]
    last = [event for name in named for event in journal.tail(name, tail or 0, TAIL_TYPES)] if tail else []
    restart = Restart(1, tasks, False, here)
    return [restart, Apply(1, _decoded(sorted(last)), here)] if last else [restart]


def _decoded(stored: Sequence[Stored]) -> list[Any]:
    return [decode_event(event.encoded) for event in stored]


def _cursor(desk: Desk, offset: int) -> str:
    return str(Cursor(desk.journal.epoch, offset))
