"""A raw WebSocket client that controls every bit: TCP, the opening handshake, and frames."""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from tests.support.servers import Server

TIMEOUT = 10.0
"""Seconds that a read may take."""
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PROTOCOL = "v1.events.jupyter-agent"
Headers = list[tuple[str, str]]


class Frame(NamedTuple):
    """One frame as it came."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    masked: bool = False

    @property
    def code(self) -> int | None:
        """A close frame's code."""
        return struct.unpack(">H", self.payload[:2])[0] if len(self.payload) >= 2 else None


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = b"\x11\x22\x33\x44",
    form: int | None = None,
) -> bytes:
    """A frame's bytes. *mask* of ``None``: not masked; *form*: the length's size field (125, 126, 127)."""
    size = len(payload)
    form = form or (125 if size <= 125 else 126 if size < 1 << 16 else 127)
    head = bytes([fin << 7 | rsv << 4 | opcode])
    bit = 0x80 if mask is not None else 0
    length = {125: bytes([bit | size & 0x7F]), 126: bytes([bit | 126]) + struct.pack(">H", size & 0xFFFF)}
    head += length.get(form) or bytes([bit | 127]) + struct.pack(">Q", size)
    return head + (payload if mask is None else mask + masked(payload, mask))


def masked(payload: bytes, mask: bytes) -> bytes:
    """The payload under a mask of four bytes."""
    whole = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")


def closing(code: int, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, struct.pack(">H", code) + reason)


class Response(NamedTuple):
    """The head of an answer; ``status`` is 0 when the peer closed without one."""

    status: int
    headers: dict[str, str]
    version: str = ""


class Raw:
    """One TCP connection to a server. Every read ends after `TIMEOUT` seconds."""

    def __init__(self, server: Server) -> None:
        self.server = server
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        self.host = f"{parts.hostname}:{parts.port}"
        self.path = parts.path
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""
        self.over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Write *data*; does nothing when the peer is gone."""
        try:
            self.socket.sendall(data)
        except OSError:
            self.over = True

    def handshake(self, change: Callable[[Headers], Headers] = list, line: str = "") -> Response:
        """Ask for a WebSocket; *change* gets the headers of a right request, *line* replaces its first."""
        headers = [
            ("Host", self.host),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", PROTOCOL),
            ("Authorization", f"token {self.server.token}"),
        ]
        head = [line or f"GET {self.path}jupyter-agent/ws HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in change(headers)]
        self.send("\r\n".join([*head, "", ""]).encode("latin-1"))
        return self.response()

    def response(self) -> Response:
        """The head of the next answer."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                return Response(0, {})
        head, self._read = self._read.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines)
        version, status, *_ = first.split(" ", 2)
        return Response(int(status), {name.lower(): value.strip() for name, _, value in fields}, version)

    def rest(self) -> bytes:
        """All that comes until the peer closes."""
        while self._more():
            continue
        content, self._read = self._read, b""
        return content

    def frame(self) -> Frame | None:
        """The next frame; ``None`` once the peer has closed the connection."""
        head = self._take(2)
        if head is None:
            return None
        size = head[1] & 0x7F
        if size >= 126:
            more = self._take(2 if size == 126 else 8)
            if more is None:
                return None
            size = int.from_bytes(more, "big")
        payload = self._take(size)
        if payload is None:
            return None
        return Frame(head[0] & 15, payload, bool(head[0] >> 7), head[0] >> 4 & 7, bool(head[1] >> 7))

    def frames(self) -> Iterator[Frame]:
        """Every frame until the peer closes."""
        while (one := self.frame()) is not None:
            yield one

    def end(self) -> int | None:
        """Read until the peer closes the connection, and answer its close; that frame's code (1005: it had
        none), or ``None`` where no close frame came."""
        codes: list[int] = []
        for one in self.frames():
            if one.opcode == CLOSE:
                codes.append(1005 if one.code is None else one.code)
                self.send(frame(CLOSE, one.payload[:2]))
        return codes[0] if codes else None

    def _take(self, count: int) -> bytes | None:
        while len(self._read) < count:
            if not self._more():
                return None
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    def _more(self) -> bool:
        try:
            some = self.socket.recv(1 << 16)
        except ConnectionError:
            some = b""
        self._read += some
        self.over = self.over or not some
        return bool(some)


@contextmanager
def upgraded(server: Server) -> Iterator[Raw]:
    """A connection after a successful handshake, before any frame."""
    with Raw(server) as peer:
        response = peer.handshake()
        assert response.status == 101, response
        yield peer
