"""A WebSocket client for tests: raw frames, and the ``v1.events.jupyter-agent`` messages."""

from __future__ import annotations

import asyncio
import json
import socket as socket_module
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_agent.core.events import Event, TaskState
from jupyter_agent.protocol.messages import SUBPROTOCOL
from jupyter_agent.system.ids import new_id
from tests.support.builders import event, state
from tests.support.servers import Server

TIMEOUT = 10.0
Message = dict[str, Any]


class Wire:
    """One open socket. Every wait ends with a failure after `TIMEOUT` seconds."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        assert socket.protocol is not None
        assert socket.protocol.stream is not None
        self.socket = socket
        self.stream = socket.protocol.stream
        self.seen: list[Message] = []
        self.over = False

    async def say(self, message: Message | str | bytes, *, binary: bool = False) -> None:
        """Write one frame."""
        frame = message if isinstance(message, str | bytes) else json.dumps(message)
        await self.socket.write_message(frame, binary=binary)

    async def close(self) -> None:
        """Close in order, and wait until the socket itself is closed. Idempotent."""
        self.socket.close()
        self.stream.close()
        while not self.over:
            await self.frame()

    def reset(self) -> None:
        """Abort the TCP connection: the peer gets an RST."""
        raw = self.stream.socket
        raw.setsockopt(socket_module.SOL_SOCKET, socket_module.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()

    async def frame(self) -> Message | None:
        """The next frame; ``None`` when the socket is closed."""
        async with asyncio.timeout(TIMEOUT):
            text = await self.socket.read_message()
        if text is None:
            self.over = True
            return None
        message: Message = json.loads(text)
        self.seen.append(message)
        return message

    async def get(self, kind: str, **fields: Any) -> Message:
        """The next frame of type *kind* with these fields; others before it are passed over."""
        while True:
            message = await self.frame()
            assert message is not None, f"closed ({self.socket.close_code}) before a {kind} came"
            if message["type"] == kind and all(message.get(k) == v for k, v in fields.items()):
                return message

    async def closed(self) -> int | None:
        """Read until the socket is closed; the close code."""
        while await self.frame() is not None:
            pass
        return self.socket.close_code

    async def hello(self, role: str = "subscriber", **fields: Any) -> Message:
        """Say hello and return the welcome."""
        await self.say({"type": "hello", "versions": [1], "role": role, "client": "tests/1", **fields})
        return await self.get("welcome")

    async def subscribe(
        self, ident: int = 1, tasks: Any = "*", after: str | None = None, **more: Any
    ) -> Message:
        """Subscribe and return the answer."""
        await self.say({"type": "subscribe", "id": ident, "tasks": tasks, "after": after, **more})
        return await self.get("subscribed", id=ident)

    async def publish(self, events: list[Event], base: int | None = None, first: int | None = None) -> None:
        """Publish encoded events as they are."""
        start = events[0].n if first is None else first
        body = msgspec.json.encode(events).decode()
        await self.say(f'{{"type":"publish","base":{base or start},"first":{start},"events":{body}}}')

    async def published(self, events: list[Event]) -> int:
        """Publish and wait for the acknowledgement of the last; its number."""
        await self.publish(events)
        return int((await self.get("ack", upto=events[-1].n))["upto"])


class Applied:
    """The events that one subscription applies: a frame counts only if its ``prev`` is the current cursor."""

    def __init__(self, wire: Wire, cursor: str, ident: int = 1) -> None:
        self.wire = wire
        self.cursor = cursor
        self.ident = ident
        self.events: list[Message] = []

    async def until(self, done: Callable[[list[Message]], object]) -> list[Message]:
        """Apply frames until *done* says so."""
        while not done(self.events):
            await self.step()
        return self.events

    async def step(self) -> None:
        """Apply one frame."""
        message = await self.wire.frame()
        assert message is not None, f"closed with {self.wire.socket.close_code}"
        if message["type"] == "events" and message["id"] == self.ident:
            assert message["prev"] == self.cursor
            self.cursor = message["cursor"]
            self.events += message["events"]
        elif message["type"] == "heartbeat":
            self.cursor = message["cursors"].get(str(self.ident), self.cursor)


@asynccontextmanager
async def wire(
    server: Server,
    *,
    headers: dict[str, str] | None = None,
    subprotocols: list[str] | None = None,
    token: str | None = "",
    **options: Any,
) -> AsyncIterator[Wire]:
    """An open socket to *server*, closed at the end."""
    sent = dict(headers or {})
    if token is not None:
        sent["Authorization"] = f"token {token or server.token}"
    url = "ws" + server.url.removeprefix("http") + "jupyter-agent/ws"
    socket = await websocket_connect(
        HTTPRequest(url, headers=sent, connect_timeout=TIMEOUT, request_timeout=TIMEOUT),
        subprotocols=subprotocols or [SUBPROTOCOL],
        **options,
    )
    open_wire = Wire(socket)
    try:
        yield open_wire
    finally:
        await open_wire.close()


@asynccontextmanager
async def subscriber(server: Server, **options: Any) -> AsyncIterator[Wire]:
    """A socket that was welcomed as a subscriber."""
    async with wire(server, **options) as open_wire:
        await open_wire.hello()
        yield open_wire


@asynccontextmanager
async def producer(server: Server, ident: str, **options: Any) -> AsyncIterator[Wire]:
    """A socket that was welcomed as the producer *ident*, of another machine, so that it may be away."""
    async with wire(server, **options) as open_wire:
        await open_wire.hello("producer", producer=ident, host="elsewhere")
        yield open_wire


class Story:
    """Events of one task of one producer, numbered."""

    def __init__(self, task: str | None = None, producer: str | None = None, n: int = 0) -> None:
        self.task = task or new_id()
        self.producer = producer or new_id()
        self.n = n

    def event(self, kind: str = "log", data: Any = None, **where: Any) -> Event:
        """The next event."""
        self.n += 1
        return event(self.n, kind, data, **{"task": self.task, "producer": self.producer, **where})

    def state(self, to: str, about: str | None = None, **where: Any) -> Event:
        """The next event, a state."""
        self.n += 1
        return state(
            self.n, TaskState(to), about=about, **{"task": self.task, "producer": self.producer, **where}
        )

    def start(self, name: str = "train") -> list[Event]:
        """Queued and running."""
        return [self.state("queued", name), self.state("running")]

    def logs(self, count: int) -> list[Event]:
        """Return *count* log events."""
        return [self.event() for _ in range(count)]
