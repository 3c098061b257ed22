"""The cost of a progress bar for each turn of a loop, in a real kernel."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator

import jupyter_agent as ja

from .harness import isolated
from .kernels import in_kernel
from .rows import Row, at_most

N = 2_000_000
_SHORT = N // 8
"""Turns for what costs next to nothing: the shorter a round, the sooner one meets no other process."""

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
    return (
        _ratios(
            {
                "bare": lambda: _consume(range(_SHORT)),
                "ours": _in_task(lambda: _consume(ja.track(range(_SHORT)))),
            },
            40,
        )
        | _ratios(
            {
                "bare": lambda: _consume(_generator(_SHORT)),
                "ours, generator": _in_task(lambda: _consume(ja.track(_generator(_SHORT), total=_SHORT))),
            },
            20,
        )
        | _ratios(
            {
                "bare": lambda: _consume(range(N)),
                "tqdm": lambda: _consume(_tqdm(range(N))),
                "rich": lambda: _consume(_rich(range(N))),
                "IntProgress, 20 times a second": lambda: _consume(_throttled(range(N))),
            },
            5,
        )
        | _ratios(
            {
                "bare": lambda: _consume(_generator(N)),
                "tqdm, generator": lambda: _consume(_tqdm(_generator(N))),
            },
            5,
        )
        | _ratios(
            {
                "bare": lambda: _consume(range(_FEW)),
                "IntProgress, every item": lambda: _consume(_every_item(range(_FEW))),
            },
            2,
        )
    )


def _ratios(loops: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """To ``bare``: the fastest of each, taken in turns, so that the machine's moods meet all of them."""
    seconds = dict.fromkeys(loops, math.inf)
    for _ in range(rounds):
        for name, loop in loops.items():
            seconds[name] = min(seconds[name], _seconds(loop))
    bare = seconds.pop("bare")
    return {name: each / bare for name, each in seconds.items()}


def _consume(items: Iterable[int]) -> None:
    for _ in items:
        pass


def _generator(n: int) -> Iterator[int]:
    yield from range(n)


def _seconds(loop: Callable[[], object]) -> float:
    """Return how long the loop takes; a task measures that itself."""
    start = time.perf_counter()
    told = loop()
    return told if isinstance(told, float) else time.perf_counter() - start


def _in_task(loop: Callable[[], None]) -> Callable[[], object]:
    """The loop inside a task; gives the seconds of the loop alone."""
    return lambda: ja.task(lambda: _seconds(loop), show=False, name="bench").submit().result()


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
