"""What an item of a map and a task of its own cost in a pool of processes, beside the executor alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from typing import Any

import jupyter_agent as ja

from .harness import isolated
from .rows import Row, at_most

ITEMS = 1000
TASKS = 200
PROCESSES = 2
_ROUNDS = 3


def identity(n: int) -> int:
    """What every item and every task does."""
    return n


def measure() -> list[Row]:
    with isolated(), ProcessPoolExecutor(PROCESSES, get_context("fork")) as pool:
        task = ja.task(identity, on=pool, show=False)
        list(pool.map(identity, range(10)))  # the processes
        for run in [task.submit(n) for n in range(10)]:  # their producers
            run.result(60)
        plain_map = _per_call(lambda: list(pool.map(identity, range(ITEMS))), ITEMS)
        mapped = _per_call(lambda: ja.map(identity, range(ITEMS), on=pool).result(60), ITEMS)
        plain = _per_call(lambda: _all(pool.submit), TASKS)
        tasks = _per_call(lambda: _all(lambda _function, n: task.submit(n)), TASKS)
    what = f"an item of `ja.map(…, on=pool)`, {ITEMS:,} items on {PROCESSES} processes"
    return [
        Row(what, mapped, "µs", at_most(1000), {"`executor.map`": plain_map}),
        Row("a task of its own in such a pool", tasks, "µs", at_most(10_000), {"`executor.submit`": plain}),
    ]


def _all(submit: Callable[..., Any]) -> list[int]:
    return [one.result(60) for one in [submit(identity, n) for n in range(TASKS)]]


def _per_call(run: Callable[[], object], calls: int) -> float:
    """Microseconds of one of *calls*, in the middle of some rounds."""
    found = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        run()
        found.append((time.perf_counter() - start) / calls * 1e6)
    return median(found)
