"""A minimal WebSocket client on a raw socket, so that measuring costs almost nothing."""

from __future__ import annotations

import base64
import os
import socket
import struct
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TIMEOUT = 30.0
_SHORT, _MEDIUM = 125, 126


@dataclass(eq=False)
class Wire:
    """One open WebSocket. ``left`` holds bytes that came and were not read yet."""

    socket: socket.socket
    left: bytes = b""

    def send(self, text: str) -> None:
        """Write one text frame."""
        self.socket.sendall(text_frame(text.encode()))

    def frame(self) -> bytes:
        """The payload of the next data frame; pings are passed over. Raises `ConnectionError` at the end."""
        while True:
            code, payload = self._one()
            if code == 8:
                raise ConnectionError(f"closed: {payload!r}")
            if code in (1, 2):
                return payload

    def _one(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        size = second & 0x7F
        if size == _MEDIUM:
            size = struct.unpack(">H", self._take(2))[0]
        elif size > _MEDIUM:
            size = struct.unpack(">Q", self._take(8))[0]
        return first & 0x0F, self._take(size)

    def _take(self, count: int) -> bytes:
        while len(self.left) < count:
            more = self.socket.recv(1 << 16)
            if not more:
                raise ConnectionError("the server closed the socket")
            self.left += more
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def close(self) -> None:
        """Close the TCP connection without a close frame. Idempotent."""
        self.socket.close()


def text_frame(payload: bytes) -> bytes:
    """A masked text frame (the mask is zero: the payload stays as it is)."""
    size = len(payload)
    if size <= _SHORT:
        head = struct.pack(">BB", 0x81, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack(">BBH", 0x81, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", 0x81, 0x80 | 127, size)
    return head + bytes(4) + payload


@dataclass(frozen=True)
class Endpoint:
    """Where a server's WebSocket is, and how one is greeted there (``kind``, see `greet`)."""

    kind: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


def dial(endpoint: Endpoint, path: str = "") -> Wire:
    """Open one WebSocket; *path* replaces the endpoint's own."""
    parts = urlsplit(endpoint.url)
    query = f"?{parts.query}" if parts.query else ""
    request = [
        f"GET {path or parts.path + query} HTTP/1.1",
        f"Host: {parts.hostname}:{parts.port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *(f"{name}: {value}" for name, value in endpoint.headers.items()),
    ]
    raw = socket.create_connection((parts.hostname or "", parts.port or 80), TIMEOUT)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.sendall(("\r\n".join(request) + "\r\n\r\n").encode())
    wire = Wire(raw)
    while b"\r\n\r\n" not in wire.left:
        more = raw.recv(1 << 16)
        if not more:
            break
        wire.left += more
    head, _, wire.left = wire.left.partition(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raw.close()
        raise ConnectionError(f"{endpoint.url} answered {head[:200]!r}")
    return wire
