"""The cost of one call inside a task, alone and beside a busy Python thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import jupyter_agent as ja

from .busy import Busy
from .harness import LINE, isolated
from .rows import Row, at_most

CALLS = 100_000
_LIMIT = "an empty Python function"


@dataclass(frozen=True)
class Cost:
    """Of one call, in us: processor time, and wall time on average and in the middle."""

    cpu: float
    mean: float
    median: float


def measure() -> list[Row]:
    with isolated() as base:
        files = _files(base)
        idle = _costs(files)
        with Busy():
            busy = _costs(files)
    return [
        _row("`ctx.log`, kernel idle, mean wall time", "log", idle, "mean"),
        _row("`ctx.log` beside a busy Python thread, CPU time", "log", busy, "cpu"),
        _row("`ctx.log` beside a busy Python thread, median wall time", "log", busy, "median"),
        _row(
            "`ctx.log` beside a busy Python thread, mean wall time",
            "log",
            busy,
            "mean",
            "the other thread has the interpreter for 5 ms at a time, and half of all time: beside it "
            f"an empty function costs {busy[_LIMIT].mean / idle[_LIMIT].mean:.2g} times what it costs alone",
        ),
        _row("`ctx.progress`", "progress", idle, "mean"),
    ]


def _row(what: str, name: str, costs: dict[str, Cost], which: str, note: str = "") -> Row:
    peers = {n: getattr(c, which) for n, c in costs.items() if n not in ("log", "progress")}
    target = at_most(4 if name == "log" else 0.5)
    return Row(what, getattr(costs[name], which), "µs", target, peers if name == "log" else {}, note)


def cost(call: Callable[[], object], calls: int) -> Cost:
    """Of *call*, from *calls* calls of it in this thread."""
    for _ in range(1000):
        call()
    cpu, start = time.thread_time(), time.perf_counter()
    for _ in range(calls):
        call()
    mean, cpu = time.perf_counter() - start, time.thread_time() - cpu
    clock, each = time.perf_counter_ns, []
    for _ in range(min(calls, CALLS) // 4):
        before = clock()
        call()
        each.append(clock() - before)
    return Cost(cpu / calls * 1e6, mean / calls * 1e6, median(each) / 1e3)


def _costs(files: dict[str, Callable[[], object]]) -> dict[str, Cost]:
    peers = {name: cost(call, CALLS // 2) for name, call in files.items()}
    return _in_task() | peers | {_LIMIT: cost(lambda: None, CALLS * 50)}


def _in_task() -> dict[str, Cost]:
    def body() -> dict[str, Cost]:
        ctx = ja.current()
        return {
            "log": cost(lambda: ctx.log(LINE), CALLS),
            "progress": cost(lambda: ctx.progress(1, 2), CALLS * 10),
        }

    found = ja.task(body, show=False).submit().result()
    assert isinstance(found, dict)
    return found


def _files(base: Path) -> dict[str, Callable[[], object]]:
    """Measure the alternatives: `logging` to a file, `print` to one."""
    log = logging.getLogger("bench")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(logging.FileHandler(base / "logging.log"))
    file = (base / "print.log").open("w", buffering=1)
    return {
        "`logging` to a file": lambda: log.info(LINE),
        "`print` to a line-buffered file": lambda: print(LINE, file=file),
    }
