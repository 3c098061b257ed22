"""Peers that events are forwarded to: a real WebSocket server, and one without a socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from jupyter_agent.forwarding.peer import PeerAway
from tests.support.builders import until

T = TypeVar("T")


class Peer:
    """A real one, open within ``with``; it can go away and come back at the same port.

    ``refuse``: answer the handshake with this HTTP status, and ``location``. ``hang_up_after``: close with
    ``code`` once so many have come.
    """

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.subprotocols: list[str | None] = []
        self.hang_up_after: int | None = None
        self.code: int | None = None
        self.refuse: int | None = None
        self.location = ""
        self.port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/events"

    def open(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="peer")
        self._thread.start()
        assert ready.wait(10)
        return self

    def close(self) -> None:
        """Stop. Idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def names(self, **fields: Any) -> list[tuple[str, int]]:
        """``(producer, n)`` of what came, in order, where these fields are so."""
        return [
            (event["producer"], event["n"])
            for event in list(self.got)
            if all(event[key] == value for key, value in fields.items())
        ]

    def has(self, count: int) -> None:
        """Wait until so many different events have come."""
        until(lambda: len(set(self.names())) >= count)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        sockets = bind_sockets(self.port, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        server = HTTPServer(Application([("/events", _Handler, {"peer": self})]))
        server.add_sockets(sockets)
        ready.set()
        await self._done.wait()
        server.stop()
        await server.close_all_connections()


class _Handler(WebSocketHandler):
    def initialize(self, peer: Peer) -> None:
        self.peer = peer

    def check_origin(self, origin: str) -> bool:
        return True

    async def get(self, *args: Any, **kwargs: Any) -> None:
        self.peer.headers.append(dict(self.request.headers))
        if self.peer.refuse is None:
            await super().get(*args, **kwargs)
        else:
            self.set_status(self.peer.refuse)
            if self.peer.location:
                self.set_header("Location", self.peer.location)
            self.finish("no")

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return subprotocols[0] if subprotocols else None

    def open(self) -> None:
        self.peer.subprotocols.append(self.selected_subprotocol)

    def on_message(self, message: str | bytes) -> None:
        self.peer.got.append(json.loads(message))
        if self.peer.hang_up_after == len(self.peer.got):
            self.close(self.peer.code)


class FakePeer:
    """Takes frames where *world* says so; see `FakeWorld`."""

    def __init__(self, world: FakeWorld) -> None:
        self.world = world
        self.closed = False
        self.taken = 0

    async def deliver(self, frames: Sequence[bytes]) -> None:
        self.world.asked.append(len(frames))
        self.taken += len(frames)
        if self.world.takes is not None and self.taken > self.world.takes:
            raise PeerAway("hung up")
        got = self.world.delivering.pop(0) if frames and self.world.delivering else None
        if isinstance(got, PeerAway):
            self.world.got += [json.loads(frame) for frame in frames[: self.world.before_trouble]]
            raise got
        self.world.got += [json.loads(frame) for frame in frames]

    async def wait_or_closed(self, waiting: Awaitable[T], within: float) -> T | None:
        if self.world.quiet:
            self.world.quiet -= 1
            task = asyncio.ensure_future(waiting)
            task.cancel()
            await asyncio.wait([task])
            return None
        return await waiting

    async def close(self) -> None:
        self.closed = True


class FakeWorld:
    """Where a peer is that has no socket. ``connecting`` and ``delivering`` are what goes wrong, in order
    (``None``: nothing); ``before_trouble``: frames that arrive all the same; ``quiet``: so many times
    nothing comes for a while; ``takes``: events of one connection, which is closed when there are more."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.asked: list[int] = []
        self.connecting: list[PeerAway | None] = []
        self.delivering: list[PeerAway | None] = []
        self.before_trouble = 0
        self.quiet = 0
        self.takes: int | None = None
        self.peers: list[FakePeer] = []
        self.opened: list[tuple[str, dict[str, str], list[str] | None]] = []

    async def connect(self, url: str, headers: dict[str, str], subprotocols: list[str] | None) -> FakePeer:
        self.opened.append((url, headers, subprotocols))
        trouble = self.connecting.pop(0) if self.connecting else None
        if trouble is not None:
            raise trouble
        self.peers.append(FakePeer(self))
        return self.peers[-1]

    async def has(self, done: Callable[[], object]) -> None:
        """Wait until *done* says so; fails after 10 s."""
        async with asyncio.timeout(10):
            while not done():
                await asyncio.sleep(0.002)

    def names(self) -> list[tuple[str, int]]:
        return [(event["producer"], event["n"]) for event in self.got]
