"""Both sides of one connection, sans-IO: bytes in, what to do out.

The owner of the socket feeds frames to `receive` and carries out what comes back, in order:
`Send` a frame, `CloseWith` a code, or one of the typed messages for the application. Neither side
knows a socket, a clock or a journal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from msgspec import Struct

from ..errors import BadCursor, ProtocolError
from .events import MOST, UNREADABLE, Event
from .ids import Cursor, is_ulid
from .messages import (
    VERSION,
    Ack,
    Bye,
    Close,
    CommandOrder,
    ErrorMessage,
    Events,
    FromClient,
    FromServer,
    Heartbeat,
    Hello,
    Nack,
    Reply,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Welcome,
)
from .task import Task

_encode = msgspec.json.Encoder().encode
_from_client: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)
_from_server: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)


class _Envelope(Struct):
    type: object = None
    id: object = None


_envelope = msgspec.json.Decoder(_Envelope)


@dataclass(frozen=True, slots=True)
class Send:
    """Write this text frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class CloseWith:
    """Close the socket with this code; nothing may be written after it."""

    code: Close
    reason: str


def encode(message: Struct) -> bytes:
    """A message as a text frame (UTF-8 JSON)."""
    return _encode(message)


def send(message: Struct) -> Send:
    """The instruction to write *message*."""
    return Send(_encode(message))


class ServerSide:
    """The server's side: nothing passes before a readable ``hello``, nothing after a close."""

    def __init__(self) -> None:
        self.state: Literal["hello", "open", "closed"] = "hello"
        self.role: Literal["subscriber", "producer"] = "subscriber"

    def receive(self, frame: str | bytes) -> list[FromClient | Send | CloseWith]:
        """What one frame asks for: the message itself, or an ``error``, or a close."""
        if self.state == "closed":
            return []
        try:
            text = frame.decode() if isinstance(frame, bytes) else frame
            envelope = _envelope.decode(text)
        except UNREADABLE:
            return [self.close(Close.PROTOCOL, "a frame must be one JSON object")]
        if self.state == "hello":
            return [self._hello(envelope, text)]
        return [self._message(envelope, text)]

    def no_hello(self) -> CloseWith | None:
        """The time for ``hello`` is over: close, unless it came."""
        if self.state != "hello":
            return None
        return self.close(Close.NO_HELLO, "no hello in time")

    def close(self, code: Close, reason: str) -> CloseWith:
        """End the connection from this side."""
        self.state = "closed"
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
        self.state, self.role = "open", hello.role
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
        if type(message).__name__ in _PRODUCERS_ONLY and self.role != "producer":
            return send(ErrorMessage("not_a_producer", "only a producer may send this", False, ident))
        return message


_TAGS = {"hello", "subscribe", "unsubscribe", "command", "publish", "handled"}
_PRODUCERS_ONLY = {"Publish", "Handled"}


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:97] + "..."


@dataclass(slots=True)
class Subscription:
    """A client's interest and where it is; ``cursor`` of ``None``: not yet answered."""

    id: int
    tasks: Literal["*"] | list[str]
    cursor: str | None = None
    tail: int | None = None
    types: list[str] | None = None
    answered: bool = False

    def request(self) -> Subscribe:
        return Subscribe(self.id, self.tasks, self.cursor, self.tail, self.types)


@dataclass(frozen=True, slots=True)
class Restart:
    """Start this subscription over from these snapshots; ``cursor`` is where that leaves it."""

    id: int
    tasks: list[Task]
    more: bool
    cursor: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """New events of this subscription, each exactly once, in order; ``cursor`` is the place after them."""

    id: int
    events: list[Event]
    cursor: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class SubscriberSide:
    """A subscriber's side, over any number of sockets: it remembers its cursors between them."""

    client: str
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    welcome: Welcome | None = None
    _asked: dict[int, int] = field(default_factory=dict)

    def connected(self) -> list[Send]:
        """A new socket is up: say hello. The rest follows the welcome."""
        self.welcome = None
        self._asked.clear()
        for subscription in self.subscriptions.values():
            subscription.answered = False
        return [send(Hello([VERSION], "subscriber", self.client))]

    def subscribe(self, subscription: Subscription) -> list[Send]:
        """Add or replace an interest; returns what to send now (nothing before the welcome)."""
        self.subscriptions[subscription.id] = subscription
        subscription.answered = False
        return [self._ask(subscription)] if self.welcome else []

    def unsubscribe(self, ident: int) -> list[Send]:
        """Drop an interest; frames still under way for it are ignored."""
        known = self.subscriptions.pop(ident, None)
        return [send(Unsubscribe(ident))] if known and self.welcome else []

    def receive(self, frame: str | bytes) -> list[Send | Restart | Apply | Reply | ErrorMessage | Bye]:
        """Take one frame; raises `ProtocolError` when the server does not speak this protocol."""
        try:
            message = _from_server.decode(frame)
        except UNREADABLE as error:
            raise ProtocolError(f"the server sent a frame that cannot be read: {error}") from error
        match message:
            case Welcome():
                self.welcome = message
                return [self._ask(subscription) for subscription in self.subscriptions.values()]
            case Subscribed():
                return self._subscribed(message)
            case Events():
                return self._events(message)
            case Heartbeat():
                self._heartbeat(message)
                return []
            case ErrorMessage(id=ident):
                self._answered(ident)
                return [message]
            case Reply() | Bye():
                return [message]
            case _:
                return []

    def _ask(self, subscription: Subscription) -> Send:
        self._asked[subscription.id] = self._asked.get(subscription.id, 0) + 1
        return send(subscription.request())

    def _answered(self, ident: int | None) -> bool:
        """Note an answer; whether it is the one to the newest request, and not to a replaced one."""
        if ident is None or ident not in self._asked:
            return False
        self._asked[ident] -= 1
        if self._asked[ident]:
            return False
        del self._asked[ident]
        return True

    def _subscribed(self, message: Subscribed) -> list[Send | Restart | Apply | Reply | ErrorMessage | Bye]:
        subscription = self.subscriptions.get(message.id)
        if not self._answered(message.id) or subscription is None:
            return []
        subscription.cursor, subscription.answered = message.cursor, True
        if message.recovered:
            return []
        return [Restart(message.id, message.tasks or [], bool(message.more), message.cursor)]

    def _events(self, message: Events) -> list[Send | Restart | Apply | Reply | ErrorMessage | Bye]:
        subscription = self.subscriptions.get(message.id)
        if subscription is None or not subscription.answered:
            return []
        if message.prev != subscription.cursor:
            subscription.answered = False
            return [self._ask(subscription)]
        subscription.cursor = message.cursor
        return [Apply(message.id, message.events, message.cursor)]

    def _heartbeat(self, message: Heartbeat) -> None:
        for ident, cursor in message.cursors.items():
            subscription = self.subscriptions.get(int(ident)) if re.fullmatch("[0-9]{1,18}", ident) else None
            if subscription is not None and subscription.answered and _later(cursor, subscription.cursor):
                subscription.cursor = cursor


def _later(cursor: str, than: str | None) -> bool:
    if than is None:
        return True
    try:
        new, old = Cursor.parse(cursor), Cursor.parse(than)
    except BadCursor:
        return False
    return new.epoch == old.epoch and new.offset > old.offset


@dataclass(slots=True)
class ProducerSide:
    """A producer's side: a window of unacknowledged batches over numbered events.

    The numbers are the spool's; this object only says from where to send. ``acked`` is the last
    committed number, ``sent`` the last one written to the present socket.
    """

    producer: str
    client: str
    host: str
    window: int = 8
    acked: int = 0
    sent: int = 0
    welcome: Welcome | None = None
    in_flight: list[int] = field(default_factory=list)

    def connected(self) -> list[Send]:
        """A new socket is up: say hello; what was not acknowledged will be sent again."""
        self.welcome = None
        self.sent = self.acked
        self.in_flight.clear()
        return [send(Hello([VERSION], "producer", self.client, self.producer, self.host))]

    @property
    def may_send(self) -> bool:
        """Whether the window has room for one more batch."""
        return self.welcome is not None and len(self.in_flight) < self.window

    def publish(self, base: int, first: int, last: int, events: list[bytes]) -> Send:
        """The frame that carries the encoded *events*, numbered *first* to *last*."""
        self.sent = last
        self.in_flight.append(last)
        head = b'{"type":"publish","base":%d,"first":%d,"events":[' % (base, first)
        return Send(head + b",".join(events) + b"]}")

    def receive(self, frame: str | bytes, emitted: int = MOST) -> FromServer:
        """Take one frame, note what it acknowledges, and hand it on; *emitted* is the last number there is.

        Raises `ProtocolError` for a frame that cannot be read, or that acknowledges what never was.
        """
        try:
            message = _from_server.decode(frame)
        except UNREADABLE as error:
            raise ProtocolError(f"the server sent a frame that cannot be read: {error}") from error
        match message:
            case Welcome():
                self.welcome = message
                self.window = max(1, min(self.window, message.limits.window))
            case Ack(upto) if upto > emitted:
                raise ProtocolError(f"the server says it has {upto} events of {emitted}")
            case Nack(expected) if expected > emitted + 1:
                raise ProtocolError(f"the server expects event {expected} after {emitted}")
            case Ack(upto):
                self.acked = max(self.acked, upto)
                self.sent = max(self.sent, upto)
                self.in_flight = [last for last in self.in_flight if last > upto]
            case Nack(expected):
                self.acked = expected - 1
                self.sent = expected - 1
                self.in_flight.clear()
        return message


__all__ = [
    "Apply",
    "CloseWith",
    "CommandOrder",
    "ProducerSide",
    "Restart",
    "Send",
    "ServerSide",
    "SubscriberSide",
    "Subscription",
    "encode",
    "send",
]
