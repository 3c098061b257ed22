"""`forward_to`: this process's events to a WebSocket of somebody else's.

A thread with its own event loop reads the producer's spool, sends each event as one JSON text frame,
and counts as delivered what came before a pong: the peer's side has read it. After a lost connection it
goes on from there, so that an event may come twice and is known by its ``producer`` and ``n``.
Nothing is kept in memory but one batch.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable
from random import random
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from ..core.backoff import Backoff
from ..producer.producer import Producer, current_producer

log = logging.getLogger(__name__)
BATCH = 200
"""Events sent before the peer has to answer a ping."""

LOOK = 0.05
ANSWER = 20.0
"""Seconds to connect, and for the peer to answer a ping, before it counts as gone."""

_UNREACHABLE = (OSError, HTTPClientError, StreamClosedError, WebSocketClosedError, TimeoutError)


class _Head(msgspec.Struct):
    task: str
    type: str


_head = msgspec.json.Decoder(_Head)


def forward_to(
    url: str,
    *,
    task: Any = None,
    types: Iterable[str] | None = None,
    headers: dict[str, str] | None = None,
) -> Forward:
    """Send the events of this process's tasks to the WebSocket at *url*.

    *task*: one task only, as a handle or an id; *types*: some event types only. It begins with the
    oldest event still here, goes on when the peer was away, and lasts until `Forward.close`.
    """
    if urlsplit(url).scheme not in ("ws", "wss"):
        raise ValueError(f"{url!r} is no WebSocket address; it begins with ws:// or wss://")
    wanted = getattr(task, "id", task)
    kinds = None if types is None else frozenset(types)
    return Forward(current_producer(), url, wanted, kinds, headers or {})


class Forward:
    """One running forward; owns its thread until `close`. ``delivered`` is the last number that arrived."""

    def __init__(
        self,
        producer: Producer,
        url: str,
        task: str | None,
        types: frozenset[str] | None,
        headers: dict[str, str],
    ) -> None:
        self.url = url
        self.delivered = 0
        self._producer = producer
        self._task = task
        self._types = types
        self._headers = headers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="jupyter-agent-forward", daemon=True)
        self._thread.start()
        self._ready.wait()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything emitted so far has arrived; false after *timeout* seconds."""
        wanted = self._producer.spool.last
        with self._moved:
            return self._moved.wait_for(lambda: self.delivered >= wanted, timeout)

    def close(self) -> None:
        """Stop. Again is nothing."""
        loop, main = self._loop, self._main
        if loop is not None and main is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(main.cancel)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Forward to {self.url.partition('?')[0]}>"  # a query may be a password

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._main = self._loop.create_task(self._keep_sending(), name="jupyter-agent-forward")
            self._ready.set()
            self._loop.run_until_complete(asyncio.wait([self._main]))

    async def _keep_sending(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._visit(backoff)
            except _UNREACHABLE as error:
                log.debug("%s is away: %s", self.url.partition("?")[0], error)
            await asyncio.sleep(backoff.next(random()))

    async def _visit(self, backoff: Backoff) -> None:
        request = HTTPRequest(self.url, headers=self._headers, connect_timeout=ANSWER)
        socket = await websocket_connect(request)
        reading = asyncio.create_task(_read_out(socket), name="jupyter-agent-forward-read")
        try:
            while not reading.done():
                await self._send_new(socket, reading)
                backoff.reset()
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            socket.close()

    async def _send_new(self, socket: WebSocketClientConnection, reading: asyncio.Task[None]) -> None:
        batch = self._producer.spool.batch(self.delivered, events=BATCH)
        if batch is None:
            await asyncio.wait([reading], timeout=LOOK)
            return
        if batch.base > self.delivered + 1:
            log.debug("events before %d went before %s took them", batch.base, self.url.partition("?")[0])
        for body in batch.bodies:
            if self._wants(body):
                await socket.write_message(body)
        await _answered(socket)
        with self._moved:
            self.delivered = batch.last
            self._moved.notify_all()

    def _wants(self, body: bytes) -> bool:
        head = _head.decode(body)
        return self._task in (None, head.task) and (self._types is None or head.type in self._types)


async def _read_out(socket: WebSocketClientConnection) -> None:
    """Take what the peer says, which is of no interest, until it closes."""
    while await socket.read_message() is not None:
        continue


async def _answered(socket: WebSocketClientConnection) -> None:
    """Wait until the peer has read everything up to here. Raises `TimeoutError`."""
    answered = asyncio.Event()

    def on_pong(data: bytes) -> None:  # noqa: ARG001 - tornado's signature
        answered.set()

    socket.on_pong = on_pong  # type: ignore[method-assign]
    socket.ping(b"jupyter_agent")
    async with asyncio.timeout(ANSWER):
        await answered.wait()
