"""The event source of one forward: the journal's events that it has not sent yet, in pages.

The position is stored after the peer has answered, at most once a second; so after a kill of the holder, the
next one sends the events of its last second again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from ...core.task import Task
from ...errors import AgentError
from ...forwarding.sender import OutgoingBatch
from ...forwarding.serializers import serialize
from ...forwarding.spec import ForwardRecord
from ...journal.base import StoredEvent
from ...journal.operations.forwards import name_of, save_position
from ...journal.session import JournalSession
from ..delivery.feed import Feed, SubscriptionFilter

log = logging.getLogger(__name__)
SAVE_INTERVAL = 1.0
"""Minimum seconds between two times that a position is stored, while events are delivered."""

SKIP_INTERVAL = 60.0
"""The same, while the position only moves over events that this forward does not want."""


class FeedSource:
    """Reads what one forward sends next (see `forwarding.sender.EventSource`)."""

    def __init__(
        self, feed: Feed, record: ForwardRecord, position: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.position = self._saved = position
        self.delivered = self._saved_count = record.delivered
        self._feed = feed
        self._record = record
        self._marks = record.marks
        self._clock = clock
        self._saved_at = clock()
        self._wake = asyncio.Event()
        self._event_filter = SubscriptionFilter(_set(record.tasks), _set(record.types))
        self._at_head = False

    @property
    def lag(self) -> int:
        """Offsets up to the journal's head that may hold something for the peer."""
        return 0 if self._at_head else max(0, self._feed.head - self.position)

    @property
    def cursor(self) -> str:
        return self._feed.cursor(self.position)

    def on_commit(self, _previous: int) -> None:
        """Read the new events (see `CommitListener`)."""
        self._at_head = False
        self._wake.set()

    def subscribe(self) -> None:
        """Get commits of the forward's tasks, until `unsubscribe`."""
        self._feed.subscribe(self, self._event_filter.tasks)

    def unsubscribe(self) -> None:
        self._feed.unsubscribe(self)

    async def next(self, limit: int) -> OutgoingBatch:
        while True:
            self._wake.clear()
            page = await self._feed.page(self.position, self._event_filter)
            last = page.events[limit - 1].offset if len(page.events) > limit else page.last
            frames = [
                serialize(event.encoded, self._record.format) for event in self._new(page.events[:limit])
            ]
            if frames:
                return OutgoingBatch(frames, last)
            self.position = max(self.position, last)
            if not page.events:
                await self._wait()

    async def acknowledge(self, batch: OutgoingBatch) -> None:
        self.position = batch.position
        self.delivered += len(batch.frames)
        if self._clock() >= self._due():
            await self.save()

    async def is_exhausted(self) -> bool:
        """Return True if all of its tasks have ended and everything has arrived. A retry reopens them."""
        if self._event_filter.tasks is None:
            return False
        self._wake.clear()
        return await self._feed.call(self._has_all)

    async def wait_for_events(self) -> None:
        await self.save()
        await self._wake.wait()

    async def save(self) -> None:
        """Store the position, if it moved; if the journal cannot be written now, at the next save."""
        position, count = self.position, self.delivered
        self._saved_at = self._clock()
        if not self._has_moved():
            return
        try:
            await self._feed.call(
                lambda session: save_position(session.journal, self._record.id, position, count)
            )
        except AgentError as error:
            log.debug("the position of %r could not be stored: %s", self._record, error)
        else:
            self._saved, self._saved_count = position, count

    def _new(self, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """Leave out what was sent before the forward's journal was merged into this one."""
        if not self._marks:
            return events
        names = ((event, name_of(event)) for event in events)
        return [event for event, name in names if name.n > self._marks.get(name.producer, 0)]

    async def _wait(self) -> None:
        """Wait for a commit, and store the position meanwhile when that is due."""
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
        return (self.position, self.delivered) != (self._saved, self._saved_count)

    def _due(self) -> float:
        return self._saved_at + (SAVE_INTERVAL if self.delivered != self._saved_count else SKIP_INTERVAL)

    def _has_all(self, session: JournalSession) -> bool:
        named = self._event_filter.tasks or ()
        if not all(_has_ended(session.journal.task(task)) for task in named):
            return False
        return not session.journal.read(self.position, 1, tasks=named, types=self._event_filter.types)


def _has_ended(task: Task | None) -> bool:
    return task is not None and task.state.ended


def _set(names: Sequence[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
