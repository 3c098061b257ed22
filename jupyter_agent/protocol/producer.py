"""The producer's side of a connection, without any I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from ..core.events import MAX_NUMBER
from ..errors import ProtocolError
from .actions import Send, send
from .decoding import decode_from_server
from .messages import VERSION, Ack, FromServer, Hello, Nack, Welcome


@dataclass(slots=True)
class ProducerSide:
    """A window of unacknowledged batches over numbered events.

    The numbers are the spool's; this object only keeps the position to send from. ``acked`` is the last
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

    def connected(self, clock: float | None = None) -> list[Send]:
        """Return the hello for a new socket; everything not acknowledged will be sent again.

        *clock*: what this process's clock says, in Unix seconds.
        """
        self.welcome = None
        self.sent = self.acked
        self.in_flight.clear()
        hello = Hello([VERSION], "producer", self.client, self.producer, self.host, clock, self.acked)
        return [send(hello)]

    @property
    def may_send(self) -> bool:
        """True while the window has room for one more batch."""
        return self.welcome is not None and len(self.in_flight) < self.window

    def accepts(self, kind: str) -> bool:
        """Return True if the server of this connection has said that it reads messages of this type."""
        return self.welcome is not None and kind in self.welcome.accepts

    def publish(
        self, base: int, first: int, last: int, events: list[bytes], notices: Sequence[str] = ()
    ) -> Send:
        """Note the encoded *events*, *first* to *last*, as sent; return the frame for the caller to send."""
        self.sent = last
        self.in_flight.append(last)
        said = b'"notices":%b,' % msgspec.json.encode(notices) if notices else b""
        head = b'{"type":"publish","base":%d,"first":%d,%b"events":[' % (base, first, said)
        return Send(head + b",".join(events) + b"]}")

    def receive(self, frame: str | bytes, emitted: int = MAX_NUMBER, base: int = 1) -> FromServer:
        """Decode one frame, apply its acknowledgement and return it; *emitted* is the last number in use.

        *base* is the smallest number that can be sent again: what was before it stays acknowledged.

        Raises `ProtocolError` for a frame that cannot be read, or that acknowledges more than was emitted.
        """
        message = decode_from_server(frame)
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
                self.acked = self.sent = max(expected, min(base, self.acked + 1)) - 1
                self.in_flight.clear()
        return message
