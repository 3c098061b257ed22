"""A reconnecting WebSocket, shared by the forwarder and the client.

It owns the socket and the timing; a sans-IO side of `protocol` decides what is sent. Nothing is written
before the socket is open or after it closed: `send` only works in between.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from random import random

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from ..core.backoff import Backoff
from ..errors import ProtocolError, RequestRefused, ServerUnreachable
from ..protocol.actions import Send
from ..protocol.frames import MASK_BYTES, masked_frame
from ..protocol.messages import SUBPROTOCOL, should_reconnect
from .discovery import Address
from .tls import ssl_context
from .websocket import CLOSE_TIMEOUT, connect

log = logging.getLogger(__name__)
MAX_MESSAGE = 64 << 20
"""Maximum number of bytes in a message from the server."""

SILENCE_TIMEOUT = 75.0
"""Seconds without any frame (heartbeats come every 25) after which the peer counts as gone."""

CONNECT_TIMEOUT = 20.0
"""Seconds to connect, and seconds for the handshake."""

STABLE_AFTER = 5.0
"""Seconds after which a connection counts as stable: the next failure starts the backoff anew."""

POLL_INTERVAL = 0.5
"""Seconds between two checks whether a server moved or came, each of which reads one small file."""


class ReconnectingWebSocket:
    """Keeps one WebSocket to wherever *locate* says the server is.

    *connected* is called for each new socket and returns what to send first; *received* gets every frame;
    *disconnected* is called once after each socket that was open. All on the event loop that runs `run`.
    """

    def __init__(
        self,
        locate: Callable[[], Address | None],
        *,
        connected: Callable[[], list[Send]],
        received: Callable[[str | bytes], Awaitable[None]],
        disconnected: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
    ) -> None:
        self._locate = locate
        self._connected = connected
        self._received = received
        self._disconnected = disconnected
        self._backoff = backoff or Backoff()
        self._masks = _Masks()
        self._socket: WebSocketClientConnection | None = None
        self.address: Address | None = None
        self.closed_with: int | None = None

    @property
    def is_up(self) -> bool:
        """Whether a socket is open now."""
        return self._socket is not None

    async def send(self, frame: bytes) -> bool:
        """Write one text frame and wait until the socket took it; false when no socket is open.

        The stream is written to directly: beside a busy thread each turn of the event loop may cost
        the interpreter's switch interval (5 ms), and `write_message` takes two more.
        """
        protocol = None if self._socket is None else self._socket.protocol
        stream = None if protocol is None or protocol.is_closing() else protocol.stream
        if stream is None:
            return False
        try:
            writing = stream.write(masked_frame(frame, self._masks.take()))
            if stream.writing():
                await writing
        except StreamClosedError:
            return False
        return True

    def disconnect(self) -> None:
        """Close the socket; `run` connects again."""
        if self._socket is not None:
            self._socket.close()

    async def run(self) -> None:
        """Connect, read, reconnect with backoff, until cancelled or refused for good.

        Raises `RequestRefused` when the server closed with a code that means *don't* (4500-4999).
        """
        while True:
            address = self._locate()
            if address is None:
                await asyncio.sleep(POLL_INTERVAL)
                continue
            try:
                await self._run_connection(address)
            except (ServerUnreachable, ProtocolError) as error:
                log.debug("no connection to %s: %s", address.url, error)
            if not should_reconnect(self.closed_with):
                raise RequestRefused(
                    f"{address.url} closed the connection for good (code {self.closed_with})",
                    status=self.closed_with or 0,
                    code="closed",
                )
            await self._wait(self._backoff.next(random()), address)

    async def _wait(self, delay: float, address: Address) -> None:
        """Wait for *delay* seconds; return at once when the server has moved."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + delay
        while (left := deadline - loop.time()) > 0:
            await asyncio.sleep(min(left, POLL_INTERVAL))
            if self._locate() not in (None, address):
                return

    async def _run_connection(self, address: Address) -> None:
        self.closed_with = None
        socket = await connect_to_server(address)
        self._socket, self.address = socket, address
        is_open = True
        opened = asyncio.get_running_loop().time()
        try:
            for first in self._connected():
                await self.send(first.frame)
            is_open = await self._read(socket)
        finally:
            if asyncio.get_running_loop().time() - opened > STABLE_AFTER:
                self._backoff.reset()
            # `send` must find no socket before the first await below, or it writes into one that closes.
            self._socket = None
            stream = socket.protocol.stream if socket.protocol is not None else None
            socket.close()
            if is_open:
                await _until_closed(socket)
            if stream is not None:
                stream.close()
            self._disconnected()

    async def _read(self, socket: WebSocketClientConnection) -> bool:
        """Receive frames until the peer closes (false) or is silent for too long (true)."""
        while True:
            try:
                async with asyncio.timeout(SILENCE_TIMEOUT):
                    frame = await socket.read_message()
            except TimeoutError:
                log.debug("nothing received for %s s; connecting again", SILENCE_TIMEOUT)
                return True
            if frame is None:
                self.closed_with = socket.close_code
                return False
            await self._received(frame)


class _Masks:
    """Unpredictable masks, drawn many at a time: each call of `os.urandom` gives up the GIL."""

    def __init__(self) -> None:
        self._unused = b""

    def take(self) -> bytes:
        """Return the next mask."""
        if not self._unused:
            self._unused = os.urandom(256 * MASK_BYTES)
        mask, self._unused = self._unused[:MASK_BYTES], self._unused[MASK_BYTES:]
        return mask


async def _until_closed(socket: WebSocketClientConnection) -> None:
    """Wait `CLOSE_TIMEOUT` for the peer's close frame: a loop that ends first leaves the descriptor open."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            while await socket.read_message() is not None:
                continue
    except TimeoutError:
        log.debug("the peer did not answer the close")


async def connect_to_server(address: Address) -> WebSocketClientConnection:
    """Open one socket. Raises `ServerUnreachable`, with the reason."""
    try:
        request = HTTPRequest(
            address.websocket,
            headers=address.request_headers,
            connect_timeout=CONNECT_TIMEOUT,
            request_timeout=CONNECT_TIMEOUT,
            ssl_options=ssl_context(address),
        )
        socket = await connect(request, subprotocols=[SUBPROTOCOL], max_message=MAX_MESSAGE)
    except (OSError, ValueError, HTTPClientError, StreamClosedError, WebSocketClosedError) as error:
        raise ServerUnreachable(f"{address.url} cannot be reached: {error}", url=address.url) from error
    if socket.protocol is not None:
        socket.protocol.set_nodelay(True)  # a small frame must not wait for the TCP ack of the previous one
    return socket
