"""How fast events reach sockets: latency under load, burst, replay, memory per connection."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

import msgspec
import psutil
import tornado.web
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, websocket_connect

from jupyter_agent.core.events import Log
from jupyter_agent.places import new_id
from jupyter_agent.producer.producer import Producer

from .harness import TOKEN, Row, Server, percentiles, server


class _Times(msgspec.Struct):
    time: float


class _Frame(msgspec.Struct):
    type: str
    events: list[_Times] = []


_frame = msgspec.json.Decoder(_Frame)


async def _connect(running: Server, after: str | None = None) -> WebSocketClientConnection:
    request = HTTPRequest(running.websocket, headers={"Authorization": f"token {TOKEN}"})
    socket = await websocket_connect(
        request, subprotocols=["v1.events.jupyter-agent"], max_message_size=1 << 26
    )
    await socket.write_message('{"type":"hello","versions":[1]}')
    await socket.read_message()
    subscribe = {"type": "subscribe", "id": 1, "tasks": "*", "after": after}
    await socket.write_message(json.dumps(subscribe))
    await socket.read_message()
    return socket


async def _connect_many(running: Server, count: int) -> list[WebSocketClientConnection]:
    return [await _connect(running) for _ in range(count)]


async def _receive(socket: WebSocketClientConnection, wanted: int, seen: Callable[[_Times], None]) -> None:
    got = 0
    while got < wanted:
        frame = await socket.read_message()
        assert frame is not None
        message = _frame.decode(frame)
        if message.type == "events":
            got += len(message.events)
            for event in message.events:
                seen(event)


def latency() -> list[Row]:
    """100 clients, 100 events a second, 5 seconds; clients and server share the machine's cores."""
    clients, events = 100, 500
    waits: list[float] = []

    async def run(running: Server, producer: Producer) -> None:
        sockets = await _connect_many(running, clients)
        readers = [
            asyncio.create_task(_receive(s, events, lambda e: waits.append((time.time() - e.time) * 1e3)))
            for s in sockets
        ]
        task = new_id()
        for _ in range(events):
            producer.emit(task, 1, "log", Log("stdout", "one line"))
            await asyncio.sleep(0.01)
        await asyncio.gather(*readers)
        for socket in sockets:
            socket.close()

    _with_producer(run)
    p50, p99 = percentiles(waits)
    return [
        Row(
            "emit -> socket, 100 clients x 100 events/s, p50", p50, "ms", "<= 10", {}, "client side included"
        ),
        Row("emit -> socket, 100 clients x 100 events/s, p99", p99, "ms", "<= 60"),
    ]


def _with_producer(run: Callable[[Server, Producer], Awaitable[None]]) -> None:
    with server() as running:
        producer = Producer()
        assert producer.forwarder.wait_until_up(10)
        producer.add_sampler("bench", lambda: None)

        async def main() -> None:
            await run(running, producer)

        asyncio.run(main())
        producer.close()


def burst() -> list[Row]:
    """200 subscribers, 20,000 events at once: delivered events for each second of the server's CPU."""
    clients, events = 200, 20_000
    figures: dict[str, float] = {}

    async def run(running: Server, producer: Producer) -> None:
        sockets = await _connect_many(running, clients)
        drains = [asyncio.create_task(_drain(socket, events)) for socket in sockets]
        process = psutil.Process(running.process.pid)
        before = sum(process.cpu_times()[:2])
        task = new_id()
        for _ in range(events):
            producer.emit(task, 1, "log", Log("stdout", "one line of ordinary length"))
        await asyncio.gather(*drains)
        figures["ours"] = clients * events / (sum(process.cpu_times()[:2]) - before)
        for socket in sockets:
            socket.close()

    _with_producer(run)
    naive = asyncio.run(_naive_tornado(50, 1000))
    note = "per second of server CPU, ingest and commit included"
    return [
        Row(
            "delivered events/s, burst, 200 subscribers",
            figures["ours"],
            "events/s",
            ">= 1,000,000",
            {"naive Tornado loop": naive},
            note,
        )
    ]


async def _drain(socket: WebSocketClientConnection, wanted: int) -> None:
    got = 0
    while got < wanted:
        frame = await socket.read_message()
        assert isinstance(frame, str)
        got += frame.count('{"offset":')


class _Naive(WebSocketHandler):
    everybody: ClassVar[set[_Naive]] = set()

    def open(self) -> None:
        self.everybody.add(self)

    def on_message(self, message: str | bytes) -> None:
        return None


async def _naive_tornado(clients: int, events: int) -> float:
    """What a loop of `write_message` over all connections delivers, one event a message."""
    app = tornado.web.Application([("/ws", _Naive)])
    http = app.listen(0, "127.0.0.1")
    port = next(iter(http._sockets.values())).getsockname()[1]
    sockets = [await websocket_connect(f"ws://127.0.0.1:{port}/ws") for _ in range(clients)]
    event = {"offset": 1, "task": new_id(), "type": "log", "data": {"text": "one line of ordinary length"}}
    start = time.process_time()
    for _ in range(events):
        await asyncio.gather(*(peer.write_message(json.dumps(event)) for peer in _Naive.everybody))
    spent = time.process_time() - start
    for socket in sockets:
        socket.close()
    http.stop()
    return clients * events / spent


def replay() -> list[Row]:
    """100,000 stored events to one client that asks for everything."""
    events = 100_000
    seconds: list[float] = []

    async def run(running: Server, producer: Producer) -> None:
        task = new_id()
        for _ in range(events):
            producer.emit(task, 1, "log", Log("stdout", "one line of ordinary length"))
        await asyncio.to_thread(producer.flush, 60)
        head = await _head(running)
        start = time.perf_counter()
        socket = await _connect(running, after=head.partition(":")[0] + ":0")
        await _drain(socket, events)
        seconds.append(time.perf_counter() - start)
        socket.close()

    _with_producer(run)
    return [Row("replay of 100,000 events to one client", seconds[0], "s", "<= 1")]


async def _head(running: Server) -> str:
    socket = await websocket_connect(
        HTTPRequest(running.websocket, headers={"Authorization": f"token {TOKEN}"}),
        subprotocols=["v1.events.jupyter-agent"],
    )
    await socket.write_message('{"type":"hello","versions":[1]}')
    cursor = json.loads(str(await socket.read_message()))["cursor"]
    socket.close()
    return str(cursor)


def memory() -> list[Row]:
    """What 500 idle subscribers add to the server's resident set."""
    count = 500

    async def run(running: Server) -> float:
        process = psutil.Process(running.process.pid)
        warm = await _connect_many(running, 50)
        before = process.memory_info().rss
        sockets = await _connect_many(running, count)
        used = process.memory_info().rss - before
        for socket in [*warm, *sockets]:
            socket.close()
        return used / count / 1024

    with server() as running:
        kib = asyncio.run(run(running))
    return [Row("memory per idle connection", kib, "KiB", "<= 20")]
