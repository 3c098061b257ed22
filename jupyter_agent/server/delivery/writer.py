"""The pump: the only writer of one connection's socket.

While its reader keeps up, the pump is *parked*: what a commit brings, and what is posted, is written on
the spot, without waking anybody. As soon as the socket does not take a frame whole, its coroutine goes on:
every write is awaited, with a deadline, before the next one is made. So a slow reader costs one frame of
memory and nobody else's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from ...protocol.actions import CloseWith, encode
from ...protocol.frames import text_frame
from ...protocol.messages import Close, Heartbeat
from .. import metrics
from .feed import EventFrame, Feed, SubscriptionFilter

WRITE_DEADLINE = 30.0
_MANY = 64


class Socket(Protocol):
    """What the pump needs of a WebSocket."""

    def put(self, frame: bytes) -> Awaitable[None] | None:
        """Write one whole frame, header included. ``None``: it has left; else what to await until it has.

        Raises `ConnectionError`, as does what is awaited, when the peer is gone.
        """

    def close_with(self, code: int, reason: str) -> None:
        """Close it."""

    async def check_alive(self) -> CloseWith | None:
        """Whether the peer is still there and its user may still be; if not, how to say so."""


@dataclass(slots=True)
class Reader:
    """A subscription as the server keeps it.

    ``client_cursor`` is where the client is, ``position`` where this side is.
    """

    ident: int
    interest: SubscriptionFilter
    client_cursor: str
    position: int
    epoch: str


class ConnectionWriter:
    """Owns the writing side of one connection, from `run` to its end."""

    def __init__(self, feed: Feed, socket: Socket, now: Callable[[], float], heartbeat: float) -> None:
        self.readers: dict[int, Reader] = {}
        self._feed = feed
        self._socket = socket
        self._now = now
        self._heartbeat = heartbeat
        self._outbox: list[bytes | CloseWith] = []
        self._wake = asyncio.Event()
        self._room: asyncio.Event | None = None
        self._idle = False
        self._gone = False
        self._pending_write: Awaitable[None] | None = None

    def post(self, item: bytes | CloseWith) -> None:
        """Write this message, or close, before any further events."""
        if self._idle and isinstance(item, bytes):
            if not self._put(text_frame(item)):
                self._resume(self._feed.head)
            return
        self._outbox.append(item)
        self._resume(self._feed.head)

    def subscribe(self, reader: Reader) -> None:
        """Start, or replace, a subscription."""
        self._resume(self._feed.head)
        self.readers[reader.ident] = reader
        self._register()

    def unsubscribe(self, ident: int) -> None:
        """End a subscription; an unknown one is nothing."""
        if self.readers.pop(ident, None) is not None:
            self._register()

    async def drain(self) -> None:
        """Wait until the peer has taken most of what was posted."""
        while len(self._outbox) > _MANY and not self._gone:
            self._room = self._room or asyncio.Event()
            self._room.clear()
            await self._room.wait()

    def on_commit(self, previous: int) -> None:
        """Something that a reader here may want follows offset *previous*, the head until now."""
        if not self._idle:
            self._wake.set()
            return
        for reader in self.readers.values():
            reader.position = max(
                reader.position, previous
            )  # a parked reader has all that concerned it until now
            if not self._push(reader):
                self._resume(previous)
                return

    async def run(self) -> None:
        """Write until the peer is gone, too slow, or closed; then return."""
        try:
            await self._run()
        except ConnectionError:
            return
        except TimeoutError:
            self._socket.close_with(Close.TOO_SLOW, "this reader is too slow")
        finally:
            self._idle, self._gone = False, True
            self._feed.unsubscribe(self)
            self._has_room()

    async def _run(self) -> None:
        heartbeat = self._now() + self._heartbeat
        while True:
            self._wake.clear()
            await self._drain()
            if await self._write_outbox():
                return
            wrote = [await self._advance(reader) for reader in list(self.readers.values())]
            if self._now() >= heartbeat:
                heartbeat = self._now() + self._heartbeat
                await self._beat()
            if any(wrote):
                await asyncio.sleep(0)  # others have their turn, however fast this peer reads
            elif not self._wake.is_set() and not self._outbox:
                await self._park(heartbeat - self._now())

    async def _park(self, seconds: float) -> None:
        self._idle = True
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            self._resume(self._feed.head)

    def _resume(self, upto: int) -> None:
        """Let the coroutine go on; what a parked reader wants up to offset *upto* it has."""
        if self._idle:
            self._idle = False
            for reader in self.readers.values():
                reader.position = max(reader.position, upto)
        self._wake.set()

    def _register(self) -> None:
        """Tell the feed for which tasks to call `on_commit`."""
        if self._gone:
            return
        wanted = [reader.interest.tasks for reader in self.readers.values()]
        named = [tasks for tasks in wanted if tasks is not None]
        self._feed.subscribe(self, frozenset().union(*named) if len(named) == len(wanted) else None)

    async def _write_outbox(self) -> bool:
        """Empty the outbox; true when it said to close."""
        while self._outbox:
            item = self._outbox.pop(0)
            if isinstance(item, CloseWith):
                self._socket.close_with(item.code, item.reason)
                return True
            self._put(text_frame(item))
            await self._drain()
            self._has_room()
        return False

    def _has_room(self) -> None:
        if self._room is not None:
            self._room.set()

    async def _advance(self, reader: Reader) -> bool:
        """Write at most one frame of a subscription; whether there may be more."""
        if reader.epoch != self._feed.epoch:
            self.post(CloseWith(Close.RESUBSCRIBE, "the journal was replaced"))
            return True
        if reader.position >= self._feed.head:
            return False
        lane = self._feed.shared_frame(reader.position, reader.interest)
        if lane is None:
            lane = await self._feed.read_frame(reader.position, reader.interest)
        if self.readers.get(reader.ident) is reader:
            self._deliver(reader, lane)
            await self._drain()
        return True

    def _push(self, reader: Reader) -> bool:
        """Write on the spot what is new; false when the coroutine has to go on."""
        while reader.epoch == self._feed.epoch and reader.position < self._feed.head:
            lane = self._feed.shared_frame(reader.position, reader.interest)
            if lane is None or not self._deliver(reader, lane):
                return False
        return reader.epoch == self._feed.epoch

    def _deliver(self, reader: Reader, lane: EventFrame) -> bool:
        """Hand a lane's frame to the socket; whether it has left."""
        reader.position = lane.last
        if not lane.events:
            return True
        cursor = f"{reader.epoch}:{lane.last}"
        frame = lane.encode(reader.ident, reader.client_cursor, cursor)
        reader.client_cursor = cursor
        metrics.EVENTS_OUT.inc(lane.events)
        if lane.replayed:
            metrics.REPLAYED.inc(lane.events)
        return self._put(frame)

    def _put(self, frame: bytes) -> bool:
        """Hand a frame to the socket; whether it has left. If not, `_drain` comes next."""
        try:
            self._pending_write = self._socket.put(frame)
        except ConnectionError:
            self._gone = True
        return self._pending_write is None and not self._gone

    async def _drain(self) -> None:
        """Wait until the last frame has left. Raises `ConnectionError` when the peer is gone."""
        if self._gone:
            raise ConnectionError("the peer is gone")
        leaving, self._pending_write = self._pending_write, None
        if leaving is not None:
            async with asyncio.timeout(WRITE_DEADLINE):
                await leaving

    async def _beat(self) -> None:
        close = await self._socket.check_alive()
        if close is not None:
            self.post(close)
            return
        for reader in self.readers.values():
            reader.client_cursor = f"{reader.epoch}:{reader.position}"
        cursors = {str(reader.ident): reader.client_cursor for reader in self.readers.values()}
        self._put(text_frame(encode(Heartbeat(self._now(), cursors))))
        await self._drain()
