"""What a producer emits in a test, drawn from a seed, and the process that emits it.

As a script it is told ``{"do": "emit", "task": …, "seed": …, "events": …, "seconds": …}``, then
``{"do": "end", "task": …, "commands": …}`` (it ends once it got so many), one JSON object a line, any
number of times; each story has a producer of its own.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from random import Random
from typing import Any

from jupyter_agent.core.events import About, Data, Log, Message, Metric, Progress, Result, State, TaskState
from jupyter_agent.producer.producer import Producer
from jupyter_agent.protocol.messages import CommandOrder

Emitted = tuple[str, Data]
TIMEOUT = 60.0
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


class _Teller:
    """One story, its producer, and the commands that came for it."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._task = order["task"]
        self._producer = Producer()
        self._commands: list[str] = []
        self._came = threading.Condition()
        self._producer.on_command(self._task, self._take)
        self._producer.add_sampler(self._task, lambda: None)  # a running task: the spool is looked at often
        *self._events, self._end = story(order["seed"], order["events"])

    def tell(self, seconds: float) -> dict[str, Any]:
        """Emit all but the end within about so many seconds."""
        due = time.monotonic()
        for kind, data in self._events:
            self._producer.emit(self._task, 1, kind, data)
            due += seconds / len(self._events)
            if (early := due - time.monotonic()) > 0.001:
                time.sleep(early)
        return {"producer": self._producer.id}

    def end(self, commands: int) -> dict[str, Any]:
        """Wait for so many commands, emit the end, and wait until everything is committed."""
        with self._came:
            self._came.wait_for(lambda: len(self._commands) >= commands, TIMEOUT)
        self._producer.emit(self._task, 1, *self._end)
        self._producer.remove_sampler(self._task)
        flushed, acked = self._producer.flush(TIMEOUT), self._producer.forwarder.acked
        self._producer.close()
        return {"flushed": flushed, "acked": acked, "commands": self._commands}

    def _take(self, order: CommandOrder) -> None:
        with self._came:
            self._commands.append(str(order.args.get("text")))
            self._came.notify()


def main() -> None:
    """Carry out what standard input says."""
    teller: _Teller | None = None
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "emit":
            teller = _Teller(order)
            answer = teller.tell(order["seconds"])
        else:
            assert teller is not None
            answer = teller.end(order["commands"])
        os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
