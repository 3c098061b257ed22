"""The journal as readers on the event loop see it: newest events at hand, older ones by pages.

There is no queue per reader. A reader is a cursor; it asks for what follows, and waits for `Feed.wake`
to be called when there is nothing. Readers with the same interest at the same place share the joined
bytes (a *lane*): they are made once per commit.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple, TypeVar

from ..core.ids import Cursor
from ..core.task import Task
from ..journal.base import Stored
from ..journal.holder import Desk, Holder
from . import metrics

T = TypeVar("T")
FRAME_BYTES = 64 << 10
RECENT_BYTES = 16 << 20
_PAGE_EVENTS = 2000
_offset = attrgetter("offset")


class Interest(NamedTuple):
    """Which events a reader wants; ``None`` means all."""

    tasks: frozenset[str] | None = None
    types: frozenset[str] | None = None

    def wants(self, event: Stored) -> bool:
        return (self.tasks is None or event.task in self.tasks) and (
            self.types is None or event.type in self.types
        )


class Page(NamedTuple):
    """What follows a place: nothing the reader wants lies between its events and ``last``.

    ``more``: the journal's page was cut short, so that more may follow at once.
    """

    last: int
    events: list[Stored]
    replayed: bool = False
    more: bool = False


class Lane(NamedTuple):
    """A page as bytes, for everybody who stands at the same place with the same interest."""

    last: int
    events: int
    body: bytes
    replayed: bool = False


class Feed:
    """Belongs to the event loop. The holder's thread calls `committed`, nothing else."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self.head = 0
        self.holder: Holder
        self.listeners: set[Callable[[], None]] = set()
        self._recent: list[Stored] = []
        self._weight = 0
        self._floor = 0
        self._lanes: dict[tuple[Interest, int], Lane] = {}

    def attach(self, holder: Holder, loop: asyncio.AbstractEventLoop, head: int) -> None:
        """Start reading from *holder*, whose journal's newest offset is *head*."""
        self.holder, self._loop = holder, loop
        self.head = self._floor = head

    @property
    def epoch(self) -> str:
        return self.holder.epoch

    def cursor(self, offset: int | None = None) -> str:
        """The resume token of a place; of the head without one."""
        return f"{self.epoch}:{self.head if offset is None else offset}"

    def committed(self, stored: list[Stored], seconds: float) -> None:
        """Take over what was committed. Called on the journal's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._publish, stored, seconds)

    def replaced(self) -> None:
        """The journal was replaced by an empty one. Called on the journal's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._start_over)

    async def snapshots(self, job: Callable[[Desk], list[Task]]) -> tuple[str, list[Task]]:
        """The tasks that *job* finds, and the cursor up to which they are folded."""

        def read(desk: Desk) -> tuple[str, list[Task]]:
            found = job(desk)
            cursor = str(Cursor(desk.journal.epoch, desk.journal.head))
            for task in found:
                task.cursor = cursor
            return cursor, found

        return await self.call(read)

    async def call(self, job: Callable[[Desk], T]) -> T:
        """Run *job* on the journal's thread."""
        return await asyncio.wrap_future(self.holder.call(job))

    def lane(self, after: int, interest: Interest) -> Lane | None:
        """What follows *after*, at most a frame, if it is at hand; ``None`` when it must be read."""
        if after < self._floor:
            return None
        key = (interest, after)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _join(self._at_hand(after, interest))
        return lane

    async def read_lane(self, after: int, interest: Interest) -> Lane:
        """What follows *after*, at most a frame, from the journal."""
        return _join(await self.read(after, interest, FRAME_BYTES))

    async def page(self, after: int, interest: Interest) -> Page:
        """What follows *after*, at most a frame, from wherever it is."""
        if after < self._floor:
            return await self.read(after, interest, FRAME_BYTES)
        return self._at_hand(after, interest)

    async def read(self, after: int, interest: Interest, size: int, limit: int = _PAGE_EVENTS) -> Page:
        """A page from the journal; progress that a later one on the page supersedes is left out."""

        def job(desk: Desk) -> Page:
            journal = desk.journal
            events = journal.read(after, limit + 1, tasks=interest.tasks, types=interest.types, size=size)
            more = len(events) > limit or sum(len(e.encoded) for e in events) > size
            events = events[:limit]
            last = events[-1].offset if more else max(journal.head, after)
            return Page(last, events, replayed=True, more=more)

        page = await self.call(job)
        return page._replace(events=_newest_progress(page.events))

    def _at_hand(self, after: int, interest: Interest) -> Page:
        start = bisect_right(self._recent, after, key=_offset)
        wanted: list[Stored] = []
        weight = 0
        for event in self._recent[start:]:
            if interest.wants(event):
                if wanted and weight + len(event.encoded) > FRAME_BYTES:
                    return Page(wanted[-1].offset, wanted)
                wanted.append(event)
                weight += len(event.encoded)
        return Page(max(self.head, after), wanted)

    def _publish(self, stored: list[Stored], seconds: float) -> None:
        metrics.EVENTS_IN.inc(len(stored))
        metrics.COMMIT.observe(seconds)
        self._recent += stored
        self._weight += sum(len(event.encoded) for event in stored)
        self.head = stored[-1].offset
        if self._weight > RECENT_BYTES:
            self._trim()
        self._lanes.clear()
        self._wake()

    def _trim(self) -> None:
        """Forget the older half of what is at hand."""
        cut = len(self._recent) // 2 or 1
        self._floor = self._recent[cut - 1].offset
        del self._recent[:cut]
        self._weight = sum(len(event.encoded) for event in self._recent)

    def _start_over(self) -> None:
        self._recent.clear()
        self._lanes.clear()
        self._weight = self.head = self._floor = 0
        self._wake()

    def _wake(self) -> None:
        for listener in list(self.listeners):
            listener()


def _join(page: Page) -> Lane:
    body = b",".join([event.encoded for event in page.events])
    return Lane(page.last, len(page.events), body, page.replayed)


def _newest_progress(events: list[Stored]) -> list[Stored]:
    newest = {event.task: event.offset for event in events if event.type == "progress"}
    return [e for e in events if e.type != "progress" or newest[e.task] == e.offset]
