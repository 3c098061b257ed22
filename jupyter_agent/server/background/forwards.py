"""The service that runs the journal's forwards: each in its own asyncio task, from its cursor.

A forward reads pages after its position, as every reader does: there is no queue, and a peer that hangs
delays no other forward (see `forward_source`).
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
from ...errors import RequestRefused
from ...forwarding.peer import Opener, open_peer
from ...forwarding.sender import Sender
from ...forwarding.spec import ForwardRecord, ForwardSpec, ForwardStatus, status_of
from ...journal.operations.forwards import add_forward, forward, forwards, idle_status, remove_forward
from ...journal.session import JournalSession
from ...system.ids import new_id
from ..delivery.feed import Feed
from .forward_source import FeedSource
from .periodic import PeriodicService

log = logging.getLogger(__name__)
POLL_INTERVAL = 5.0
"""Seconds between two checks for forwards that came with a merged journal, or went with a lost one."""


@dataclass(frozen=True, slots=True)
class _Running:
    record: ForwardRecord
    source: FeedSource
    sender: Sender
    work: asyncio.Task[None]

    def status(self) -> ForwardStatus:
        source, sender = self.source, self.sender
        record = replace(self.record, cursor=source.cursor, delivered=source.delivered)
        return status_of(record, sender.state, source.lag, sender.error)

    async def stop(self) -> None:
        self.source.unsubscribe()
        self.work.cancel()
        await asyncio.wait([self.work])
        await self.source.save()


class UnknownForward(RequestRefused):
    """No forward has this id."""

    def __init__(self, ident: str) -> None:
        super().__init__(f"there is no forward {ident[:80]!r}", status=404, code="unknown_forward")


class Forwards(PeriodicService):
    """Runs every forward, from `start` to `stop`."""

    name = "forwards"

    def __init__(
        self, feed: Feed, *, connect: Opener = open_peer, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(log)
        self._feed = feed
        self._connect = connect
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self._reconciling = asyncio.Lock()

    async def stop(self) -> None:
        """Stop sending and store every position. Idempotent."""
        await super().stop()
        async with self._reconciling:
            await self._stop(list(self._running))

    async def add(self, wanted: ForwardSpec) -> tuple[ForwardStatus, bool]:
        """Start a forward, or find the one that does the same; return it and whether it is new."""
        record, is_new = await self._feed.call(
            lambda session: add_forward(session.journal, wanted, new_id(), self._clock())
        )
        await self.reconcile()
        return self._status(record), is_new

    async def remove(self, ident: str) -> None:
        """Stop a forward and forget it. Raises `UnknownForward`."""
        if not await self._feed.call(lambda session: remove_forward(session.journal, ident)):
            raise UnknownForward(ident)
        await self.reconcile()

    async def all(self) -> list[ForwardStatus]:
        """Return every forward, oldest first."""
        stored = await self._feed.call(lambda session: forwards(session.journal))
        return [self._status(record) for record in stored]

    async def one(self, ident: str) -> ForwardStatus:
        """Return one forward. Raises `UnknownForward`."""
        record = await self._feed.call(lambda session: forward(session.journal, ident))
        if record is None:
            raise UnknownForward(ident)
        return self._status(record)

    def _status(self, record: ForwardRecord) -> ForwardStatus:
        running = self._running.get(record.id)
        return idle_status(record, self._feed.head) if running is None else running.status()

    async def tick(self) -> float:
        await self.reconcile()
        return self.interval()

    def interval(self) -> float:
        return POLL_INTERVAL

    async def reconcile(self) -> None:
        """Start the stored forwards that do not run, stop the running ones that are no longer stored."""
        async with self._reconciling:
            stored = {record.id: record for record in await self._feed.call(_stored_forwards)}
            running = self._running.items()
            await self._stop([i for i, run in running if not _is_same(run.record, stored.get(i))])
            for ident in stored.keys() - self._running.keys():
                await self._start(ident)

    async def _start(self, ident: str) -> None:
        found = await self._feed.call(partial(_read_start, ident))
        if found is None:
            return
        record, position = found
        source = FeedSource(self._feed, record, position)
        sender = Sender(source, record.url, record.headers, record.format, connect=self._connect)
        source.subscribe()
        work = asyncio.create_task(sender.run(), name=f"jupyter-agent-forward-{record.id}")
        self._running[record.id] = _Running(record, source, sender, work)

    async def _stop(self, idents: Sequence[str]) -> None:
        await asyncio.gather(*(self._running.pop(ident).stop() for ident in idents))


def _is_same(run: ForwardRecord, stored: ForwardRecord | None) -> bool:
    """Return True if *run* is up to date; only headers can change."""
    return stored is not None and stored.headers == run.headers


def _stored_forwards(session: JournalSession) -> list[ForwardRecord]:
    """Return all forwards; one whose tasks have all been deleted is removed here."""
    kept = []
    for record in forwards(session.journal):
        if record.delivered and record.tasks and not any(map(session.journal.task, record.tasks)):
            log.debug("%r has no tasks any more and is removed", record)
            remove_forward(session.journal, record.id)
        else:
            kept.append(record)
    return kept


def _read_start(ident: str, session: JournalSession) -> tuple[ForwardRecord, int] | None:
    """Return a forward and the offset that it resumes from; ``None`` when it was removed."""
    journal = session.journal
    record = forward(journal, ident)
    if record is None:
        return None
    cursor = Cursor.parse(record.cursor)
    if cursor.epoch != journal.epoch:
        log.debug("%r resumes at the head: its cursor is of another journal", record)
        return record, journal.head
    if cursor.offset and not journal.recoverable(cursor.offset, record.tasks):
        log.debug("%r resumes after a gap: what was deleted meanwhile cannot be sent", record)
    return record, cursor.offset
