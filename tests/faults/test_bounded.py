"""Readers that stop reading cost a server one frame each: neither memory nor the time of others.

``BOUNDED_SECONDS`` says how long a thousand events a second meet a hundred stalled readers; from 40 s on
the deadline of a write passes, and every one of them is gone. For up to a minute the journal lies in
memory, so that what others take is measured and not how busy the disk is.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import msgspec
import pytest

from jupyter_agent.protocol.messages import Close
from jupyter_agent.server.delivery.writer import WRITE_DEADLINE
from tests.faults.vandals import HELLO, Place, frame, with_a_reset
from tests.soak.census import Census, census, census_options
from tests.support.builders import until
from tests.support.servers import Server, Servers, loud
from tests.support.wire import Story, Wire, producer, subscriber

SECONDS = float(os.environ.get("BOUNDED_SECONDS", "6"))
CALM = min(SECONDS, 3.0)
"""Seconds of the same stream without stalled readers, to compare with."""

STALLED, HEALTHY = 100, 3
RATE, BATCH = 1000, 20
RSS_ROOM = 50 << 20
ROOM = {"objects": 100 * STALLED}
"""Timers that were cancelled keep what they were for until they are due: half a minute here."""

SLOWER = 3.0
"""How many times longer than without the stalled ones the slowest hundredth of the events may take, ..."""

JITTER = 0.25
"""... seconds that a busy machine may add to that, with any readers."""

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120 + 2 * SECONDS)]


@dataclass
class Healthy:
    """A reader that applies every frame at once, and when each number arrived."""

    wire: Wire
    cursor: str
    numbers: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    async def read(self, last: asyncio.Future[int]) -> None:
        """Apply until the last number is here. Events carry in their text when they were published."""
        while not last.done() or not self.numbers or self.numbers[-1] < last.result():
            message = await self.wire.frame()
            assert message is not None, self.wire.socket.close_code
            if message["type"] == "events":
                assert message["prev"] == self.cursor
                self.cursor = message["cursor"]
                self._apply(message["events"])
            elif message["type"] == "heartbeat":
                self.cursor = message["cursors"]["1"]

    def _apply(self, events: list[dict[str, object]]) -> None:
        now = time.time()
        for event in events:
            self.numbers.append(int(str(event["n"])))
            self.late.append(now - float(str(event["time"])))


@contextmanager
def _stalled(place: Place, number: int) -> Iterator[list[socket.socket]]:
    """So many readers that subscribe, some to all, and never read again; half of them from the start."""
    sockets = [place.connect() for _ in range(number)]
    try:
        for turn, raw in enumerate(sockets):
            after = place.start if turn % 2 else None
            tasks = "*" if turn % 3 else [place.task]
            raw.sendall(place.upgrade + frame(HELLO) + place.subscribe(after, tasks=tasks))
        yield sockets
    finally:
        for raw in sockets:
            with_a_reset(raw)


async def _publish(writer: Wire, story: Story, seconds: float) -> None:
    """`RATE` events a second, each with the time at which it is written."""
    loop = asyncio.get_running_loop()
    started, turns = loop.time(), int(seconds * RATE / BATCH)
    acked = loop.create_task(writer.get("ack", upto=story.n + turns * BATCH))
    for turn in range(turns):
        await asyncio.sleep(started + turn * BATCH / RATE - loop.time())
        await writer.publish([story.event("log", TEXT, time=time.time()) for _ in range(BATCH)])
    await acked


TEXT = msgspec.json.encode({"stream": "stdout", "text": "x" * 200})


@asynccontextmanager
async def _readers(server: Server, task: str) -> AsyncIterator[list[Healthy]]:
    async with subscriber(server) as a, subscriber(server) as b, subscriber(server) as c:
        yield [Healthy(w, (await w.subscribe(1, [task]))["cursor"]) for w in (a, b, c)][:HEALTHY]


async def _stream(server: Server, writer: Wire, story: Story, seconds: float) -> list[float]:
    """Publish for so long to healthy readers that get everything once; the seconds each took."""
    last = asyncio.get_running_loop().create_future()
    first = story.n + 1
    async with _readers(server, story.task) as readers, asyncio.TaskGroup() as group:
        for reader in readers:
            group.create_task(reader.read(last))
        await _publish(writer, story, seconds)
        last.set_result(story.n)
    for reader in readers:
        assert reader.numbers == list(range(first, story.n + 1))
    return [seconds for reader in readers for seconds in reader.late]


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def _parked_or_gone(server: Server) -> int:
    """How many are connected besides the producer of the test."""
    return int(server.ask("health").json["connections"]) - 1


@pytest.mark.asyncio
async def test_a_hundred_stalled_readers_cost_neither_memory_nor_anybodys_time(
    fresh: Servers, no_disk: dict[str, str]
) -> None:
    env = no_disk if SECONDS <= 60 else None
    server = fresh.start(env=env, **census_options("--JupyterAgent.heartbeat_seconds=0.5"))
    story = Story()
    async with producer(server, story.producer) as writer:
        await writer.published(story.start())
        await writer.published([story.event("log", TEXT) for _ in range(1000)])
        place = Place(server, story.task, (await _start(server)))
        calm = await _stream(server, writer, story, CALM)
        before = await asyncio.to_thread(_alone, server, None)
        with _stalled(place, STALLED):
            await asyncio.to_thread(until, lambda: _parked_or_gone(server) == STALLED)
            beside = await _stream(server, writer, story, SECONDS)
            parked, during = _parked_or_gone(server), census(server)
        after = await asyncio.to_thread(_alone, server, before)
    print(_figures(calm, beside, parked, before, during, after))
    assert during.rss - before.rss < RSS_ROOM
    assert after.rss - before.rss < RSS_ROOM
    assert parked == (0 if SECONDS > WRITE_DEADLINE + 10 else STALLED)
    assert _p99(beside) < SLOWER * _p99(calm) + JITTER
    assert not loud(server.log_text())


async def _start(server: Server) -> str:
    async with subscriber(server) as reader:
        epoch, _ = (await reader.subscribe())["cursor"].split(":")
        return f"{epoch}:0"


def _alone(server: Server, before: Census | None) -> Census:
    """The count once only the producer is there and, if given, nothing is left of what came *before*."""
    there: list[str] = []

    def settled() -> Census | None:
        now = census(server)
        others = now.tasks["jupyter-agent-writer"] - 1
        there[:] = [f"{others} writers"] if others else now.above(before or now, ROOM)
        return None if there else now

    try:
        return until(settled, 30)  # type: ignore[no-any-return]
    except AssertionError:
        raise AssertionError(f"left: {there}, {census(server)}") from None


def _figures(
    calm: list[float], beside: list[float], parked: int, before: Census, during: Census, after: Census
) -> str:
    latencies = ", ".join(
        f"{name} p50 {quantiles(values, n=100)[49] * 1000:.1f} ms, p99 {_p99(values) * 1000:.1f} ms"
        for name, values in (("without", calm), ("beside the stalled", beside))
    )
    return (
        f"{STALLED} stalled readers, {RATE} events/s for {SECONDS:g} s: RSS {before.rss >> 20} MiB, "
        f"{(during.rss - before.rss) / (1 << 20):.1f} MiB more with them, "
        f"{(after.rss - before.rss) / (1 << 20):.1f} MiB more afterwards; {parked} of them still parked; "
        f"{latencies}; {before.totals}, then {during.totals}, then {after.totals}"
    )


@pytest.mark.asyncio
async def test_readers_that_catch_up_from_different_places_in_a_quiet_hour_cost_no_memory(
    fresh: Servers,
) -> None:
    server, story = fresh.start(**census_options()), Story()
    async with producer(server, story.producer) as writer:
        await writer.published(story.start())
        for _ in range(30):
            await writer.published([story.event("log", TEXT) for _ in range(500)])
        epoch, head = str(server.ask("tasks").json["cursor"]).split(":")
        before = census(server)
        for place in range(10):
            async with subscriber(server) as reader:
                await reader.subscribe(1, after=f"{epoch}:{place}")
                while (await reader.get("events"))["cursor"] != f"{epoch}:{head}":
                    continue
        grown = census(server).rss - before.rss
    print(f"10 readers of 15,000 events from 10 places: {grown / (1 << 20):.1f} MiB more")
    assert grown < RSS_ROOM // 2


@pytest.mark.asyncio
async def test_a_reader_that_is_too_slow_is_closed_with_4008_and_without_a_word_in_the_log(
    fresh: Servers,
) -> None:
    config = "from jupyter_agent.server.delivery import writer\nwriter.WRITE_DEADLINE = 0.5"
    server, story = fresh.start(config=config, **census_options()), Story()
    async with producer(server, story.producer) as writer:
        await writer.published(story.start())
        place = Place(server, story.task, await _start(server))
        with _stalled(place, 10) as sockets:
            await asyncio.to_thread(until, lambda: _parked_or_gone(server) == len(sockets))
            while (await asyncio.to_thread(census, server)).tasks["jupyter-agent-writer"] > 1:
                await writer.published([story.event("log", TEXT) for _ in range(500)])
            for raw in sockets:
                assert _rest_of(raw) == TOO_SLOW
        await asyncio.to_thread(until, lambda: _parked_or_gone(server) == 0)
    assert not loud(server.log_text())


TOO_SLOW = b"\x88\x19" + struct.pack("!H", Close.TOO_SLOW) + b"this reader is too slow"


def _rest_of(raw: socket.socket) -> bytes:
    """What a reader gets that begins to read at last: the end of it."""
    end = b""
    while more := raw.recv(1 << 16):
        end = (end + more)[-len(TOO_SLOW) :]
        if end == TOO_SLOW:
            break
    return end
