"""Server-sent events: one task's events, one per message, from a cursor on and live.

Source: HTML Living Standard, section 9.2. ``id`` is the cursor, ``event`` the type; a comment is the
heartbeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from ...journal.base import StoredEvent
from ...journal.session import JournalSession
from .. import metrics
from .feed import Feed, SubscriptionFilter

if TYPE_CHECKING:
    from tornado.web import RequestHandler

WRITE_DEADLINE = 30.0
"""Seconds in which the reader must have taken a chunk."""

_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
"""Line ends between the tokens of untrusted JSON become spaces; JSON has none inside strings."""


class Stream:
    """Writes one response until its reader leaves or loses the right to read, or task or journal are gone.

    *still_allowed* is asked once per heartbeat. With *until_end* the stream ends with the task.
    """

    def __init__(
        self,
        handler: RequestHandler,
        feed: Feed,
        event_filter: SubscriptionFilter,
        after: int,
        *,
        heartbeat: float,
        until_end: bool,
        still_allowed: Callable[[], Awaitable[bool]],
    ) -> None:
        self._handler = handler
        self._feed = feed
        self._event_filter = event_filter
        self._after = after
        self._heartbeat = heartbeat
        self._until_end = until_end
        self._still_allowed = still_allowed
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Write the stream; return when it has ended."""
        self._handler.set_header("Content-Type", "text/event-stream")
        self._handler.set_header("Cache-Control", "no-store")
        self._handler.set_header("X-Accel-Buffering", "no")
        self._feed.subscribe(self, self._event_filter.tasks)
        try:
            await self._write(b"retry: 1000\n\n")
            await self._write_events()
        except (StreamClosedError, TimeoutError):
            return
        finally:
            self._feed.unsubscribe(self)

    def on_commit(self, _previous: int) -> None:
        """Read the new events (see `CommitListener`)."""
        self._wake.set()

    async def _write_events(self) -> None:
        epoch, clock = self._feed.epoch, asyncio.get_running_loop().time
        checked = clock()
        while self._feed.epoch == epoch:
            if clock() - checked >= self._heartbeat:
                checked = clock()
                if not await self._still_allowed() or await self._is_deleted():
                    return
            self._wake.clear()
            page = await self._feed.page(self._after, self._event_filter)
            self._after = page.last
            if page.events:
                await self._write(b"".join(self._message(event) for event in page.events))
                metrics.EVENTS_OUT.inc(len(page.events))
            elif self._until_end and await self._is_finished():
                return
            else:
                await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._heartbeat):
                await self._wake.wait()
        except TimeoutError:
            await self._write(b": heartbeat\n\n")

    async def _is_deleted(self) -> bool:
        """Return True if the task is no longer in the journal: nothing will ever follow."""
        (task_id,) = self._event_filter.tasks or ("",)
        return await self._feed.call(lambda session: session.journal.task(task_id) is None)

    async def _is_finished(self) -> bool:
        """Return True if the task was deleted, or has ended and all its events were written."""
        (task_id,) = self._event_filter.tasks or ("",)

        def job(session: JournalSession) -> bool:
            task = session.journal.task(task_id)
            left = session.journal.read(self._after, 1, tasks=[task_id], types=self._event_filter.types)
            return task is None or (task.state.ended and not left)

        return await self._feed.call(job)

    def _message(self, event: StoredEvent) -> bytes:
        cursor = self._feed.cursor(event.offset)
        kind = event.type if event.type.isidentifier() else "message"
        data = event.encoded.translate(_ONE_LINE)
        return f"id: {cursor}\nevent: {kind}\ndata: ".encode() + data + b"\n\n"

    async def _write(self, chunk: bytes) -> None:
        self._handler.write(chunk)
        async with asyncio.timeout(WRITE_DEADLINE):
            await self._handler.flush()
