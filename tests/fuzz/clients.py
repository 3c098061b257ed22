"""Target: the Python client over real sockets, against a server that sends anything."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from jupyter_agent.client import AgentClient
from jupyter_agent.core.task import Task
from jupyter_agent.errors import AgentError
from jupyter_agent.protocol.messages import FromServer
from jupyter_agent.transport.discovery import Address
from tests.support.raw_websocket import CLOSE, PING, PONG, TEXT, frame

from .dice import Dice
from .grammar import TASKS, TEXTS, anything, encoded, event, message
from .harness import Feed, expect, quiet
from .mutate import TOKENS, damaged
from .sessions import WELCOME

FOLLOWED = 0.1
"""Seconds that a subscription to the hostile server lasts."""


class Hostile:
    """Listens on a port of its own; ``body`` is its answer to each request, ``frames`` to each socket."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""
        self.frames: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and wait for what is being answered."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(2)
                try:
                    self._answer(peer)
                except OSError:
                    continue

    def _answer(self, peer: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            some = peer.recv(1 << 16)
            if not some:
                return
            head += some
        if b"Sec-WebSocket-Key" not in head.replace(b"Sec-Websocket-Key", b"Sec-WebSocket-Key"):
            start = (
                f"HTTP/1.1 {self.status} x\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
            )
            peer.sendall(start.encode() + self.body)
            return
        peer.sendall(_accepted(head) + b"".join(self.frames))
        peer.settimeout(FOLLOWED / 2)
        while peer.recv(1 << 16):
            continue


def _accepted(head: bytes) -> bytes:
    lower = head.lower()
    at = lower.index(b"sec-websocket-key:") + len(b"sec-websocket-key:")
    key = head[at : head.index(b"\r\n", at)].strip()
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    lines = [
        b"HTTP/1.1 101 x",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept,
    ]
    return b"\r\n".join([*lines, b"", b""])


@contextmanager
def clients(folder: Path) -> Iterator[Feed]:
    """Every verb of the client: an answer, or one of our errors with a sentence; and in time."""
    hostile = Hostile()
    loop = asyncio.new_event_loop()

    def feed(dice: Dice) -> None:
        hostile.status = dice.pick((200, 200, 200, 204, 302, 400, 403, 404, 409, 500, 503))
        hostile.body = dice.feed(_body(dice))
        hostile.frames = [dice.feed(one) for one in _frames(dice)]
        loop.run_until_complete(_use(dice, Address(f"http://127.0.0.1:{hostile.port}/")))

    with quiet() as check:

        def checked(dice: Dice) -> None:
            feed(dice)
            check()

        try:
            yield checked
        finally:
            hostile.close()
            loop.run_until_complete(asyncio.wait_for(_all_let_go(), 10))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


async def _all_let_go() -> None:
    """Wait until no connection is left on this loop, whose end would leave its descriptor open."""
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    while len(selector.get_map()) > 1:  # the loop's own way to be woken stays
        await asyncio.sleep(0.01)


def _body(dice: Dice) -> bytes:
    task = msgspec.to_builtins(Task(TASKS[0], name=dice.pick(TEXTS)))
    some: tuple[Any, ...] = (
        task,
        {"tasks": [task], "more": False, "cursor": "a:1"},
        {"events": [event(dice)], "cursor": "a:1", "more": False},
        {
            "type": "about:blank",
            "detail": dice.pick(TEXTS),
            "code": dice.pick(("unknown_task", "not_now", "x")),
        },
        anything(dice),
    )
    raw = encoded(dice.pick(some))
    return dice.pick(
        (raw, damaged(dice, raw), dice.pick(TOKENS), b"<html>", b"\xff\xfe", b'{"detail":"\xff"}')
    )


def _frames(dice: Dice) -> Iterator[bytes]:
    if dice.chance(0.8):
        yield frame(TEXT, WELCOME, mask=None)
    for _ in range(dice.upto(6)):
        said = message(dice, FromServer)
        said = damaged(dice, said) if dice.chance(0.3) else said
        whole = frame(
            dice.pick((TEXT, TEXT, TEXT, PING, PONG)), said[:125] if dice.chance(0.1) else said, mask=None
        )
        yield damaged(dice, whole, 2) if dice.chance(0.1) else whole
    if dice.chance(0.3):
        code = dice.pick((1000, 1001, 1009, 4001, 4010, 4500, 4501, 65535))
        yield frame(CLOSE, code.to_bytes(2, "big"), mask=None)


async def _use(dice: Dice, address: Address) -> None:
    verbs: tuple[Callable[[AgentClient], Awaitable[object]], ...] = (
        lambda client: client.health(),
        lambda client: client.tasks(limit=5),
        lambda client: client.task(TASKS[0]),
        lambda client: client.events(TASKS[0]),
        lambda client: client.command(TASKS[0], "cancel"),
        lambda client: client.delete(TASKS[0]),
        _follow,
    )
    async with AgentClient(address) as client:
        try:
            async with asyncio.timeout(10):
                await dice.pick((*verbs, _follow, _follow))(client)
        except AgentError as error:
            expect(str(error), "an error without a sentence")
        except TimeoutError as error:
            raise AssertionError("a verb does not end") from error


async def _follow(client: AgentClient) -> None:
    """Follow for a moment. What the health check makes of the answer is another verb's business."""

    async def well() -> dict[str, Any]:
        return {}

    client.health = well  # type: ignore[method-assign]
    items = client.follow(patience=FOLLOWED)
    try:
        async with asyncio.timeout(FOLLOWED):
            async for _ in items:
                continue
    except TimeoutError:
        return
    finally:
        await items.aclose()
