"""The number of events a second that become durable."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

from jupyter_agent.core.events import Log
from jupyter_agent.system.ids import new_id

from .harness import LINE, isolated, kernel, server
from .rows import Row, at_least

EVENTS = 200_000
_ROW = "x" * 230
"""A line as long as one of our events."""


@dataclass(frozen=True)
class Ingested:
    """Events a second from the first emit to the last ack, and us of CPU for each event."""

    rate: float
    server: float
    producers: float


def measure() -> list[Row]:
    with isolated() as base:
        beside = {
            "sqlite3, one commit for each event": _sqlite(base / "each.sqlite", 2000, 1),
            "sqlite3, 1,000 a commit, one table, no index": _sqlite(base / "bare.sqlite", EVENTS, 1000),
        }
    one, eight = ingest(1), ingest(8)
    return [
        Row("durable ingest, one kernel", one.rate, "events/s", at_least(50_000), beside, _note(one)),
        Row("durable ingest, 8 producers", eight.rate, "events/s", at_least(100_000), beside, _note(eight)),
    ]


def _note(found: Ingested) -> str:
    return f"CPU of an event: {found.server:.3g} µs in the server, {found.producers:.3g} µs in its producer"


def ingest(producers: int, events: int = EVENTS) -> Ingested:
    """*events* from *producers* processes at once; their start is not counted."""
    context = multiprocessing.get_context("spawn")
    each = events // producers
    with server() as running:
        go, ready, spent = context.Event(), context.Queue(), context.Queue()
        workers = [
            context.Process(target=_produce, args=(each, go, ready, spent), daemon=True)
            for _ in range(producers)
        ]
        for worker in workers:
            worker.start()
        for _ in workers:
            ready.get(timeout=60)
        cpu, start = running.cpu, time.perf_counter()
        go.set()
        used = sum(spent.get(timeout=120) for _ in workers)
        seconds, cpu = time.perf_counter() - start, running.cpu - cpu
        for worker in workers:
            worker.join(30)
    total = each * producers
    return Ingested(total / seconds, cpu / total * 1e6, used / total * 1e6)


def _produce(
    events: int, go: Event, ready: multiprocessing.Queue[int], spent: multiprocessing.Queue[float]
) -> None:
    with kernel() as producer:
        task, line = new_id(), Log("stdout", LINE)
        ready.put(1)
        go.wait(60)
        start = time.process_time()
        for _ in range(events):
            producer.emit(task, 1, "log", line)
        assert producer.flush(100)
        spent.put(time.process_time() - start)


def _sqlite(path: Path, rows: int, batch: int) -> float:
    """Rows a second of SQLite alone, as durable as ours (WAL, full sync)."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE events (offset INTEGER PRIMARY KEY, body TEXT)")
    start = time.perf_counter()
    for _ in range(rows // batch):
        db.execute("BEGIN")
        db.executemany("INSERT INTO events (body) VALUES (?)", [(_ROW,)] * batch)
        db.execute("COMMIT")
    seconds = time.perf_counter() - start
    db.close()
    return rows / seconds
