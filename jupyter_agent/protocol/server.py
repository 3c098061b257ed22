"""The server's side of a connection, without any I/O."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import msgspec
from msgspec import Struct

from ..core.events import UNREADABLE
from ..core.ids import is_ulid
from .actions import CloseWith, Send, send
from .messages import (
    SPOOL_TROUBLE,
    VERSION,
    Close,
    ErrorMessage,
    FromClient,
    Handled,
    Hello,
    Publish,
    SpoolTrouble,
)

_from_client: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)


class ConnectionState(Enum):
    """State of a connection, as its server sees it."""

    HELLO = "hello"
    """The first frame has not come yet."""

    OPEN = "open"
    CLOSED = "closed"
    """Nothing is read or written any more."""


class _Envelope(Struct):
    """The two fields that an error answer needs, whatever the rest of a frame is."""

    type: object = None
    id: object = None


_envelope = msgspec.json.Decoder(_Envelope)


class ServerSide:
    """No message passes before a valid ``hello``, and none after a close."""

    def __init__(self) -> None:
        self.state = ConnectionState.HELLO
        self.role: Literal["subscriber", "producer"] = "subscriber"

    def receive(self, frame: str | bytes) -> list[FromClient | Send | CloseWith]:
        """Return what one frame leads to: the message itself, an ``error`` to send, or a close."""
        if self.state is ConnectionState.CLOSED:
            return []
        try:
            text = frame.decode() if isinstance(frame, bytes) else frame
            envelope = _envelope.decode(text)
        except UNREADABLE:
            return [self.close(Close.PROTOCOL, "a frame must be one JSON object")]
        if self.state is ConnectionState.HELLO:
            return [self._hello(envelope, text)]
        return [self._message(envelope, text)]

    def no_hello(self) -> CloseWith | None:
        """Return the close for a client whose ``hello`` did not come in time; ``None`` when it came."""
        if self.state is not ConnectionState.HELLO:
            return None
        return self.close(Close.NO_HELLO, "no hello in time")

    def close(self, code: Close, reason: str) -> CloseWith:
        """Close the connection from this side."""
        self.state = ConnectionState.CLOSED
        return CloseWith(code, reason)

    def _hello(self, envelope: _Envelope, frame: str) -> FromClient | CloseWith:
        if envelope.type != "hello":
            return self.close(Close.PROTOCOL, "the first frame must be a hello")
        try:
            hello = _from_client.decode(frame)
        except UNREADABLE as error:
            return self.close(Close.PROTOCOL, _short(f"the hello cannot be read: {error}"))
        assert isinstance(hello, Hello)
        if VERSION not in hello.versions:
            return self.close(Close.VERSION, f"this server speaks version {VERSION}")
        if hello.role == "producer" and not is_ulid(hello.producer or ""):
            return self.close(Close.PROTOCOL, "a producer's hello must name the producer by its ULID")
        self.state, self.role = ConnectionState.OPEN, hello.role
        return hello

    def _message(self, envelope: _Envelope, frame: str) -> FromClient | Send:
        ident = envelope.id if type(envelope.id) is int else None
        try:
            message = _from_client.decode(frame)
        except UNREADABLE as error:
            known = isinstance(envelope.type, str) and envelope.type in _TAGS
            code = "bad_message" if known else "unknown_type"
            return send(ErrorMessage(code, _short(str(error)), False, ident))
        if isinstance(message, Hello):
            return send(ErrorMessage("bad_message", "hello comes once, as the first frame", False, ident))
        if isinstance(message, _OF_PRODUCERS) and self.role != "producer":
            return send(ErrorMessage("not_a_producer", "only a producer may send this", False, ident))
        return message


_TAGS = {"hello", "subscribe", "unsubscribe", "command", "publish", "handled", SPOOL_TROUBLE}
_OF_PRODUCERS = (Publish, Handled, SpoolTrouble)


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:97] + "..."
