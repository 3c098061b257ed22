"""The connection writer: the only writer of one connection's socket, with backpressure.

While its peer keeps up, the writer is *idle*: what a commit brings, and what is posted, is written
immediately, without waking a coroutine. As soon as the socket does not take a frame whole, the coroutine
takes over: it awaits every write, with a deadline, before it makes the next one. So a slow peer costs one
frame of memory and delays no other connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ...protocol.actions import CloseWith, encode
from ...protocol.frames import text_frame
from ...protocol.messages import Close, Heartbeat
from .. import metrics
from .feed import EventFrame, Feed, SubscriptionFilter

WRITE_DEADLINE = 30.0
"""Seconds in which the peer must have taken a frame; a slower one is closed with `Close.TOO_SLOW`."""

MAX_OUTBOX = 64
"""Messages posted and not yet written beyond which `ConnectionWriter.drain` waits."""


class Socket(Protocol):
    """What the writer needs of a WebSocket."""

    def put(self, frame: bytes) -> Awaitable[None] | None:
        """Write one whole frame, header included. ``None``: it has left; else what to await until it has.

        Raises `ConnectionError`, as does what is awaited, when the peer is gone.
        """

    def close_with(self, code: int, reason: str) -> None:
        """Close it."""

    async def check_alive(self) -> CloseWith | None:
        """Return how to close if the peer is gone or its user may not stay; else ``None``."""


class State(Enum):
    """Who writes: see `ConnectionWriter`."""

    IDLE = "idle"
    """`post` and `on_commit` write immediately; the coroutine waits for a wake-up or the next heartbeat."""

    WRITING = "writing"
    """The coroutine writes; `post` and `on_commit` only leave it something to do."""

    CLOSED = "closed"
    """The peer is gone or the coroutine has returned; nothing is written any more."""


IDLE, WRITING, CLOSED = State.IDLE, State.WRITING, State.CLOSED  # looking a member up is slow in Python 3.11


@dataclass(slots=True)
class Reader:
    """A subscription as the server keeps it.

    ``client_cursor`` is the cursor that the client has. ``position`` is the offset up to which this side has
    sent all that the subscription wants; it is ahead where what lies between concerns others.
    """

    ident: int
    event_filter: SubscriptionFilter
    client_cursor: str
    position: int
    epoch: str


class ConnectionWriter:
    """Owns the writing side of one connection, from `run` to its end. Belongs to the event loop."""

    def __init__(self, feed: Feed, socket: Socket, now: Callable[[], float], heartbeat: float) -> None:
        self.readers: dict[int, Reader] = {}
        self._feed = feed
        self._socket = socket
        self._now = now
        self._heartbeat = heartbeat
        self._state = WRITING
        self._outbox: list[bytes | CloseWith] = []
        self._wake = asyncio.Event()
        self._room: asyncio.Event | None = None
        self._pending_write: Awaitable[None] | None = None

    def post(self, item: bytes | CloseWith) -> None:
        """Write this message, or close, before any further events."""
        if self._state is IDLE and isinstance(item, bytes):
            if not self._put(text_frame(item)):
                self._resume()
            return
        self._outbox.append(item)
        self._resume()

    def subscribe(self, reader: Reader) -> None:
        """Start, or replace, a subscription."""
        # Resumed before the reader is added: it has a position of its own, from which history is read,
        # and must not count as one of the idle writer's readers, which have everything up to the head.
        self._resume()
        self.readers[reader.ident] = reader
        self._register()

    def unsubscribe(self, ident: int) -> None:
        """End a subscription. Idempotent."""
        if self.readers.pop(ident, None) is not None:
            self._register()

    async def drain(self) -> None:
        """Wait until the outbox is short again, so that callers of `post` wait for a slow peer."""
        while len(self._outbox) > MAX_OUTBOX and self._state is not CLOSED:
            self._room = self._room or asyncio.Event()
            self._room.clear()
            await self._room.wait()

    def on_commit(self, previous: int) -> None:
        """Write what follows offset *previous*, the head until now, or wake the coroutine to do it."""
        if self._state is not IDLE:
            self._wake.set()
            return
        self._skip_to(previous)
        for reader in self.readers.values():
            if not self._push(reader):
                self._enter(WRITING)
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
            self._enter(CLOSED)
            self._feed.unsubscribe(self)

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
                await self._send_heartbeat()
            if any(wrote):
                await asyncio.sleep(0)  # other connections have their turn, however fast this peer reads
            elif not self._wake.is_set() and not self._outbox:
                # Go idle only here: since the wake-up was cleared, every reader was found at the head and
                # nothing was committed or posted. No await may come before the state is IDLE.
                await self._wait(heartbeat - self._now())

    async def _wait(self, seconds: float) -> None:
        self._enter(IDLE)
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            self._resume()

    def _enter(self, state: State) -> None:
        """Change the state, here and nowhere else. `State.CLOSED` is final; only idling needs no wake-up."""
        if self._state is not CLOSED:
            self._state = state
        if state is not IDLE:
            self._wake.set()
        if state is CLOSED:
            self._notify_room()

    def _resume(self) -> None:
        """Make the coroutine write from now on, after what was written immediately."""
        if self._state is IDLE:
            self._skip_to(self._feed.head)
        self._enter(WRITING)

    def _skip_to(self, offset: int) -> None:
        """Move the readers of an idle writer up to *offset*, the head before anything new is written.

        The invariant of `State.IDLE`: a reader has been sent all that it wants up to the head. Its position
        may lag behind, because a commit that concerns none of its tasks does not call `on_commit`; without
        this step the coroutine, or the next frame, would look through events that are not the reader's.
        """
        for reader in self.readers.values():
            if reader.position < offset:
                reader.position = offset

    def _register(self) -> None:
        """Tell the feed for which tasks to call `on_commit`."""
        if self._state is CLOSED:
            return
        wanted = [reader.event_filter.tasks for reader in self.readers.values()]
        named = [tasks for tasks in wanted if tasks is not None]
        self._feed.subscribe(self, frozenset().union(*named) if len(named) == len(wanted) else None)

    async def _write_outbox(self) -> bool:
        """Empty the outbox; return True if it contained a close."""
        while self._outbox:
            item = self._outbox.pop(0)
            if isinstance(item, CloseWith):
                self._socket.close_with(item.code, item.reason)
                return True
            self._put(text_frame(item))
            await self._drain()
            self._notify_room()
        return False

    def _notify_room(self) -> None:
        if self._room is not None:
            self._room.set()

    async def _advance(self, reader: Reader) -> bool:
        """Write at most one frame of a subscription; return True if more may follow."""
        if reader.epoch != self._feed.epoch:
            self.post(CloseWith(Close.RESUBSCRIBE, "the journal was replaced"))
            return True
        if reader.position >= self._feed.head:
            return False
        frame = self._feed.shared_frame(reader.position, reader.event_filter)
        if frame is None:
            frame = await self._feed.read_frame(reader.position, reader.event_filter)
        if self.readers.get(reader.ident) is reader:  # not unsubscribed or replaced while it was read
            self._deliver(reader, frame)
            await self._drain()
        return True

    def _push(self, reader: Reader) -> bool:
        """Write the new events of a subscription immediately; return False if the coroutine has to continue.

        The idle writer's counterpart of `_advance`: all frames that are in memory, and no await.
        """
        while reader.epoch == self._feed.epoch and reader.position < self._feed.head:
            frame = self._feed.shared_frame(reader.position, reader.event_filter)
            if frame is None or not self._deliver(reader, frame):
                return False
        return reader.epoch == self._feed.epoch

    def _deliver(self, reader: Reader, frame: EventFrame) -> bool:
        """Move a reader past *frame* and `_put` it with the reader's cursors; return True if it has left."""
        reader.position = frame.last
        if not frame.events:
            return True
        cursor = f"{reader.epoch}:{frame.last}"
        encoded = frame.encode(reader.ident, reader.client_cursor, cursor)
        reader.client_cursor = cursor
        metrics.EVENTS_OUT.inc(frame.events)
        if frame.replayed:
            metrics.REPLAYED.inc(frame.events)
        return self._put(encoded)

    def _put(self, frame: bytes) -> bool:
        """Pass encoded bytes to the socket; return True if they have left. If not, `_drain` comes next."""
        try:
            self._pending_write = self._socket.put(frame)
        except ConnectionError:
            self._enter(CLOSED)
        return self._pending_write is None and self._state is not CLOSED

    async def _drain(self) -> None:
        """Wait until the last frame has left. Raises `ConnectionError` when the peer is gone."""
        if self._state is CLOSED:
            raise ConnectionError("the peer is gone")
        pending, self._pending_write = self._pending_write, None
        if pending is not None:
            async with asyncio.timeout(WRITE_DEADLINE):
                await pending

    async def _send_heartbeat(self) -> None:
        close = await self._socket.check_alive()
        if close is not None:
            self.post(close)
            return
        for reader in self.readers.values():
            reader.client_cursor = f"{reader.epoch}:{reader.position}"
        cursors = {str(reader.ident): reader.client_cursor for reader in self.readers.values()}
        self._put(text_frame(encode(Heartbeat(self._now(), cursors))))
        await self._drain()
