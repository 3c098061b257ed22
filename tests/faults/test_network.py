"""Cuts, stalls and vandals between a server and those who talk to it."""

from __future__ import annotations

import asyncio
import base64
import random
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from kernels import assert_story, script
from servers import Server, Servers, loud
from wire import Applied, Story, Wire, producer, subscriber

from jupyter_agent.core.messages import SUBPROTOCOL

pytestmark = pytest.mark.timeout(120)


class Proxy:
    """Passes bytes on between a port of its own and *target*, until it cuts or stalls."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.visits = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            there_reader, there_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, there_writer}
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pass_on(reader, there_writer))
            both.create_task(self._pass_on(there_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 14):
                await self.flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            raw = writer.get_extra_info("socket")
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self._writers.clear()


@asynccontextmanager
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    """A proxy in front of *server*."""
    parts = urlsplit(server.url)
    one = Proxy(str(parts.hostname), int(parts.port or 0))
    door = await asyncio.start_server(one.visit, "127.0.0.1", 0)
    one.port = door.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        door.close()
        one.flowing.set()
        one.cut()
        await asyncio.sleep(0.05)


def test_a_producer_behind_a_line_that_is_cut_and_stalls_loses_and_doubles_nothing(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    chance = random.Random(7)

    async def life() -> None:
        async with proxy(server) as line:
            env = {"JUPYTER_AGENT_URL": f"http://127.0.0.1:{line.port}/", "JUPYTER_AGENT_TOKEN": server.token}
            with script(server, tmp_path / "lines", env, count=2500) as (process, written):
                await asyncio.to_thread(written.wait)
                while process.poll() is None:
                    line.flowing.clear()
                    await asyncio.sleep(chance.random() * 0.3)
                    line.flowing.set()
                    await asyncio.sleep(chance.random() * 0.3)
                    line.cut()
                assert process.returncode == 0
            assert line.visits > 3
            await asyncio.to_thread(assert_story, server, written, "completed", 10.0)

    asyncio.run(life())
    assert not loud(server.log_text())


def _upgrade(server: Server) -> bytes:
    parts = urlsplit(server.url)
    lines = [
        f"GET {parts.path}jupyter-agent/ws HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        f"Authorization: token {server.token}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def _frame(text: bytes) -> bytes:
    size = (
        struct.pack("!BB", 0x81, 0x80 | len(text))
        if len(text) < 126
        else struct.pack("!BBH", 0x81, 0xFE, len(text))
    )
    return size + bytes(4) + text


HELLO = b'{"type":"hello","versions":[1],"client":"vandal"}'


@pytest.mark.asyncio
async def test_readers_that_stall_disturb_neither_a_healthy_one_nor_the_memory(fresh: Servers) -> None:
    server, story = fresh.start(), Story()
    process = psutil.Process(server.pid)
    async with producer(server, story.producer) as writer, subscriber(server) as healthy:
        await writer.published(story.start())
        answer = await healthy.subscribe(tasks=[story.task])
        stalled = [_stalled(server, story.task) for _ in range(30)]
        applied = Applied(healthy, answer["cursor"])
        pad = b'{"stream":"stdout","text":"%s"}' % (b"x" * 1000)
        before = 0
        for batch in range(40):
            events = [story.event("log", pad) for _ in range(1000)]
            sent = time.monotonic()
            await writer.publish(events)
            await applied.until(lambda got: got and got[-1]["n"] == story.n)
            assert time.monotonic() - sent < 3
            applied.events.clear()
            if batch == 20:
                before = process.memory_info().rss
        grown = process.memory_info().rss - before
        print(f"RSS {before >> 20} MiB after 20 MiB of events, {grown >> 20} MiB more after 20 MiB more")
        assert grown < 30 << 20
        for raw in stalled:
            raw.close()
    assert not loud(server.log_text())


def _stalled(server: Server, task: str) -> socket.socket:
    """A subscriber that never reads."""
    parts = urlsplit(server.url)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((parts.hostname, parts.port))
    subscribe = b'{"type":"subscribe","id":1,"tasks":["%s"],"after":null}' % task.encode()
    raw.sendall(_upgrade(server) + _frame(HELLO) + _frame(subscribe))
    return raw


@pytest.mark.asyncio
async def test_somebody_who_asks_without_reading_the_answers_is_slowed_not_stored(fresh: Servers) -> None:
    server = fresh.start()
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=0.5) as raw:
        raw.sendall(_upgrade(server) + _frame(HELLO))
        many = _frame(b'{"type":"dance","id":1,"pad":"%s"}' % (b"x" * 60)) * 1000
        sent = 0
        with suppress(TimeoutError):
            while sent < 200 << 20:
                sent += raw.send(many)
        assert sent < 200 << 20
        assert process.memory_info().rss - before < 30 << 20
        async with subscriber(server) as healthy:
            await healthy.subscribe()
    assert not loud(server.log_text())


def test_a_disconnect_while_a_slow_authorizer_thinks_is_no_error(fresh: Servers) -> None:
    config = """
import asyncio
from jupyter_server.auth import Authorizer

class Slow(Authorizer):
    async def is_authorized(self, handler, user, action, resource):
        await asyncio.sleep(0.2)
        return True

c.ServerApp.authorizer_class = Slow
"""
    server = fresh.start(config=config)
    parts = urlsplit(server.url)
    for _ in range(10):
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as raw:
            raw.sendall(_upgrade(server))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(0.02)

    async def look() -> None:
        async with subscriber(server) as peer:
            await _subscribed(peer)

    asyncio.run(look())
    assert not loud(server.log_text())


async def _subscribed(peer: Wire) -> None:
    assert (await peer.subscribe())["recovered"] is False
