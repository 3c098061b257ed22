"""The forwards of this journal, run by its holder: each in a task of its own, from its cursor.

A forward reads pages after its place, as every reader does: there is no queue, and a peer that hangs keeps
nobody. The place is stored after the peer has answered, once a second at most, so that a holder that is
killed sends again what it sent in its last second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from ..core.ids import Cursor
from ..core.task import Task
from ..errors import AgentError, RequestRefused
from ..forwarding.formats import written
from ..forwarding.peer import Opener, open_peer
from ..forwarding.record import Record, Shown, Wanted, shown
from ..forwarding.sender import Batch, Sender
from ..journal.base import Stored
from ..journal.forwards import add_forward, at_rest, forward, forwards, name_of, remove_forward, save_place
from ..journal.holder import Desk
from ..places import new_id
from .feed import Feed, Interest

log = logging.getLogger(__name__)
SAVE_EVERY = 1.0
"""Seconds between two times that a place is stored, while events are delivered."""

PASS_EVERY = 60.0
"""The same, while all that moves on is events that this forward does not want."""

LOOK_EVERY = 5.0
"""Seconds between looks for forwards that came with a journal that was taken in, or went with a lost one."""


class FeedSource:
    """What one forward sends next (see `forwarding.sender.Source`)."""

    def __init__(
        self, feed: Feed, record: Record, place: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.place = self._saved = place
        self.delivered = self._saved_count = record.delivered
        self._feed = feed
        self._record = record
        self._marks = record.marks
        self._clock = clock
        self._saved_at = clock()
        self._wake = asyncio.Event()
        self._interest = Interest(_set(record.tasks), _set(record.types))
        self._at_head = False

    @property
    def lag(self) -> int:
        """Places up to the journal's head that may have something for the peer."""
        return 0 if self._at_head else max(0, self._feed.head - self.place)

    @property
    def cursor(self) -> str:
        return self._feed.cursor(self.place)

    def committed(self, _previous: int) -> None:
        """There may be something new (see `feed.Follower`)."""
        self._at_head = False
        self._wake.set()

    def follow(self) -> None:
        """Be told of commits, until `unfollow`."""
        self._feed.follow(self, self._interest.tasks)

    def unfollow(self) -> None:
        self._feed.unfollow(self)

    async def next(self, most: int) -> Batch:
        while True:
            self._wake.clear()
            page = await self._feed.page(self.place, self._interest)
            last = page.events[most - 1].offset if len(page.events) > most else page.last
            frames = [written(event.encoded, self._record.format) for event in self._new(page.events[:most])]
            if frames:
                return Batch(frames, last)
            self.place = max(self.place, last)
            if not page.events:
                await self._wait()

    async def answered(self, batch: Batch) -> None:
        self.place = batch.place
        self.delivered += len(batch.frames)
        if self._clock() >= self._due():
            await self.save()

    async def over(self) -> bool:
        """Whether all of its tasks have ended and everything has arrived. They may be tried again."""
        if self._interest.tasks is None:
            return False
        self._wake.clear()
        return await self._feed.call(self._has_all)

    async def news(self) -> None:
        await self.save()
        await self._wake.wait()

    async def save(self) -> None:
        """Store the place, if it moved. A journal that cannot be written now is written later."""
        place, count = self.place, self.delivered
        self._saved_at = self._clock()
        if not self._has_moved():
            return
        try:
            await self._feed.call(lambda desk: save_place(desk.journal, self._record.id, place, count))
        except AgentError as error:
            log.debug("the place of %r could not be stored: %s", self._record, error)
        else:
            self._saved, self._saved_count = place, count

    def _new(self, events: Sequence[Stored]) -> Sequence[Stored]:
        """Without what was sent before this journal took in the one that it was in."""
        if not self._marks:
            return events
        names = ((event, name_of(event)) for event in events)
        return [event for event, name in names if name.n > self._marks.get(name.producer, 0)]

    async def _wait(self) -> None:
        """For a commit; what is to be stored is stored meanwhile."""
        self._at_head = not self._wake.is_set()
        while self._has_moved():
            left = self._due() - self._clock()
            if left <= 0:
                await self.save()
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    await self._wake.wait()
            except TimeoutError:
                continue
            return
        await self._wake.wait()

    def _has_moved(self) -> bool:
        return (self.place, self.delivered) != (self._saved, self._saved_count)

    def _due(self) -> float:
        return self._saved_at + (SAVE_EVERY if self.delivered != self._saved_count else PASS_EVERY)

    def _has_all(self, desk: Desk) -> bool:
        named = self._interest.tasks or ()
        if not all(_has_ended(desk.journal.task(task)) for task in named):
            return False
        return not desk.journal.read(self.place, 1, tasks=named, types=self._interest.types)


def _has_ended(task: Task | None) -> bool:
    return task is not None and task.state.ended


def _set(names: Sequence[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


@dataclass(frozen=True, slots=True)
class _Running:
    record: Record
    source: FeedSource
    sender: Sender
    work: asyncio.Task[None]

    def shown(self) -> Shown:
        source, sender = self.source, self.sender
        record = replace(self.record, cursor=source.cursor, delivered=source.delivered)
        return shown(record, sender.state, source.lag, sender.error)

    async def stop(self) -> None:
        self.source.unfollow()
        self.work.cancel()
        await asyncio.wait([self.work])
        await self.source.save()


class UnknownForward(RequestRefused):
    """No forward has this id."""

    def __init__(self, ident: str) -> None:
        super().__init__(f"there is no forward {ident[:80]!r}", status=404, code="unknown_forward")


class Forwards:
    """Runs every forward, from `start` to `stop`."""

    def __init__(
        self, feed: Feed, *, connect: Opener = open_peer, clock: Callable[[], float] = time.time
    ) -> None:
        self._feed = feed
        self._connect = connect
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self._one_at_a_time = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run(), name="jupyter-agent-forwards")

    async def stop(self) -> None:
        """Stop sending, and store every place; again is nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        async with self._one_at_a_time:
            await self._end(list(self._running))

    async def add(self, wanted: Wanted) -> tuple[Shown, bool]:
        """Start a forward, or find the one that does the same; and whether it is new."""
        record, is_new = await self._feed.call(
            lambda desk: add_forward(desk.journal, wanted, new_id(), self._clock())
        )
        await self.look()
        return self._shown(record), is_new

    async def remove(self, ident: str) -> None:
        """Stop a forward and forget it. Raises `UnknownForward`."""
        if not await self._feed.call(lambda desk: remove_forward(desk.journal, ident)):
            raise UnknownForward(ident)
        await self.look()

    async def all(self) -> list[Shown]:
        """Every forward, oldest first."""
        return [self._shown(record) for record in await self._feed.call(lambda desk: forwards(desk.journal))]

    async def one(self, ident: str) -> Shown:
        """One forward. Raises `UnknownForward`."""
        record = await self._feed.call(lambda desk: forward(desk.journal, ident))
        if record is None:
            raise UnknownForward(ident)
        return self._shown(record)

    def _shown(self, record: Record) -> Shown:
        running = self._running.get(record.id)
        return at_rest(record, self._feed.head) if running is None else running.shown()

    async def look(self) -> None:
        """Start what the journal has and does not run, end what it has no more."""
        async with self._one_at_a_time:
            stored = {record.id: record for record in await self._feed.call(_wanted_now)}
            running = self._running.items()
            await self._end([i for i, run in running if not _is_same(run.record, stored.get(i))])
            for ident in stored.keys() - self._running.keys():
                await self._begin(ident)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except AgentError as error:
                log.debug("the forwards cannot be read now: %s", error)
            except Exception:  # a fault of ours in one look must not be the last look
                log.exception("looking after the forwards failed; it is tried again")
            await asyncio.sleep(LOOK_EVERY)

    async def _begin(self, ident: str) -> None:
        found = await self._feed.call(partial(_start, ident))
        if found is None:
            return
        record, place = found
        source = FeedSource(self._feed, record, place)
        sender = Sender(source, record.url, record.headers, record.format, connect=self._connect)
        source.follow()
        work = asyncio.create_task(sender.run(), name=f"jupyter-agent-forward-{record.id}")
        self._running[record.id] = _Running(record, source, sender, work)

    async def _end(self, idents: Sequence[str]) -> None:
        await asyncio.gather(*(self._running.pop(ident).stop() for ident in idents))


def _is_same(run: Record, stored: Record | None) -> bool:
    """Whether what runs is what is wanted; only headers can change."""
    return stored is not None and stored.headers == run.headers


def _wanted_now(desk: Desk) -> list[Record]:
    """The forwards; one whose tasks have all been deleted since goes with them."""
    kept = []
    for record in forwards(desk.journal):
        if record.delivered and record.tasks and not any(map(desk.journal.task, record.tasks)):
            log.debug("%r has no tasks any more and is removed", record)
            remove_forward(desk.journal, record.id)
        else:
            kept.append(record)
    return kept


def _start(ident: str, desk: Desk) -> tuple[Record, int] | None:
    """A forward and where it goes on; what was deleted in between is gone."""
    journal = desk.journal
    record = forward(journal, ident)
    if record is None:
        return None
    cursor = Cursor.parse(record.cursor)
    if cursor.epoch != journal.epoch:
        log.debug("%r goes on from now: its place is one of another journal", record)
        return record, journal.head
    if cursor.offset and not journal.recoverable(cursor.offset, record.tasks):
        log.debug("%r goes on behind a gap: what was deleted meanwhile cannot be sent", record)
    return record, cursor.offset
