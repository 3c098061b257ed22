"""Builders of ids, events and stories, and a Python process that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypedDict

import msgspec

import jupyter_agent
from jupyter_agent.core.events import (
    About,
    Data,
    Error,
    Event,
    Log,
    Metric,
    Progress,
    State,
    TaskState,
    encode_data,
)
from jupyter_agent.core.ids import ulid

PACKAGE_ROOT = Path(jupyter_agent.__file__).parent.parent
TASK, OTHER_TASK = ulid(1_700_000_000, b"task-one.."), ulid(1_700_000_001, b"task-two..")
PRODUCER, STRANGER = ulid(1_700_000_002, b"producer.."), ulid(1_700_000_003, b"stranger..")
HOLDER = ulid(1_700_000_004, b"holder....")


class Origin(TypedDict):
    """Task and producer of an event, as arguments of `event`, `state` and `story`."""

    task: str
    producer: str


def task_id(number: int) -> str:
    """A ULID for each *number*, growing with it."""
    return ulid(1_600_000_000 + number, b"numbered..")


def event(
    n: int = 1,
    kind: str = "log",
    data: Data | bytes | None = None,
    *,
    task: str = TASK,
    attempt: int = 1,
    producer: str = PRODUCER,
    time: float | None = None,
) -> Event:
    """An event with something plausible in every field that is not given."""
    if data is None:
        data = _plausible(kind, n)
    raw = msgspec.Raw(data) if isinstance(data, bytes) else encode_data(data)
    return Event(task, attempt, producer, n, 1000.0 + n if time is None else time, kind, raw)


def _plausible(kind: str, n: int) -> Data | bytes:
    match kind:
        case "log":
            return Log("stdout", f"line {n}\n")
        case "metric":
            return Metric("loss", 1 / n, n)
        case "progress":
            return Progress(n, 100)
        case _:
            return b"{}"


def state(
    n: int, to: TaskState, *, about: str | None = None, delegate: str | None = None, **where: Any
) -> Event:
    """A state event; *about* is the task's name, *delegate* the producer that will run it."""
    data = State(
        to,
        about=About(about) if about else None,
        producer=delegate,
        error=Error("ValueError", "no", "Traceback ...") if to is TaskState.FAILED else None,
    )
    return event(n, "state", data, **where)


def story(*, task: str = TASK, producer: str = PRODUCER, logs: int = 3, end: bool = True) -> list[Event]:
    """A whole attempt: queued, running, some logs, completed."""
    origin = Origin(task=task, producer=producer)
    events = [state(1, TaskState.QUEUED, about="train", **origin), state(2, TaskState.RUNNING, **origin)]
    events += [event(n, **origin) for n in range(3, 3 + logs)]
    return [*events, state(3 + logs, TaskState.COMPLETED, **origin)] if end else events


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Look at *condition* until it is true; its value. Fails after *seconds*."""
    deadline = monotonic() + seconds
    while not (value := condition()):
        assert monotonic() < deadline, f"waited {seconds} s in vain"
        sleep(0.002)
    return value


@contextmanager
def python(code: str, *arguments: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs *code* with pipes; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
        **options,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        try:
            yield process
        finally:
            process.kill()
            process.wait()
