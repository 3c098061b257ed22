"""Peer: an outgoing WebSocket, pinged to learn what it has read.

Its messages are ignored. Every wait has a timeout, and no error repeats the address or a header.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from itertools import count
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from ..errors import AgentError
from ..protocol.frames import MASK_BYTES, masked_frame
from ..transport.websocket import CLOSE_TIMEOUT, connect

log = logging.getLogger(__name__)
T = TypeVar("T")
CONNECT_TIMEOUT = 20.0
"""Seconds for the connection and the handshake."""

ANSWER_TIMEOUT = 20.0
"""Seconds for the peer to read a batch and answer the ping behind it, before it counts as gone."""

_REFUSED_CODES = frozenset((1003, 1007, 1008, 1009, 1010, 3000, 3003))
"""Close codes after which the same connection would be refused again; so are 4500 to 4999."""

_RETRY_STATUSES = frozenset((408, 425, 429))
_FIRST_SERVER_ERROR = 500


class PeerAway(AgentError):
    """The peer cannot be reached, or went away."""


class PeerRefuses(PeerAway):
    """The peer refuses the connection; trying again soon would not help."""


class Peer(Protocol):
    """One open connection."""

    async def deliver(self, frames: Sequence[bytes]) -> None:
        """Write text frames and wait until the peer has read them. Raises `PeerAway`."""

    async def wait_or_closed(self, waiting: Awaitable[T], within: float) -> T | None:
        """Return the result of *waiting*; ``None`` after *within* seconds.

        Raises `PeerAway` when the peer closes the connection.
        """

    async def close(self) -> None:
        """Close the connection and the socket. Idempotent."""


class Opener(Protocol):
    """Opens a connection: `open_peer`, or a fake."""

    async def __call__(self, url: str, headers: dict[str, str], subprotocols: list[str] | None) -> Peer:
        """Return an open connection. Raises `PeerAway`."""


class WebSocketPeer:
    """A `Peer` over Tornado's client."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()
        self._answered = asyncio.Event()
        self._pings = count(1)
        self._expected = b""
        self._socket: WebSocketClientConnection | None = None

    async def open(self, request: HTTPRequest, subprotocols: list[str] | None) -> None:
        self._socket = await connect(request, subprotocols=subprotocols, on_message=self._on_message)
        self._socket.on_pong = self._on_pong  # type: ignore[method-assign]

    async def deliver(self, frames: Sequence[bytes]) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await self._write(frames)
                await self._ping()
        except TimeoutError:
            raise PeerAway(f"the peer did not answer within {ANSWER_TIMEOUT:.0f} s") from None
        except (StreamClosedError, WebSocketClosedError):
            raise self._gone() from None

    async def wait_or_closed(self, waiting: Awaitable[T], within: float) -> T | None:
        work = asyncio.ensure_future(waiting)
        closing = asyncio.create_task(self._closed.wait(), name="jupyter-agent-peer-closing")
        try:
            done, _ = await asyncio.wait((work, closing), timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if work in done:
                return work.result()
            if closing in done:
                raise self._gone()
            return None
        finally:
            for task in (work, closing):
                task.cancel()
            await asyncio.wait((work, closing))
            if not work.cancelled():
                work.exception()  # retrieved, so that asyncio does not log it

    async def close(self) -> None:
        socket, self._socket = self._socket, None
        stream = socket.protocol.stream if socket is not None and socket.protocol is not None else None
        if socket is None or stream is None:
            return
        socket.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._closed.wait()
        stream.close()

    async def _write(self, frames: Sequence[bytes]) -> None:
        """Write all of *frames* at once, past Tornado's buffering of single messages."""
        protocol = self._open_socket().protocol
        stream = None if protocol is None else protocol.stream
        if stream is None:
            raise self._gone()
        if frames:
            await stream.write(b"".join(masked_frame(frame, os.urandom(MASK_BYTES)) for frame in frames))

    async def _ping(self) -> None:
        self._answered.clear()
        self._expected = b"jupyter_agent %d" % next(self._pings)
        self._open_socket().ping(self._expected)
        closing = asyncio.create_task(self._closed.wait(), name="jupyter-agent-peer-closing")
        answer = asyncio.create_task(self._answered.wait(), name="jupyter-agent-peer-answer")
        try:
            await asyncio.wait((answer, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            answer.cancel()
            closing.cancel()
        if not self._answered.is_set():
            raise self._gone()

    def _open_socket(self) -> WebSocketClientConnection:
        if self._socket is None or self._socket.protocol is None or self._closed.is_set():
            raise self._gone()
        return self._socket

    def _gone(self) -> PeerAway:
        code = self._socket.close_code if self._socket is not None else None
        if code in _REFUSED_CODES or 4500 <= (code or 0) <= 4999:
            return PeerRefuses(f"the peer closed the connection for good (code {code})")
        return PeerAway(f"the peer closed the connection{f' (code {code})' if code else ''}")

    def _on_message(self, message: str | bytes | None) -> None:
        if message is None:
            self._closed.set()

    def _on_pong(self, data: bytes) -> None:
        if data == self._expected:
            self._answered.set()


async def open_peer(url: str, headers: dict[str, str], subprotocols: list[str] | None = None) -> Peer:
    """Connect to *url* with *headers*. Raises `PeerAway`, whose message repeats neither."""
    address, authorization = _split_credentials(url)
    request = HTTPRequest(
        address,
        headers=authorization | headers,
        connect_timeout=CONNECT_TIMEOUT,
        request_timeout=CONNECT_TIMEOUT,
        follow_redirects=False,
        streaming_callback=_discard,
    )
    peer = WebSocketPeer()
    try:
        await peer.open(request, subprotocols)
    except HTTPClientError as error:
        raise _refusal(error.code) from None
    except ssl.SSLCertVerificationError as error:
        raise PeerRefuses(f"the peer's certificate is not trusted: {error.verify_message}") from None
    except StreamClosedError:
        raise PeerAway("what answers there broke off the handshake, or is not a WebSocket") from None
    except ssl.SSLError as error:
        why = (error.reason or "it broke off").replace("_", " ").lower()
        raise PeerAway(f"the peer and this side find no TLS in common: {why}") from None
    except OSError as error:
        raise PeerAway(f"the peer cannot be reached: {error.strerror or type(error).__name__}") from None
    except Exception as error:
        log.debug("the peer is not a WebSocket: %s", type(error).__name__)
        raise PeerRefuses("what answers there is not a WebSocket") from error
    return peer


def _discard(_body: bytes) -> None:
    """Drop the body of a refusal, which may be large."""


def _split_credentials(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without user and password, and the header that carries them."""
    parts = urlsplit(url)
    bare = urlunsplit((*parts[:1], parts.netloc.rpartition("@")[2], *parts[2:4], ""))
    if parts.username is None:
        return bare, {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return bare, {"Authorization": "Basic " + b64encode(pair).decode()}


def _refusal(status: int) -> PeerAway:
    """Return the error for a handshake that was answered with an HTTP *status*."""
    if status in (401, 403, 407):
        return PeerRefuses(f"the peer does not let us in (HTTP {status}); check the headers")
    if status in (404, 410):
        return PeerRefuses(f"there is nothing at this path of the peer (HTTP {status})")
    if status == 599:  # Tornado's own, for a connection that broke off or took too long
        return PeerAway("the peer did not answer the handshake, or is not a WebSocket")
    if status >= _FIRST_SERVER_ERROR or status in _RETRY_STATUSES:
        return PeerAway(f"the peer cannot take a connection now (HTTP {status})")
    return PeerRefuses(f"the peer does not take a WebSocket here (HTTP {status})")
