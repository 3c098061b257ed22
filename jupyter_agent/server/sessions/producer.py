"""A producer's session: published batches, their acks, and commands that wait for the producer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from ...core.sanitize import to_single_line
from ...journal.base import AppendResult, Batch, PendingCommand
from ...journal.session import JournalSession
from ...protocol.actions import encode
from ...protocol.messages import (
    NOT_STORED,
    Ack,
    ErrorMessage,
    FromClient,
    Handled,
    Nack,
    Publish,
    SpoolTrouble,
)
from ...protocol.server import ServerSide
from ..commands import flush_backlog
from ..delivery.connections import Connection
from ..limits import MAX_EVENT, WINDOW
from ..services import Services
from .reconnect import reconnect
from .subscriber import SubscriberSession

MAX_UNCOMMITTED = 2 * WINDOW
"""Batches of one producer that wait for their commit; with so many, no further frame is read."""

MAX_NOTICES = 3
"""Notices of one batch that are shown."""

MAX_NOTICE = 500
"""Characters of a notice that are shown."""


class ProducerSession(SubscriberSession):
    """Serves one producer's connection after its hello; a producer may also subscribe and command."""

    def __init__(
        self,
        connection: Connection,
        services: Services,
        protocol: ServerSide,
        is_allowed: Callable[[str], Awaitable[bool]],
    ) -> None:
        super().__init__(connection, services, protocol, is_allowed)
        self._producer = connection.producer or ""
        self._loop = asyncio.get_running_loop()
        # One less than the maximum: the batch that fills the window is stored, and then blocks reading.
        self._window = asyncio.Semaphore(MAX_UNCOMMITTED - 1)

    async def start(self) -> None:
        """Reopen tasks that were believed interrupted, and send the commands that wait.

        A journal that was replaced or put back lacks events that were acknowledged: they are asked for, now
        and whenever it is replaced.
        """
        self._services.feed.subscribe(self, frozenset())
        pending: list[PendingCommand] = []
        try:
            last, pending = await reconnect(self._services.feed, self._producer)
            if last < self._connection.acked:
                self._writer.post(encode(Nack(last + 1)))
        finally:
            # Also after an error: it opens the backlog, in which all later commands would stay otherwise.
            flush_backlog(self._connection, pending)

    async def handle(self, request: FromClient, size: int, /) -> None:
        match request:
            case Publish():
                await self._publish(request, size)
            case Handled(offset):
                await self._handled(offset)
            case SpoolTrouble(sentence):
                self._connection.spool_trouble = self._named(sentence)
            case _:
                await super().handle(request, size)

    def on_commit(self, _previous: int) -> None:
        """Ask for all events: the journal was replaced. No task is followed, so that no commit comes here."""
        self._writer.post(encode(Nack(1)))

    def close(self, code: int | None) -> None:
        """Leave the registry and ask the liveness service to check the producer's lock soon. Idempotent."""
        self._services.feed.unsubscribe(self)
        self._window.release()  # unblock `_publish`; no further frame is read
        super().close(code)
        self._services.liveness.check_soon()

    async def _handled(self, offset: int) -> None:
        """Mark a command as handled, if it is one that waits for this producer and not for another."""

        def job(session: JournalSession) -> None:
            if any(waiting.offset == offset for waiting in session.journal.pending(self._producer)):
                session.journal.handled(offset)

        await self._services.feed.call(job)

    def _named(self, trouble: str) -> str:
        """Return the sentence with host and producer, by which views find it; empty if it is empty."""
        where = f"a process on {self._connection.host or 'a host without a name'}"
        where += "" if self._producer in trouble else f" ({self._producer})"
        return to_single_line(f"{where}: {trouble}")[:MAX_NOTICE] if trouble else ""

    async def _publish(self, request: Publish, size: int) -> None:
        if (reason := self._why_refused(request, size)) is not None:
            self._refuse(*reason)
            return
        for notice in request.notices[:MAX_NOTICES]:
            self._services.feed.holder.health.notice(to_single_line(notice)[:MAX_NOTICE])
        batch = Batch(self._producer, request.base, request.events, host=self._connection.host)
        future = self._services.feed.holder.append(batch)
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._acknowledge, done))
        await self._window.acquire()

    def _why_refused(self, request: Publish, size: int) -> tuple[str, str] | None:
        """Return code and sentence if nothing of the batch may be stored; else ``None``."""
        if not request.events or request.events[0].n != request.first:
            return "bad_message", "publish needs events, the first of them numbered `first`"
        if size > MAX_EVENT and any(len(encode(event)) > MAX_EVENT for event in request.events):
            return "bad_message", f"an event may have {MAX_EVENT:,} bytes; nothing was stored"
        if any(event.producer != self._producer for event in request.events):
            return "foreign_task", "these events name another producer; nothing was stored"
        return None

    def _acknowledge(self, done: Future[AppendResult]) -> None:
        """Tell the producer what became of a batch: it frees its spool up to an ack, and only then."""
        self._window.release()
        error = done.exception()
        if error is not None:
            message = f"the events were not stored: {error}"
            self._writer.post(encode(ErrorMessage(NOT_STORED, message, True)))
            return
        result = done.result()
        if result.foreign:
            numbers = ", ".join(str(n) for n in result.foreign[:5])
            self._refuse("foreign_task", f"events {numbers} are of another producer's task; not stored")
        if result.upto:
            self._writer.post(encode(Ack(result.upto)))
        if result.expected is not None:
            self._writer.post(encode(Nack(result.expected)))
