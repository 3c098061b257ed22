"""How fast events reach sockets, and what that costs the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jupyter_agent.core.events import Log
from jupyter_agent.places import new_id

from .audience import Audience, Heard, Wanted
from .frames import Door
from .harness import LINE, Process, isolated, kernel, paced, server
from .rivals import RIVALS, present, running
from .rows import Row, at_least, at_most

CLIENTS = 100
RATE = 100
SECONDS = 5


@dataclass(frozen=True)
class Stage:
    """A server to measure: its socket, its process, and how one event gets into it."""

    name: str
    door: Door
    process: Process
    say: Callable[[], object]


@contextmanager
def ours() -> Iterator[Stage]:
    """Our server, with this process as the kernel."""
    with server() as running, kernel() as producer:
        task = new_id()
        yield Stage(
            "ours", running.door, running, lambda: producer.emit(task, 1, "log", Log("stdout", LINE))
        )


def stages() -> Iterator[Stage]:
    """Ours, then each rival that is installed."""
    with ours() as stage:
        yield stage
    for rival in present():
        with isolated() as base, running(rival, base) as found:
            yield Stage(rival.name, found.door, found, found.say)


def under_load(stage: Stage, clients: int, rate: float, seconds: float) -> tuple[Heard, float]:
    """What *clients* heard of *rate* events a second, and the server's CPU for each delivery, in us."""
    events = int(rate * seconds)
    with Audience(Wanted(stage.door, clients, events, seconds + 20)) as audience:
        before = stage.process.cpu
        paced(events, rate, stage.say)
        heard = audience.heard()
        return heard, (stage.process.cpu - before) / max(1, heard.deliveries) * 1e6


def latency() -> list[Row]:
    """100 sockets, 100 events a second: 10,000 deliveries a second."""
    found = {stage.name: under_load(stage, CLIENTS, RATE, SECONDS) for stage in stages()}
    heard, cost = found.pop("ours")
    note = f"{heard.load}; {heard.missing} missing"
    what = f"emit → socket, {CLIENTS} clients × {RATE} events/s"
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
