"""WebSocket text frames as bytes: header and text (RFC 6455, section 5.2)."""

from __future__ import annotations

import struct

_TEXT = 0x81  # FIN, opcode text: the only frame of its message
_MASKED = 0x80
_U16, _U64 = 126, 127
MASK_BYTES = 4


def text_frame(text: bytes) -> bytes:
    """Return *text* (UTF-8) as one frame from a server."""
    return _header(len(text), 0) + text


def masked_frame(text: bytes, mask: bytes) -> bytes:
    """Return *text* (UTF-8) as one frame from a client, masked with four unpredictable bytes."""
    size = len(text)
    key = mask * (size // MASK_BYTES + 1)
    hidden = int.from_bytes(text, "little") ^ int.from_bytes(key[:size], "little")
    return b"".join((_header(size, _MASKED), mask, hidden.to_bytes(size, "little")))


def events_message(ident: int, prev: str, cursor: str, body: bytes) -> bytes:
    """Return an ``events`` message around *body*, which is encoded events."""
    head = f'{{"type":"events","id":{ident},"prev":"{prev}","cursor":"{cursor}","events":['
    return b"".join((head.encode(), body, b"]}"))


def _header(size: int, masked: int) -> bytes:
    if size < _U16:
        return struct.pack("!BB", _TEXT, masked | size)
    if size < 1 << 16:
        return struct.pack("!BBH", _TEXT, masked | _U16, size)
    return struct.pack("!BBQ", _TEXT, masked | _U64, size)
