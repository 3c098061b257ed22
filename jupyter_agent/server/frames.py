"""Frames as they lie on the wire. A server's text frame is a short header and the text (RFC 6455,
section 5.2): made here, once for everybody who gets the same one.
"""

from __future__ import annotations

import struct

_TEXT = 0x81  # the only frame of its message, and text
_U16, _U64 = 126, 127


def text_frame(text: bytes) -> bytes:
    """*text* (UTF-8) as one unmasked frame."""
    size = len(text)
    if size < _U16:
        return struct.pack("!BB", _TEXT, size) + text
    if size < 1 << 16:
        return struct.pack("!BBH", _TEXT, _U16, size) + text
    return struct.pack("!BBQ", _TEXT, _U64, size) + text


def events_message(ident: int, prev: str, cursor: str, body: bytes) -> bytes:
    """An ``events`` message around *body*, events that are encoded already."""
    head = f'{{"type":"events","id":{ident},"prev":"{prev}","cursor":"{cursor}","events":['
    return b"".join((head.encode(), body, b"]}"))
