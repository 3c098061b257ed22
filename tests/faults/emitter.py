"""What a producer emits in a test, drawn from a seed, and the process that emits it.

As a script it is told ``{"do": "emit", "task": …, "seed": …, "events": …, "seconds": …}``, then
``{"do": "flush"}``, one JSON object a line, any number of times; each story has a producer of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from random import Random
from typing import Any

from jupyter_agent.core.events import About, Data, Log, Message, Metric, Progress, Result, State, TaskState
from jupyter_agent.producer.producer import Producer

Emitted = tuple[str, Data]
PATIENCE = 60.0
"""Seconds that a flush may take before it counts as failed; reconnecting waits 15 s at most."""


def story(seed: int, events: int) -> Iterator[Emitted]:
    """Kind and payload of each event of a task: queued, running, *events* of all sorts, completed."""
    chance = Random(seed)
    yield "state", State(TaskState.QUEUED, about=About(f"story {seed}"))
    yield "state", State(TaskState.RUNNING)
    for number in range(events):
        yield _one(chance, number)
    yield "progress", Progress(events, events)
    yield "state", State(TaskState.COMPLETED, result=Result("None"))


def _one(chance: Random, number: int) -> Emitted:
    match chance.choices(("log", "long", "metric", "message", "progress"), (60, 2, 15, 13, 10))[0]:
        case "log":
            return "log", Log("stdout", f"line {number}: " + "é\u2028x" * chance.randrange(10) + "\n")
        case "long":
            return "log", Log("stderr", f"line {number}: {'long ' * chance.randrange(20_000)}\n")
        case "metric":
            return "metric", Metric("loss", chance.random(), number)
        case "message":
            return "message", Message("assistant", f"word {number} ", "one message", delta=True)
        case _:
            return "progress", Progress(number)


def _emit(producer: Producer, order: dict[str, Any]) -> int:
    """Emit the whole story within about so many seconds; the last number."""
    task, last = order["task"], 0
    pause = order["seconds"] / (order["events"] + 1)
    due = time.monotonic()
    for kind, data in story(order["seed"], order["events"]):
        last = producer.emit(task, 1, kind, data)
        due += pause
        if (early := due - time.monotonic()) > 0.001:
            time.sleep(early)
    return last


def main() -> None:
    """Carry out what standard input says."""
    producer: Producer | None = None
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "emit":
            producer = Producer()
            producer.add_sampler(order["task"], lambda: None)  # a running task: the spool is looked at often
            answer = {"last": _emit(producer, order), "producer": producer.id}
        else:
            assert producer is not None
            producer.remove_sampler(order["task"])
            answer = {"flushed": producer.flush(PATIENCE), "acked": producer.forwarder.acked}
            producer.close()
            producer = None
        os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
