"""How many events a second become durable."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from pathlib import Path

from jupyter_agent.core.events import Log
from jupyter_agent.places import new_id
from jupyter_agent.producer.producer import Producer

from .harness import Row, isolated, server

EVENTS = 100_000


def _produce(events: int) -> None:
    producer = Producer()
    assert producer.forwarder.wait_until_up(20)
    producer.add_sampler("bench", lambda: None)
    task = new_id()
    for _ in range(events):
        producer.emit(task, 1, "log", Log("stdout", "one line of ordinary length"))
    assert producer.flush(120)
    producer.close()


def _one() -> float:
    with server():
        producer = Producer()
        assert producer.forwarder.wait_until_up(20)
        producer.add_sampler("bench", lambda: None)
        task = new_id()
        start = time.perf_counter()
        for _ in range(EVENTS):
            producer.emit(task, 1, "log", Log("stdout", "one line of ordinary length"))
        assert producer.flush(120)
        seconds = time.perf_counter() - start
        producer.close()
    return EVENTS / seconds


def _many(count: int) -> float:
    """Start-up of the processes is not counted: the journal's own clock is read."""
    each = 2 * EVENTS // count
    context = multiprocessing.get_context("spawn")
    with server() as running:
        workers = [context.Process(target=_produce, args=(each,)) for _ in range(count)]
        for worker in workers:
            worker.start()
        first = last = None
        while last is None:
            head = _head(running.url)
            first = first or (time.perf_counter() if head else None)
            last = time.perf_counter() if head >= each * count else None
            time.sleep(0.02)
        for worker in workers:
            worker.join()
    assert first is not None
    return each * count / (last - first)


def _head(url: str) -> int:
    import json
    import urllib.request

    from .harness import TOKEN

    request = urllib.request.Request(
        f"{url}jupyter-agent/health", headers={"Authorization": f"token {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(json.load(answer)["journal"]["head"])


def _bare_sqlite(base: Path) -> float:
    """SQLite alone: rows of the same size, transactions of 1,000, full sync."""
    db = sqlite3.connect(base / "bare.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE events (offset INTEGER PRIMARY KEY, body TEXT)")
    body = "x" * 180
    start = time.perf_counter()
    for _ in range(EVENTS // 1000):
        db.execute("BEGIN")
        db.executemany("INSERT INTO events (body) VALUES (?)", [(body,)] * 1000)
        db.execute("COMMIT")
    seconds = time.perf_counter() - start
    db.close()
    return EVENTS / seconds


def measure() -> list[Row]:
    with isolated() as base:
        bare = _bare_sqlite(base)
    beside = {"SQLite alone, one table, no index": bare}
    return [
        Row("durable ingest, one kernel", _one(), "events/s", ">= 50,000", beside),
        Row(
            "durable ingest, 8 producers",
            _many(8),
            "events/s",
            ">= 100,000",
            beside,
            "2 cores for 9 processes",
        ),
    ]
