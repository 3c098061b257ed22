"""The cost of more sockets, more tasks and more producers."""

from __future__ import annotations

from itertools import cycle

from jupyter_agent.core.events import Log
from jupyter_agent.producer.producer import Producer
from jupyter_agent.system.ids import new_id

from .audience import Audience, AudienceSpec
from .fanout import ours, under_load
from .growth import Curve, Growth
from .harness import LINE, Server, kernel, server
from .ingest import ingest

_MAX_DELIVERIES = 10_000
_SECONDS = 3
_TASK_EVENTS = 20_000


def sockets(_long: bool) -> Growth:
    """Up to 1,000 sockets that follow everything, at 100 events/s or 10,000 deliveries/s."""
    points = {}
    for count in (1, 3, 10, 30, 100, 300, 1000):
        with ours() as stage:
            heard, cost = under_load(stage, count, min(100, _MAX_DELIVERIES / count), _SECONDS)
            points[count] = {
                "server CPU for each delivery, µs": cost,
                "p50, ms": heard.p50,
                "p99, ms": heard.p99,
                "server RSS, MiB": stage.process.rss / 2**20,
            }
    return Growth(
        "sockets",
        points,
        (
            Curve("CPU for each delivered event", "µs", {"server": "server CPU for each delivery, µs"}),
            Curve("emit → socket", "ms", {"p50": "p50, ms", "p99": "p99, ms"}),
        ),
        "Server CPU for each delivered event, and latency, from 1 to 1,000 sockets",
    )


def tasks(_long: bool) -> Growth:
    """20,000 events of one kernel, spread over up to 1,000 tasks, and who follows them."""
    points = {}
    for count in (1, 10, 100, 1000):
        names = [new_id() for _ in range(count)]
        points[count] = {
            "no socket, µs": _commit_cost(names, 0, []),
            "one socket follows all, µs": _commit_cost(names, 1, []),
            "a socket for each task, µs": _commit_cost(names, count, names),
        }
    lines = {
        "no socket": "no socket, µs",
        "all": "one socket follows all, µs",
        "each": "a socket for each task, µs",
    }
    return Growth(
        "tasks",
        points,
        (Curve("CPU for each event ingested", "µs of the server", lines),),
        "Server CPU for each event ingested, from 1 to 1,000 tasks",
    )


def _commit_cost(tasks: list[str], sockets: int, followed: list[str]) -> float:
    """us of server CPU for each event, to the last commit and the last delivery."""
    heard_by_each = _TASK_EVENTS // len(followed) if followed else _TASK_EVENTS
    with server() as running, kernel() as producer:
        if not sockets:
            return _emitted(running, producer, tasks)
        spec = AudienceSpec(running.endpoint, sockets, heard_by_each, timed=False, tasks=followed)
        with Audience(spec) as audience:
            before = running.cpu
            _emitted(running, producer, tasks)
            audience.heard()
            return (running.cpu - before) / _TASK_EVENTS * 1e6


def _emitted(running: Server, producer: Producer, tasks: list[str]) -> float:
    before, line = running.cpu, Log("stdout", LINE)
    for task, _ in zip(cycle(tasks), range(_TASK_EVENTS), strict=False):
        producer.emit(task, 1, "log", line)
    if not producer.flush(60):
        raise TimeoutError("the events were not committed within 60 s")
    return (running.cpu - before) / _TASK_EVENTS * 1e6


def producers(_long: bool) -> Growth:
    """100,000 events from up to 16 processes at once."""
    points = {}
    for count in (1, 2, 4, 8, 16):
        found = ingest(count, 100_000)
        points[count] = {
            "events/s": found.rate,
            "server CPU for each event, µs": found.server,
            "producer CPU for each event, µs": found.producers,
        }
    costs = {"server": "server CPU for each event, µs", "producer": "producer CPU for each event, µs"}
    return Growth(
        "producers",
        points,
        (
            Curve("durable ingest", "events/s", {"all producers together": "events/s"}),
            Curve("CPU for each event", "µs", costs),
        ),
        "Durable events a second, and what each costs, from 1 to 16 producers",
    )
