"""The feed: the journal as readers on the event loop see it, newest events in memory, older ones by pages.

There is no queue per reader. A reader is a cursor: it asks for what follows, and is notified of commits that
concern it. Readers with the same filter at the same position share one `EventFrame`, built once per commit.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from ...core.events import DATA_TYPES
from ...core.ids import Cursor
from ...core.task import Task
from ...errors import RequestRefused
from ...journal.base import SCAN_LIMIT, StoredEvent
from ...journal.holder import Holder
from ...journal.session import JournalSession
from ...protocol.frames import events_message, text_frame
from .. import metrics
from .listeners import CommitListener, ListenerIndex

T = TypeVar("T")
FRAME_BYTES = 64 << 10
"""Size beyond which a frame gets no further event; a single event may be larger."""

RECENT_BYTES = 16 << 20
"""Bytes of newest events that are kept in memory."""

_PAGE_EVENTS = 2000
_MAX_FRAMES = 64
"""Maximum number of shared frames; readers that catch up from different positions share none."""

_offset = attrgetter("offset")


class SubscriptionFilter(NamedTuple):
    """Which events a reader wants; ``None`` means all."""

    tasks: frozenset[str] | None = None
    types: frozenset[str] | None = None

    def wants(self, event: StoredEvent) -> bool:
        return (self.tasks is None or event.task in self.tasks) and (
            self.types is None or event.type in self.types
        )


def refuse_unknown_types(types: Collection[str]) -> None:
    """Raise `RequestRefused` that names what is no event type: no event would ever match it."""
    if unknown := [repr(name[:40]) for name in types if name not in DATA_TYPES]:
        sentence = f"there is no event type {', '.join(unknown[:5])}; use {', '.join(DATA_TYPES)}"
        raise RequestRefused(sentence, status=400, code="bad_request")


class Page(NamedTuple):
    """The events that follow an offset; no other one up to offset ``last`` matches the filter.

    ``replayed``: read from the journal, not from memory. ``more``: the journal's page was cut short, so that
    more may follow at once.
    """

    last: int
    events: list[StoredEvent]
    replayed: bool = False
    more: bool = False


@dataclass(slots=True)
class EventFrame:
    """A page as bytes, shared by all readers with the same filter at the same position."""

    last: int
    events: int
    body: bytes
    replayed: bool = False
    _key: tuple[int, str] | None = None
    _frame: bytes = b""

    def encode(self, ident: int, prev: str, cursor: str) -> bytes:
        """Return the frame for a subscription; the last one is cached, as views mostly use the same id."""
        if self._key != (ident, prev):
            self._key = (ident, prev)
            self._frame = text_frame(events_message(ident, prev, cursor, self.body))
        return self._frame


class Feed:
    """Belongs to the event loop. The holder's thread calls `on_commit`, nothing else."""

    def __init__(self) -> None:
        self.holder: Holder  # set by `attach`: the holder is made with this feed's `on_commit`
        self._loop: asyncio.AbstractEventLoop | None = None
        self.head = 0
        self._listeners = ListenerIndex()
        self._recent: list[StoredEvent] = []
        self._newest: dict[str, list[StoredEvent]] = {}
        self._newest_after = 0
        self._weight = 0
        self._floor = 0
        self._frames: dict[tuple[SubscriptionFilter, int], EventFrame] = {}

    def attach(self, holder: Holder) -> None:
        """Read from *holder* and run jobs there; once, before anything else."""
        self.holder = holder

    def start(self, loop: asyncio.AbstractEventLoop, head: int) -> None:
        """Deliver commits on *loop* from now on; *head* is the journal's newest offset."""
        self._loop = loop
        self.head = self._floor = head

    @property
    def epoch(self) -> str:
        return self.holder.epoch

    def subscribe(self, listener: CommitListener, tasks: frozenset[str] | None) -> None:
        """Call ``listener.on_commit`` from now on for commits with any of *tasks* (``None``: any)."""
        self._listeners.add(listener, tasks)

    def unsubscribe(self, listener: CommitListener) -> None:
        """Call it no more. Idempotent."""
        self._listeners.remove(listener)

    def cursor(self, offset: int | None = None) -> str:
        """Return the resume token of an offset; of the head without one."""
        return f"{self.epoch}:{self.head if offset is None else offset}"

    def on_commit(self, stored: list[StoredEvent], seconds: float) -> None:
        """Publish what was committed. Called on the journal's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._publish, stored, seconds)

    def replaced(self, head: int) -> None:
        """Start over: the journal was replaced, mostly by an empty one. Called on the journal's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._start_over, head)

    async def snapshots(self, job: Callable[[JournalSession], list[Task]]) -> tuple[str, list[Task]]:
        """Return the cursor up to which snapshots are folded, and those that *job* finds."""

        def read(session: JournalSession) -> tuple[str, list[Task]]:
            found = job(session)
            cursor = str(Cursor(session.journal.epoch, session.journal.head))
            for task in found:
                task.cursor = cursor
            return cursor, found

        return await self.call(read)

    async def call(self, job: Callable[[JournalSession], T]) -> T:
        """Run *job* on the journal's thread."""
        return await asyncio.wrap_future(self.holder.call(job))

    def shared_frame(self, after: int, event_filter: SubscriptionFilter) -> EventFrame | None:
        """Return what follows *after*, if it is in memory; ``None`` when it must be read."""
        if after < self._floor:
            return None
        key = (event_filter, after)
        frame = self._frames.get(key)
        if frame is None:
            if len(self._frames) >= _MAX_FRAMES:
                self._frames.clear()
            frame = self._frames[key] = _join(self._from_memory(after, event_filter))
        return frame

    async def read_frame(self, after: int, event_filter: SubscriptionFilter) -> EventFrame:
        """Read what follows *after*, at most a frame, from the journal."""
        return _join(await self.read(after, event_filter, FRAME_BYTES))

    async def page(self, after: int, event_filter: SubscriptionFilter) -> Page:
        """Return what follows *after*, at most a frame, from memory or from the journal."""
        if after < self._floor:
            return await self.read(after, event_filter, FRAME_BYTES)
        return self._from_memory(after, event_filter)

    def recent(self, after: int, event_filter: SubscriptionFilter) -> list[StoredEvent]:
        """Return the events after *after* that are in memory: for a commit listener, all that are new."""
        newer = (event for event in self._candidates(after, event_filter) if event.offset > after)
        return [event for event in newer if event_filter.wants(event)]

    async def read(
        self, after: int, event_filter: SubscriptionFilter, size: int, limit: int = _PAGE_EVENTS
    ) -> Page:
        """Read a page of the journal, without progress that a later one on the page supersedes.

        Others are served in between when what the filter wants is rare. A page without events is the last.
        """
        while True:
            page = await self.call(partial(_read, after, event_filter, size, limit))
            if page.events or not page.more:
                return page._replace(events=newest_progress(page.events))
            after = page.last

    def _from_memory(self, after: int, event_filter: SubscriptionFilter) -> Page:
        wanted: list[StoredEvent] = []
        weight = 0
        for event in self._candidates(after, event_filter):
            if event.offset > after and event_filter.wants(event):
                if wanted and weight + len(event.encoded) > FRAME_BYTES:
                    return Page(wanted[-1].offset, wanted)
                wanted.append(event)
                weight += len(event.encoded)
        return Page(max(self.head, after), wanted)

    def _candidates(self, after: int, event_filter: SubscriptionFilter) -> list[StoredEvent]:
        """Return the events to filter; a reader of few tasks that keeps up looks at theirs alone."""
        if event_filter.tasks is None or after < self._newest_after:
            return self._recent[bisect_right(self._recent, after, key=_offset) :]
        parts = [self._newest[task] for task in self._newest.keys() & event_filter.tasks]
        return parts[0] if len(parts) == 1 else sorted(chain.from_iterable(parts))

    def _publish(self, stored: list[StoredEvent], seconds: float) -> None:
        metrics.EVENTS_IN.inc(len(stored))
        metrics.COMMIT.observe(seconds)
        self._recent += stored
        self._weight += sum(len(event.encoded) for event in stored)
        previous, self.head = self.head, stored[-1].offset
        self._newest, self._newest_after = _by_task(stored), previous
        if self._weight > RECENT_BYTES:
            self._trim()
        self._frames.clear()
        self._notify(self._newest.keys(), previous)

    def _trim(self) -> None:
        """Forget the older half of what is in memory."""
        cut = len(self._recent) // 2 or 1
        self._floor = self._recent[cut - 1].offset
        del self._recent[:cut]
        self._weight = sum(len(event.encoded) for event in self._recent)

    def _start_over(self, head: int) -> None:
        self._recent.clear()
        self._frames.clear()
        self._newest.clear()
        self._weight = self._newest_after = 0
        self.head = self._floor = head
        self._notify(None, 0)

    def _notify(self, tasks: Collection[str] | None, previous: int) -> None:
        for listener in self._listeners.of(tasks):
            listener.on_commit(previous)


def _read(
    after: int, event_filter: SubscriptionFilter, size: int, limit: int, session: JournalSession
) -> Page:
    """Read a page; with types, as far as a scan of `SCAN_LIMIT` events comes."""
    journal, (tasks, types) = session.journal, event_filter
    upto = journal.head if types is None else journal.scan_end(after, SCAN_LIMIT)
    events = journal.read(after, limit + 1, tasks=tasks, types=types, size=size, upto=upto)
    cut = len(events) > limit or sum(len(event.encoded) for event in events) > size
    events = events[:limit]
    last = events[-1].offset if cut else max(upto, after)
    return Page(last, events, replayed=True, more=cut or upto < journal.head)


def _by_task(stored: list[StoredEvent]) -> dict[str, list[StoredEvent]]:
    found: dict[str, list[StoredEvent]] = {}
    for event in stored:
        found.setdefault(event.task, []).append(event)
    return found


def _join(page: Page) -> EventFrame:
    body = b",".join([event.encoded for event in page.events])
    return EventFrame(page.last, len(page.events), body, page.replayed)


class _Attempt(Struct):
    attempt: int


_attempt = msgspec.json.Decoder(_Attempt)


def newest_progress(events: list[StoredEvent]) -> list[StoredEvent]:
    """Leave out progress that the same attempt has superseded; attempts do not supersede each other."""
    progress = [event for event in events if event.type == "progress"]
    newest = {(event.task, _attempt.decode(event.encoded).attempt): event.offset for event in progress}
    kept = set(newest.values())
    return [event for event in events if event.type != "progress" or event.offset in kept]
