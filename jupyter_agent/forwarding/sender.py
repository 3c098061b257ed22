"""Sender: delivers a source's events to a peer, at least once.

It reconnects until it is cancelled, silently and with growing delays. A batch is acknowledged when the peer
has answered a ping sent behind it, and is sent again otherwise. Memory is one batch.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from ..core.backoff import Backoff
from ..errors import AgentError
from .peer import Opener, Peer, PeerAway, PeerRefuses, open_peer
from .serializers import SUBPROTOCOLS
from .spec import Format, ForwardState, redacted_url

log = logging.getLogger(__name__)
MAX_EVENTS = 250
"""Events in one batch; fewer for a peer that did not answer for as many."""

PING_INTERVAL = 25.0
"""Seconds without an event after which the peer is pinged."""

STABLE_AFTER = 5.0
"""Seconds after which a connection counts as stable: the next delay starts from the shortest."""


class OutgoingBatch(NamedTuple):
    """Some frames, and the source's position behind them."""

    frames: Sequence[bytes]
    position: int


class EventSource(Protocol):
    """Where the events come from. Its position moves on `acknowledge`, and not before."""

    async def next(self, limit: int) -> OutgoingBatch:
        """Wait for events and return 1 to *limit* of them; may be cancelled."""

    async def acknowledge(self, batch: OutgoingBatch) -> None:
        """Move behind *batch*, which the peer has."""

    async def is_exhausted(self) -> bool:
        """Return True if there is nothing to send, and nothing is expected."""

    async def wait_for_events(self) -> None:
        """Wait until the answer of `is_exhausted` may have changed."""


class Sender:
    """Owns the connection while `run` is running. ``state`` and ``error`` are for its status."""

    def __init__(
        self,
        source: EventSource,
        url: str,
        headers: dict[str, str],
        format: Format = "json",
        *,
        uniform: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        connect: Opener = open_peer,
    ) -> None:
        self.state: ForwardState = "waiting"
        self.error: str | None = None
        self._source = source
        self._url = url
        self._headers = headers
        self._format = format
        self._uniform = uniform
        self._pause = pause
        self._connect = connect
        self._limit = MAX_EVENTS
        self._backoff = Backoff(cap=30.0)
        self._refused_backoff = Backoff(first=30.0, cap=300.0)

    def __repr__(self) -> str:
        return f"<sender to {redacted_url(self._url)}, {self.state}>"

    async def run(self) -> None:
        """Connect and send until cancelled."""
        while True:
            delay = 0.0
            try:
                while await self._source.is_exhausted():
                    self.state, self.error = "done", None
                    await self._source.wait_for_events()
                await self._run_connection()
            except AgentError as error:
                delay = self._on_failure(error)
            except Exception as error:  # a bug must not end a forward for good
                log.exception("forwarding to %s failed; it is tried again", redacted_url(self._url))
                delay = self._on_failure(error)
            await self._pause(delay)

    def _on_failure(self, error: Exception) -> float:
        """Record the failure and return the delay in seconds before the next connection."""
        refused = isinstance(error, PeerRefuses)
        self.state = "refused" if refused else "waiting"
        self.error = str(error) if isinstance(error, AgentError) else "an internal error; see the log"
        log.debug("%s: %s", redacted_url(self._url), self.error)
        return (self._refused_backoff if refused else self._backoff).next(self._uniform())

    async def _run_connection(self) -> None:
        """Open one connection and send until the source is exhausted. Raises `PeerAway`."""
        peer = await self._connect(self._url, self._headers, SUBPROTOCOLS[self._format])
        clock = asyncio.get_running_loop().time
        opened = clock()
        try:
            await peer.deliver(())
            self.state, self.error = "connected", None
            while await self._send(peer) or not await self._source.is_exhausted():
                if clock() - opened >= STABLE_AFTER:
                    self._reset_backoff()
        finally:
            await peer.close()

    async def _send(self, peer: Peer) -> bool:
        """Send the next batch; false when there was no event for a while and the peer answered a ping."""
        batch = await peer.wait_or_closed(self._source.next(self._limit), PING_INTERVAL)
        if batch is None:
            await peer.deliver(())
            return False
        try:
            await peer.deliver(batch.frames)
        except PeerAway:  # too slow, or it closes after so many events: it may finish a smaller batch
            self._limit = max(1, len(batch.frames) // 4)
            raise
        # Only now: a cancellation or a cut before this line has the batch sent again, never lost.
        await self._source.acknowledge(batch)
        self._limit = min(MAX_EVENTS, self._limit * 2)
        self._reset_backoff()
        return True

    def _reset_backoff(self) -> None:
        self._backoff.reset()
        self._refused_backoff.reset()
