"""What a progress bar costs each turn of a loop, in a real kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import jupyter_agent as ja

from .harness import isolated, timed
from .kernels import in_kernel
from .rows import Row, at_most

N = 2_000_000
_FEW = N // 100
"""Turns for what is so slow that all of them would take minutes."""

_TWENTIETH = 0.05
_RANGE = "`track` over a range, empty body"
_GENERATOR = "`track` over a generator"


def measure() -> list[Row]:
    """Ratios to the bare loop."""
    with isolated():
        found = in_kernel("tests.benchmarks.loops", "figures")
    ours, generator = found.pop("ours"), found.pop("ours, generator")
    generators = {"tqdm": found.pop("tqdm, generator")}
    note = "no Python code of ours runs for an item"
    return [
        Row(_RANGE, ours, "x the bare loop", at_most(1.2), found, note),
        Row(_GENERATOR, generator, "x the bare loop", at_most(3), generators),
    ]


def figures() -> dict[str, float]:
    """Runs in the kernel."""
    bare = timed(lambda: _consume(range(N)), 5)
    few = timed(lambda: _consume(range(_FEW)), 9)
    bare_generator = timed(lambda: _consume(_generator(N)), 5)
    return {
        "ours": _in_task(lambda: _consume(ja.track(range(N)))) / bare,
        "tqdm": timed(lambda: _consume(_tqdm(range(N)))) / bare,
        "rich": timed(lambda: _consume(_rich(range(N)))) / bare,
        "IntProgress, 20 times a second": timed(lambda: _consume(_throttled(range(N)))) / bare,
        "IntProgress, every item": timed(lambda: _consume(_every_item(range(_FEW))), 1) / few,
        "ours, generator": _in_task(lambda: _consume(ja.track(_generator(N), total=N))) / bare_generator,
        "tqdm, generator": timed(lambda: _consume(_tqdm(_generator(N)))) / bare_generator,
    }


def _consume(items: Iterable[int]) -> None:
    for _ in items:
        pass


def _generator(n: int) -> Iterator[int]:
    yield from range(n)


def _in_task(run: Callable[[], None]) -> float:
    seconds = ja.task(lambda: timed(run, 5), show=False, name="bench").submit().result()
    assert isinstance(seconds, float)
    return seconds


def _tqdm(items: Iterable[int]) -> Iterable[int]:
    from tqdm import tqdm

    bar: Iterable[int] = tqdm(items, total=N)
    return bar


def _rich(items: Iterable[int]) -> Iterable[int]:
    from rich.progress import track

    return track(items, total=N)


def _every_item(items: range) -> Iterator[int]:
    from ipywidgets import IntProgress

    bar = IntProgress(max=len(items))
    for item in items:
        yield item
        bar.value += 1


def _throttled(items: range) -> Iterator[int]:
    """By hand what a careful user writes: a look at the clock for each item."""
    from ipywidgets import IntProgress

    bar = IntProgress(max=len(items))
    due = 0.0
    for done, item in enumerate(items):
        yield item
        if time.monotonic() >= due:
            bar.value = done
            due = time.monotonic() + _TWENTIETH
    bar.value = len(items)
