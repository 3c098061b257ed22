"""Real tasks for processes that will be killed: they write down what they have logged, after each line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from tests.faults.tally import Tally
from tests.support.builders import until
from tests.support.kernels import ENDS, Written
from tests.support.servers import Server, environment

WORK = """
import os, sys, time
import jupyter_agent as ja
from jupyter_agent.producer.producer import current_producer

def work(path, pause=0.002, count=None):
    context, producer = ja.current(), current_producer()
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(out, f"{context.id} {os.getpid()} {producer.id} {producer.journal}\\n".encode())
    number = 0
    while count is None or number < count:
        context.log(f"line {number}\\n")
        os.write(out, b"%d\\n" % number)
        context.progress(number)
        number += 1
        time.sleep(pause)
    os.write(out, b"end\\n")

def begin(paths):
    return [ja.task(work, name="works", on=on, show=False).submit(path) for path, on in paths.items()]
"""
"""Defines ``begin({path: "thread" | "process"})``; the work goes on until its process dies."""

WITHIN = 30.0
"""Seconds within which a death must be told; how long it took is in the report."""


def begin(paths: Mapping[Path, str]) -> str:
    """The code that starts tasks which write to *paths*."""
    return f"{WORK}\nhandles = begin({ {str(path): on for path, on in paths.items()} })"


@contextmanager
def boss(server: Server, paths: Mapping[Path, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A plain script that runs these tasks; gone at the end."""
    code = f"{begin(paths)}\nfor handle in handles: handle.wait()\nsys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment(server.home, server.agent),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def wait_lines(written: Written, more: int, seconds: float = 60.0) -> None:
    """Until it has emitted so many lines more."""
    wanted = max(_rows(written), 1) + more
    until(lambda: _rows(written) >= wanted, seconds)


def _rows(written: Written) -> int:
    """How many rows there are: the lines, and one that says who writes."""
    return written.path.read_bytes().count(b"\n") if written.path.exists() else 0


def story_of(server: Server, written: Written, state: str, tally: Tally) -> tuple[int, float]:
    """Wait until the task is in *state* and compare its whole story; how many lines it has, and the wait."""
    begun = monotonic()
    until(lambda: (server.task(written.task) or {}).get("state") == state, WITHIN)
    took = monotonic() - begun
    events = server.events(written.task)
    lines = [event["data"]["text"] for event in events if event["type"] == "log"]
    emitted = written.lines
    wrong = _wrong(emitted, lines)
    tally.lost += len(set(emitted) - set(lines))
    tally.doubled += len(lines) - len(set(lines))
    assert wrong is None, wrong
    ends = [e["data"]["state"] for e in events if e["type"] == "state" and e["data"]["state"] in ENDS]
    assert ends == [state], f"the ends of {written.task} are {ends}, not one: {state}"
    assert events[-1]["type"] == "state", f"after the end of {written.task} comes {events[-1]}"
    return len(lines), took


def _wrong(emitted: list[str], lines: list[str]) -> str | None:
    """One line more than was written down is the one whose emit had returned when the process died."""
    if lines[: len(emitted)] != emitted:
        first = next(i for i, line in enumerate(emitted) if lines[i : i + 1] != [line])
        return (
            f"of {len(emitted)} emitted lines the journal has {len(lines)}; the first that differs is {first}"
        )
    if lines != [f"line {number}\n" for number in range(len(lines))] or len(lines) > len(emitted) + 1:
        return f"the journal has lines that nobody emitted: {lines[len(emitted) :][:3]}"
    return None
