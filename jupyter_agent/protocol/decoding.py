"""Decoding of frames that a server sent, for both kinds of client."""

from __future__ import annotations

import msgspec

from ..core.events import UNREADABLE
from ..errors import ProtocolError
from .messages import FromServer

_decoder: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)


def decode_from_server(frame: str | bytes) -> FromServer:
    """Return the message in *frame*. Raises `ProtocolError` when it cannot be decoded."""
    try:
        return _decoder.decode(frame)
    except UNREADABLE as error:
        raise ProtocolError(f"the server sent a frame that cannot be read: {error}") from error
