"""Targets: the sans-IO sides of the protocol, and the forwarder around one, against any frames."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from jupyter_agent.core.events import MAX_NUMBER, Log
from jupyter_agent.core.ids import ulid
from jupyter_agent.errors import ProtocolError
from jupyter_agent.producer.forwarder import Forwarder
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.protocol.actions import CloseWith, Send, encode
from jupyter_agent.protocol.messages import (
    CommandOrder,
    ErrorMessage,
    FromClient,
    FromServer,
    Handled,
    Hello,
    Publish,
    SpoolTrouble,
)
from jupyter_agent.protocol.producer import ProducerSide
from jupyter_agent.protocol.server import ServerSide
from jupyter_agent.protocol.subscriber import Apply, Restart, SubscriberSide, Subscription
from jupyter_agent.system.paths import DataPaths

from .dice import Dice
from .grammar import EPOCH, TASKS, anything, encoded, message
from .harness import Feed, expect, quiet
from .mutate import TOKENS, damaged

HELLO = b'{"type":"hello","versions":[1],"role":"producer","producer":"01HF7YAT00CNVP2Z3JDXQ6MZ1F"}'
LIMITS = {"message": 8388608, "event": 1048576, "snapshots": 200, "frame": 65536, "window": 16}
WELCOME = encoded(
    {"type": "welcome", "version": 1, "connection": "c", "user": "u", "cursor": f"{EPOCH}:5", "now": 1.0,
     "heartbeat": 25.0, "limits": LIMITS}
)  # fmt: skip
_ERRORS = {"bad_message", "unknown_type", "not_a_producer"}
_CLOSES = {4500, 4506}
_one_of_ours = msgspec.json.Decoder(FromClient)


def frames(dice: Dice, union: object, first: bytes) -> Iterator[bytes]:
    """A conversation: *first* mostly first, then messages in any order, some of them damaged."""
    if dice.chance(0.85):
        yield first
    for _ in range(1 + dice.upto(7)):
        frame = message(dice, union)
        kind = dice.random.random()
        if kind < 0.25:
            frame = damaged(dice, frame)
        elif kind < 0.30:
            frame = dice.pick(TOKENS)
        elif kind < 0.35:
            frame = encoded(anything(dice))
        yield frame


def _shown(dice: Dice, frame: bytes) -> str | bytes:
    """Return the message as the socket passes it on: text where it is text."""
    dice.feed(frame)
    return frame if dice.chance(0.2) else frame.decode("utf-8", "replace")


def server_session(dice: Dice) -> None:
    """Only what the protocol's description has comes out; nothing before hello, nothing after a close."""
    side = ServerSide()
    welcomed = closed = False
    for frame in frames(dice, FromClient, HELLO):
        for item in side.receive(_shown(dice, frame)):
            expect(not closed, "something came after the close")
            if isinstance(item, CloseWith):
                closed = True
                expect(item.code in _CLOSES and len(item.reason.encode()) <= 123, f"closed with {item}")
            elif isinstance(item, Send):
                expect(welcomed, "something was sent before the handshake")
                error = msgspec.json.decode(item.frame, type=ErrorMessage)
                expect(error.code in _ERRORS and len(item.frame) < 1000, f"answered {item}")
            else:
                expect(welcomed or isinstance(item, Hello), f"{item} was taken before hello")
                producers = isinstance(item, Publish | Handled | SpoolTrouble)
                expect(not producers or side.role == "producer", "a subscriber may not publish")
                welcomed = True
        expect(set(vars(side)) == {"state", "role"}, "the session stores what it received")
    fresh = ServerSide()
    expect(isinstance(fresh.receive(HELLO)[0], Hello), "a good client is refused")


def subscriber_session(dice: Dice) -> None:
    """A hostile server can bring about `ProtocolError`, and nothing that was not subscribed to."""
    side = SubscriberSide("fuzz/1")
    side.subscribe(Subscription(1, "*"))
    side.subscribe(Subscription(2, [TASKS[0]], tail=5))
    side.connected()
    for frame in frames(dice, FromServer, WELCOME):
        try:
            items = side.receive(_shown(dice, frame))
        except ProtocolError:
            side.connected()
            continue
        expect(len(items) <= 2, "one frame brings about many")
        for item in items:
            if isinstance(item, Restart | Apply):
                expect(item.id in side.subscriptions, f"{item} is for no subscription")
            elif isinstance(item, Send):
                _one_of_ours.decode(item.frame)
        expect(set(side.subscriptions) == {1, 2} and len(side._asked) <= 2, "the state grows")
    _goes_on(side)


def _goes_on(side: SubscriberSide) -> None:
    """After any junk, an honest server is understood."""
    side.connected()
    asked = [
        msgspec.json.decode(item.frame)["id"] for item in side.receive(WELCOME) if isinstance(item, Send)
    ]
    expect(asked == [1, 2], "the subscriptions are not asked for again")
    side.receive(b'{"type":"subscribed","id":1,"recovered":true,"cursor":"%s:5"}' % EPOCH.encode())
    frame = b'{"type":"events","id":1,"prev":"%s:5","cursor":"%s:6","events":[]}'
    items = side.receive(frame % (EPOCH.encode(), EPOCH.encode()))
    expect(any(isinstance(item, Apply) for item in items), "an honest frame is not applied")


def producer_session(dice: Dice) -> None:
    """Only what was sent can count as committed, for any answer of a server."""
    side = ProducerSide("01HF7YAT00CNVP2Z3JDXQ6MZ1F", "fuzz/1", "host")
    side.connected()
    most = 0
    for frame in frames(dice, FromServer, WELCOME):
        if side.may_send:
            expect(side.sent <= most, f"{side.sent} counts as sent, of {most}")
            most = max(most, side.sent + 2)
            side.publish(1, side.sent + 1, side.sent + 2, [b"{}", b"{}"])
        try:
            side.receive(_shown(dice, frame), most)
        except ProtocolError:
            side.connected()
        expect(side.acked <= most, f"{side.acked} counts as committed, of {most} that were sent")
        expect(len(side.in_flight) <= 16 and 1 <= side.window <= 8, "the window grows")


class _Samplers:
    """A producer without tasks, which takes every command."""

    def sample(self) -> bool:
        return False

    def command(self, order: CommandOrder) -> None:
        encode(order)


@contextmanager
def forwarding(folder: Path) -> Iterator[Feed]:
    """The forwarder's handling of frames, with a real spool behind it. Its thread does not run."""
    paths = DataPaths(folder / "agent")
    loop = asyncio.new_event_loop()
    count = 0

    def feed(dice: Dice) -> None:
        nonlocal count
        count += 1
        spool = Spool.create(paths, header_for(ulid(1_700_000_000 + count, bytes(10)), "default", 1.0))
        try:
            _forward(dice, spool, loop)
        finally:
            spool.free(MAX_NUMBER)
            spool.close()

    try:
        with quiet() as check:

            def checked(dice: Dice) -> None:
                feed(dice)
                check()

            yield checked
    finally:
        loop.close()


def _forward(dice: Dice, spool: Spool, loop: asyncio.AbstractEventLoop) -> None:
    forwarder = Forwarder(spool, _Samplers(), lambda: None)
    forwarder._loop = loop
    forwarder._connected()
    for _ in range(3):
        spool.append(TASKS[0], 1, "log", Log("stdout", "x"))
    for frame in frames(dice, FromServer, WELCOME):
        try:
            loop.run_until_complete(forwarder._received(_shown(dice, frame)))
        except ProtocolError:
            forwarder._on_disconnect()
            forwarder._connected()
    expect(len(spool.records()) == 3, "a server made the spool forget")
    expect(forwarder.acked <= 3, "what was never emitted counts as committed")
