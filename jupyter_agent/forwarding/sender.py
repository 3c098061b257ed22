"""Sending what a source has to a peer, until it is cancelled: connect, send, be answered, come back.

At least once: a batch counts when the peer has answered a ping behind it, and is sent again otherwise.
Memory is one batch. Who is away is tried again with growing pauses, without a word.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from random import random
from typing import NamedTuple, Protocol

from ..core.backoff import Backoff
from ..errors import AgentError
from .peer import Opener, Peer, PeerAway, PeerRefuses, open_peer
from .serializers import SUBPROTOCOLS
from .spec import Format, ForwardState, shown_url

log = logging.getLogger(__name__)
MAX_EVENTS = 250
"""Events in one batch; fewer for a peer that did not answer for so many."""

QUIET = 25.0
"""Seconds without an event after which the peer is asked whether it is still there."""

STABLE_AFTER = 5.0
"""Seconds after which a connection counts as one that worked."""


class OutgoingBatch(NamedTuple):
    """Some frames, and the place of the source behind them."""

    frames: Sequence[bytes]
    place: int


class EventSource(Protocol):
    """Where the events come from. Its place moves on when `acknowledge` says so, and not before."""

    async def next(self, most: int) -> OutgoingBatch:
        """At most *most* events (at least one), as soon as there are any; may be cancelled."""

    async def acknowledge(self, batch: OutgoingBatch) -> None:
        """The peer has *batch*."""

    async def is_exhausted(self) -> bool:
        """Whether there is nothing to send, and nothing to be expected either."""

    async def wait_for_events(self) -> None:
        """Wait until that may have changed since `is_exhausted` was asked."""


class Sender:
    """Owns the connection, while `run` runs. ``state`` and ``error`` say how it stands."""

    def __init__(
        self,
        source: EventSource,
        url: str,
        headers: dict[str, str],
        form: Format = "json",
        *,
        chance: Callable[[], float] = random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        connect: Opener = open_peer,
    ) -> None:
        self.state: ForwardState = "waiting"
        self.error: str | None = None
        self._source = source
        self._url = url
        self._headers = headers
        self._form = form
        self._chance = chance
        self._pause = pause
        self._connect = connect
        self._most = MAX_EVENTS
        self._backoff = Backoff(cap=30.0)
        self._seldom = Backoff(first=30.0, cap=300.0)

    def __repr__(self) -> str:
        return f"<sender to {shown_url(self._url)}, {self.state}>"

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            delay = 0.0
            try:
                while await self._source.is_exhausted():
                    self.state, self.error = "done", None
                    await self._source.wait_for_events()
                await self._run_connection()
            except AgentError as error:
                delay = self._trouble(error)
            except Exception as error:  # a fault of ours must not end a forward for good
                log.exception("forwarding to %s failed; it is tried again", shown_url(self._url))
                delay = self._trouble(error)
            await self._pause(delay)

    def _trouble(self, error: Exception) -> float:
        """Note what happened; the pause before the next try."""
        refused = isinstance(error, PeerRefuses)
        self.state = "refused" if refused else "waiting"
        self.error = str(error) if isinstance(error, AgentError) else "a fault of its own; the log has it"
        log.debug("%s: %s", shown_url(self._url), self.error)
        return (self._seldom if refused else self._backoff).next(self._chance())

    async def _run_connection(self) -> None:
        """One connection, until the source is over. Raises `PeerAway`."""
        peer = await self._connect(self._url, self._headers, SUBPROTOCOLS[self._form])
        clock = asyncio.get_running_loop().time
        opened = clock()
        try:
            await peer.deliver(())
            self.state, self.error = "connected", None
            while await self._send(peer) or not await self._source.is_exhausted():
                if clock() - opened >= STABLE_AFTER:
                    self._worked()
        finally:
            await peer.close()

    async def _send(self, peer: Peer) -> bool:
        """Send what is next; false when nothing came for a while, and the peer is still there."""
        batch = await peer.wait_or_closed(self._source.next(self._most), QUIET)
        if batch is None:
            await peer.deliver(())
            return False
        try:
            await peer.deliver(batch.frames)
        except PeerAway:  # too slow, or it hangs up after so many: of fewer it may get to the end
            self._most = max(1, len(batch.frames) // 4)
            raise
        await self._source.acknowledge(batch)
        self._most = min(MAX_EVENTS, self._most * 2)
        self._worked()
        return True

    def _worked(self) -> None:
        self._backoff.reset()
        self._seldom.reset()
