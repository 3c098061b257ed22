"""The rate at which events reach sockets, and what that costs the server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jupyter_agent.core.events import Log
from jupyter_agent.system.ids import new_id

from .audience import MARK, Audience, AudienceSpec, Heard, greet
from .frames import Endpoint, dial
from .harness import LINE, Process, isolated, kernel, paced, server
from .rivals import Rival, present, running
from .rows import Row, at_least, at_most

CLIENTS = 100
RATE = 100
SECONDS = 5


@dataclass(frozen=True)
class Stage:
    """A server to measure: its socket, its process, and how one event gets into it."""

    name: str
    endpoint: Endpoint
    process: Process
    say: Callable[[], object]


@contextmanager
def ours() -> Iterator[Stage]:
    """Our server, with this process as the kernel."""
    with server() as running, kernel() as producer:
        task = new_id()
        yield Stage(
            "ours", running.endpoint, running, lambda: producer.emit(task, 1, "log", Log("stdout", LINE))
        )


def stages() -> Iterator[Stage]:
    """Ours, then each rival that is installed."""
    with ours() as stage:
        yield stage
    for rival in present():
        with isolated() as base, running(rival, base) as found:
            yield Stage(rival.name, found.endpoint, found, found.say)


def under_load(stage: Stage, clients: int, rate: float, seconds: float) -> tuple[Heard, float]:
    """Return the deliveries of *rate* events a second to *clients*, and the server's CPU for each, in us."""
    events = int(rate * seconds)
    with Audience(AudienceSpec(stage.endpoint, clients, events, seconds + 20)) as audience:
        before = stage.process.cpu
        paced(events, rate, stage.say)
        heard = audience.heard()
        return heard, (stage.process.cpu - before) / max(1, heard.deliveries) * 1e6


def latency() -> list[Row]:
    """100 sockets, 100 events a second: 10,000 deliveries a second."""
    found = {stage.name: under_load(stage, CLIENTS, RATE, SECONDS) for stage in stages()}
    heard, cost = found.pop("ours")
    note = f"{heard.load}; {heard.missing} missing"
    what = f"emit → socket, {CLIENTS} clients x {RATE} events/s"
    return [
        Row(f"{what}, p50", heard.p50, "ms", at_most(10), {n: h.p50 for n, (h, _) in found.items()}, note),
        Row(
            f"{what}, p99",
            heard.p99,
            "ms",
            at_most(60),
            {n: h.p99 for n, (h, _) in found.items()},
            "ours is committed to disk before it is sent; the others keep nothing",
        ),
        Row(
            "server CPU for each delivered event, same load",
            cost,
            "µs",
            None,
            {n: c for n, (_, c) in found.items()},
            "ours: ingest and commit included",
        ),
    ]


def burst() -> list[Row]:
    """200 subscribers, events as fast as they can be published: deliveries for each second of server CPU."""
    found = {}
    for stage in stages():
        events = 20_000 if stage.name == "ours" else 500
        with Audience(AudienceSpec(stage.endpoint, 200, events, 90, timed=False)) as audience:
            before = stage.process.cpu
            for _ in range(events):
                stage.say()
            heard = audience.heard()
            found[stage.name] = heard.deliveries / (stage.process.cpu - before)
    value = found.pop("ours")
    note = "for each second of server CPU; ours: ingest and commit included"
    what = "delivered events/s on one core, burst, 200 subscribers"
    return [Row(what, value, "events/s", at_least(1_000_000), found, note)]


def memory() -> list[Row]:
    """Measure what 500 idle subscribers add to the server's resident set."""
    found = {stage.name: _memory(stage) for stage in stages()}
    value = found.pop("ours")
    what = "memory per idle connection"
    return [Row(what, value, "KiB", at_most(20), found, "resident set of the server, 500 connections")]


def _memory(stage: Stage) -> float:
    with Audience(AudienceSpec(stage.endpoint, 50, 1)):
        before = stage.process.rss
        with Audience(AudienceSpec(stage.endpoint, 500, 1)):
            return (stage.process.rss - before) / 500 / 1024


def replay() -> list[Row]:
    """100,000 stored events to one client that asks for everything."""
    events = 100_000
    with server() as running, kernel() as producer:
        task = new_id()
        for _ in range(events):
            producer.emit(task, 1, "log", Log("stdout", LINE))
        if not producer.flush(60):
            raise TimeoutError("the events were not committed within 60 s")
        seconds = resume(running.endpoint, f"{head(running.endpoint).partition(':')[0]}:0", events)
    peers = {f"{rival.name}, live": _one_by_one(rival, events // 10) * 10 for rival in present()}
    note = "the others keep nothing to replay: the same events sent and received one by one, from a tenth"
    return [Row("replay of 100,000 events to one client", seconds, "s", at_most(1), peers, note)]


def _one_by_one(rival: Rival, events: int) -> float:
    with (
        isolated() as base,
        running(rival, base) as found,
        Audience(AudienceSpec(found.endpoint, 1, events, timed=False)) as audience,
    ):
        for _ in range(events):
            found.say()
        return audience.heard().seconds


def resume(endpoint: Endpoint, after: str, events: int) -> float:
    """Seconds from connecting until *events* events after the cursor *after* have come."""
    start = time.perf_counter()
    wire = dial(endpoint)
    greet(wire, "ours", "*", after)
    got, rest = wire.left.count(MARK), wire.left[1 - len(MARK) :]
    while got < events:
        data = rest + wire.socket.recv(1 << 18)
        got += data.count(MARK)
        rest = data[1 - len(MARK) :]
    wire.close()
    return time.perf_counter() - start


def head(endpoint: Endpoint) -> str:
    """The cursor of the journal's newest event."""
    wire = dial(endpoint)
    wire.send('{"type":"hello","versions":[1]}')
    welcome = json.loads(wire.frame())
    wire.close()
    return str(welcome["cursor"])
