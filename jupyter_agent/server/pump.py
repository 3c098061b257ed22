"""The pump: one coroutine per connection, the only writer of its socket.

Every write is awaited, with a deadline, before the next one is made; so a slow reader costs one frame
of memory and nobody else's time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..core.messages import Close, Heartbeat
from ..core.protocol import CloseWith, encode
from . import metrics
from .feed import Feed, Interest, Lane

WRITE_DEADLINE = 30.0
_MANY = 64


class Socket(Protocol):
    """What the pump needs of a WebSocket."""

    async def put(self, frame: bytes) -> None:
        """Write one text frame and wait until it left; raises `ConnectionError` when the peer is gone."""

    def close_with(self, code: int, reason: str) -> None:
        """Close it."""

    async def still_allowed(self) -> CloseWith | None:
        """Whether this user may still be here; if not, how to say so."""


@dataclass(slots=True)
class Reader:
    """A subscription as the server keeps it: ``told`` is the client's cursor, ``at`` our own place."""

    ident: int
    interest: Interest
    told: str
    at: int
    epoch: str


class Pump:
    """Owns the writing side of one connection, from `run` to its end."""

    def __init__(self, feed: Feed, socket: Socket, now: Callable[[], float], heartbeat: float) -> None:
        self.readers: dict[int, Reader] = {}
        self._feed = feed
        self._socket = socket
        self._now = now
        self._heartbeat = heartbeat
        self._outbox: deque[bytes | CloseWith] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def post(self, item: bytes | CloseWith) -> None:
        """Write this frame, or close, before any further events."""
        self._outbox.append(item)
        if len(self._outbox) > _MANY:
            self._room.clear()
        self._wake.set()

    def follow(self, reader: Reader) -> None:
        """Start, or replace, a subscription."""
        self.readers[reader.ident] = reader
        self._wake.set()

    async def room(self) -> None:
        """Wait until the peer has taken most of what was posted."""
        await self._room.wait()

    async def run(self) -> None:
        """Write until the peer is gone, too slow, or closed; then return."""
        self._feed.listeners.add(self._wake.set)
        try:
            await self._run()
        except ConnectionError:
            return
        except TimeoutError:
            self._socket.close_with(Close.TOO_SLOW, "this reader is too slow")
        finally:
            self._feed.listeners.discard(self._wake.set)
            self._room.set()

    async def _run(self) -> None:
        heartbeat = self._now() + self._heartbeat
        while True:
            self._wake.clear()
            if await self._write_outbox():
                return
            wrote = [await self._advance(reader) for reader in list(self.readers.values())]
            if self._now() >= heartbeat:
                heartbeat = self._now() + self._heartbeat
                await self._beat()
            if not any(wrote):
                await self._rest(heartbeat - self._now())

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _write_outbox(self) -> bool:
        """Empty the outbox; true when it said to close."""
        while self._outbox:
            item = self._outbox.popleft()
            if isinstance(item, CloseWith):
                self._socket.close_with(item.code, item.reason)
                return True
            await self._write(item)
            if len(self._outbox) <= _MANY:
                self._room.set()
        return False

    async def _advance(self, reader: Reader) -> bool:
        """Write at most one frame of a subscription; whether there may be more."""
        if reader.epoch != self._feed.epoch:
            self.post(CloseWith(Close.RESUBSCRIBE, "the journal was replaced"))
            return True
        if reader.at >= self._feed.head:
            return False
        lane = self._feed.lane(reader.at, reader.interest)
        if lane is None:
            lane = await self._feed.read_lane(reader.at, reader.interest)
        if self.readers.get(reader.ident) is reader:
            await self._deliver(reader, lane)
        return True

    async def _deliver(self, reader: Reader, lane: Lane) -> None:
        reader.at = lane.last
        if not lane.events:
            return
        cursor = f"{reader.epoch}:{lane.last}"
        frame = events_frame(reader.ident, reader.told, cursor, lane.body)
        reader.told = cursor
        await self._write(frame)
        metrics.EVENTS_OUT.inc(lane.events)
        if lane.replayed:
            metrics.REPLAYED.inc(lane.events)

    async def _beat(self) -> None:
        close = await self._socket.still_allowed()
        if close is not None:
            self.post(close)
            return
        for reader in self.readers.values():
            reader.told = f"{reader.epoch}:{reader.at}"
        cursors = {str(reader.ident): reader.told for reader in self.readers.values()}
        await self._write(encode(Heartbeat(self._now(), cursors)))

    async def _write(self, frame: bytes) -> None:
        async with asyncio.timeout(WRITE_DEADLINE):
            await self._socket.put(frame)


def events_frame(ident: int, prev: str, cursor: str, body: bytes) -> bytes:
    """An ``events`` message around *body*, events that are encoded already."""
    head = f'{{"type":"events","id":{ident},"prev":"{prev}","cursor":"{cursor}","events":['
    return b"".join((head.encode(), body, b"]}"))
