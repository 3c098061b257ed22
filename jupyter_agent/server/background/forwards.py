"""The forwards of this journal, run by its holder: each in a task of its own, from its cursor.

A forward reads pages after its place, as every reader does: there is no queue, and a peer that hangs keeps
nobody (see `forward_source`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from ...core.ids import Cursor
from ...errors import AgentError, RequestRefused
from ...forwarding.peer import Opener, open_peer
from ...forwarding.sender import Sender
from ...forwarding.spec import ForwardRecord, ForwardSpec, ForwardStatus, shown
from ...journal.operations.forwards import add_forward, at_rest, forward, forwards, remove_forward
from ...journal.session import JournalSession
from ...system.ids import new_id
from ..delivery.feed import Feed
from .forward_source import FeedSource

log = logging.getLogger(__name__)
POLL_INTERVAL = 5.0
"""Seconds between looks for forwards that came with a journal that was taken in, or went with a lost one."""


@dataclass(frozen=True, slots=True)
class _Running:
    record: ForwardRecord
    source: FeedSource
    sender: Sender
    work: asyncio.Task[None]

    def shown(self) -> ForwardStatus:
        source, sender = self.source, self.sender
        record = replace(self.record, cursor=source.cursor, delivered=source.delivered)
        return shown(record, sender.state, source.lag, sender.error)

    async def stop(self) -> None:
        self.source.unsubscribe()
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

    async def add(self, wanted: ForwardSpec) -> tuple[ForwardStatus, bool]:
        """Start a forward, or find the one that does the same; and whether it is new."""
        record, is_new = await self._feed.call(
            lambda session: add_forward(session.journal, wanted, new_id(), self._clock())
        )
        await self.look()
        return self._shown(record), is_new

    async def remove(self, ident: str) -> None:
        """Stop a forward and forget it. Raises `UnknownForward`."""
        if not await self._feed.call(lambda session: remove_forward(session.journal, ident)):
            raise UnknownForward(ident)
        await self.look()

    async def all(self) -> list[ForwardStatus]:
        """Every forward, oldest first."""
        return [
            self._shown(record) for record in await self._feed.call(lambda session: forwards(session.journal))
        ]

    async def one(self, ident: str) -> ForwardStatus:
        """One forward. Raises `UnknownForward`."""
        record = await self._feed.call(lambda session: forward(session.journal, ident))
        if record is None:
            raise UnknownForward(ident)
        return self._shown(record)

    def _shown(self, record: ForwardRecord) -> ForwardStatus:
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
            await asyncio.sleep(POLL_INTERVAL)

    async def _begin(self, ident: str) -> None:
        found = await self._feed.call(partial(_start, ident))
        if found is None:
            return
        record, place = found
        source = FeedSource(self._feed, record, place)
        sender = Sender(source, record.url, record.headers, record.format, connect=self._connect)
        source.subscribe()
        work = asyncio.create_task(sender.run(), name=f"jupyter-agent-forward-{record.id}")
        self._running[record.id] = _Running(record, source, sender, work)

    async def _end(self, idents: Sequence[str]) -> None:
        await asyncio.gather(*(self._running.pop(ident).stop() for ident in idents))


def _is_same(run: ForwardRecord, stored: ForwardRecord | None) -> bool:
    """Whether what runs is what is wanted; only headers can change."""
    return stored is not None and stored.headers == run.headers


def _wanted_now(session: JournalSession) -> list[ForwardRecord]:
    """The forwards; one whose tasks have all been deleted since goes with them."""
    kept = []
    for record in forwards(session.journal):
        if record.delivered and record.tasks and not any(map(session.journal.task, record.tasks)):
            log.debug("%r has no tasks any more and is removed", record)
            remove_forward(session.journal, record.id)
        else:
            kept.append(record)
    return kept


def _start(ident: str, session: JournalSession) -> tuple[ForwardRecord, int] | None:
    """A forward and where it goes on; what was deleted in between is gone."""
    journal = session.journal
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
