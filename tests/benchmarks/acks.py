"""Latency from an event to its acknowledged commit."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from statistics import median

from jupyter_agent.core.events import Log
from jupyter_agent.producer.producer import Producer
from jupyter_agent.system.ids import new_id

from .busy import Busy
from .harness import LINE, kernel, paced, percentile, server
from .rows import Row, at_most

RATE = 200
SECONDS = 4
_ECHO = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
peer, _ = server.accept()
while data := peer.recv(65536):
    peer.sendall(data)
"""


def measure() -> list[Row]:
    """200 events a second; the time of an ack is when the forwarder's thread reads it."""
    with server(), kernel() as producer:
        acks(producer, 0.5)
        idle = acks(producer, SECONDS)
        with Busy():
            busy = acks(producer, SECONDS)
    echo = _echoes()
    with Busy():
        busy_echo = _echoes()
    note = f"syncing 4 KiB to this disk takes {_sync_time():.2g} ms (median)"
    return [
        _row("emit → committed ack, idle, p50", idle, 0.5, echo, None, note),
        _row("emit → committed ack, idle, p99", idle, 0.99, echo, 25, note),
        _row("emit → committed ack, beside a busy cell, p50", busy, 0.5, busy_echo, None, note),
        _row("emit → committed ack, beside a busy cell, p99", busy, 0.99, busy_echo, 50, note),
    ]


def _row(what: str, ours: list[float], q: float, echo: list[float], bound: float | None, note: str) -> Row:
    limit = {"the machine's limit: a bare echo by asyncio in a thread": percentile(echo, q)}
    return Row(what, percentile(ours, q), "ms", at_most(bound) if bound else None, limit, note)


def acks(producer: Producer, seconds: float) -> list[float]:
    """Return the time from each event to its ack, in ms."""
    task, sent, done = new_id(), {}, {}
    free = producer.spool.free

    def freed(upto: int) -> None:
        done[upto] = time.perf_counter()
        free(upto)

    def emit() -> None:
        before = time.perf_counter()
        sent[producer.emit(task, 1, "log", Log("stdout", LINE))] = before

    producer.spool.free = freed  # type: ignore[method-assign]
    try:
        paced(int(seconds * RATE), RATE, emit)
        if not producer.flush(10):
            raise TimeoutError("no acknowledgement within 10 s")
    finally:
        producer.spool.free = free  # type: ignore[method-assign]
    return _waits(sent, done)


def _waits(sent: dict[int, float], done: dict[int, float]) -> list[float]:
    """An ack is for everything up to its number."""
    waits, acked = [], sorted(done)
    at = 0
    for n in sorted(sent):
        while acked[at] < n:
            at += 1
        waits.append((done[acked[at]] - sent[n]) * 1e3)
    return waits


def _echoes() -> list[float]:
    """Round trips to a process that sends back what it gets, from an asyncio loop in a thread; in ms."""
    found: list[float] = []
    with subprocess.Popen([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdout is not None
        port = int(peer.stdout.readline())
        thread = threading.Thread(target=lambda: asyncio.run(_ask(port, found)))
        thread.start()
        thread.join()
    return found


async def _ask(port: int, found: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(SECONDS * RATE // 2):
        start = time.perf_counter()
        writer.write(LINE.encode())
        await reader.readexactly(len(LINE))
        found.append((time.perf_counter() - start) * 1e3)
        await asyncio.sleep(1 / RATE)
    writer.close()


def _sync_time() -> float:
    with tempfile.NamedTemporaryFile() as file:
        times = []
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - start) * 1e3)
    return median(times)
