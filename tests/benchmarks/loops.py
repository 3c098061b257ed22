"""What a progress bar costs each turn of a loop."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import jupyter_agent as ja

from .harness import Row, best, isolated

N = 2_000_000


def _consume(items: Iterable[int]) -> None:
    for _ in items:
        pass


def _generator(n: int) -> Iterator[int]:
    yield from range(n)


def _in_task(run: Callable[[], None]) -> float:
    def timed() -> float:
        return best(run, 3)

    seconds = ja.task(timed, show=False).submit().result()
    assert isinstance(seconds, float)
    return seconds


def _tqdm(items: Iterable[int], total: int) -> Iterable[int]:
    from tqdm import tqdm

    return tqdm(items, total=total, file=io.StringIO())


def _rich(items: Iterable[int], total: int) -> Iterable[int]:
    from rich.console import Console
    from rich.progress import track

    return track(items, total=total, console=Console(file=io.StringIO(), force_terminal=True))


def _widget(items: Iterable[int], total: int) -> Iterable[int]:
    from ipywidgets import IntProgress

    bar = IntProgress(max=total)
    for item in items:
        yield item
        bar.value += 1


def measure() -> list[Row]:
    with isolated():
        bare = best(lambda: _consume(range(N)), 3)
        ours = _in_task(lambda: _consume(ja.track(range(N))))
        small = N // 40
        beside = {
            "tqdm": best(lambda: _consume(_tqdm(range(N), N)), 3) / bare,
            "rich": best(lambda: _consume(_rich(range(N), N)), 3) / bare,
            "IntProgress": best(lambda: _consume(_widget(range(small), small)), 1) / (bare * small / N),
        }
        bare_generator = best(lambda: _consume(_generator(N)), 3)
        ours_generator = _in_task(lambda: _consume(ja.track(_generator(N), total=N)))
        tqdm_generator = best(lambda: _consume(_tqdm(_generator(N), N)), 3) / bare_generator
    return [
        Row("`track` over a range, empty body", ours / bare, "x the bare loop", "<= 1.2", beside),
        Row(
            "`track` over a generator",
            ours_generator / bare_generator,
            "x the bare loop",
            "<= 3",
            {"tqdm": tqdm_generator},
        ),
    ]
