"""Progress bars of click, progressbar2, alive-progress and dask: a task's bars are its progress.

They are only looked at. What they draw is recorded as any other text, and so is the line that they leave.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ..context import TaskContext
from ..followed_bars import Values
from ..payloads import number_or_none
from .post_import import when_imported
from .recording import open_context
from .wrapping import wrap_method


def install() -> None:
    """Follow the bars that tasks make, as soon as their library is imported. Idempotent."""
    when_imported("click._termui_impl", _hook_click)
    when_imported("progressbar.bar", _hook_progressbar)
    when_imported("alive_progress.core.progress", _hook_alive)
    when_imported("dask.diagnostics.progress", _hook_dask)


class DrawnBar:
    """A bar, held weakly, whose values *read* returns."""

    def __init__(self, context: TaskContext, bar: Any, read: Callable[[Any], Values]) -> None:
        self.context = context
        self.is_scoped = False
        self.items = 0
        """How many items of a loop over the bar are done."""
        self._bar = weakref.ref(bar)
        self._read = read
        self._values: Values = (None, None, None)

    @property
    def is_over(self) -> bool:
        return self._bar() is None

    def values(self) -> Values:
        bar = self._bar()
        if bar is not None:
            self._values = self._read(bar)
        return self._values

    def last_line(self) -> str:
        return ""


def _begin(bar: Any, read: Callable[[Any], Values], *, is_scoped: bool) -> None:
    """Follow *bar* if a task has made it and it is not followed yet."""
    context = open_context()
    if context is not None and getattr(bar, _NAME, None) is None:
        followed = DrawnBar(context, bar, read)
        followed.is_scoped = is_scoped
        setattr(bar, _NAME, followed)
        context.begin_bar(followed)


def _end(bar: Any) -> None:
    """Record the last values of *bar*. Idempotent."""
    followed = getattr(bar, _NAME, None)
    if followed is not None:
        followed.context.end_bar(followed)
        setattr(bar, _NAME, None)


_NAME = "_jupyter_agent"
"""The attribute of a bar that refers to what follows it."""


def _hook_click(module: ModuleType) -> None:
    def enter(method: Callable[..., Any], bar: Any) -> Any:
        _begin(bar, _click_values, is_scoped=True)
        return method(bar)

    bars = getattr(module, "ProgressBar", None)
    wrap_method(bars, "__enter__", enter)
    wrap_method(bars, "generator", _count_items)
    wrap_method(bars, "__exit__", _ending)


def _click_values(bar: Any) -> Values:
    followed = getattr(bar, _NAME, None)
    done = max(bar.pos, followed.items) if followed else bar.pos
    return number_or_none(done), number_or_none(bar.length), str(bar.label or "") or None


def _count_items(method: Callable[..., Any], bar: Any) -> Any:
    """Count the items of a loop over *bar*, which it does not do where it is not drawn: in no terminal."""
    followed, items = getattr(bar, _NAME, None), method(bar)
    return items if followed is None else _counted(followed, items)


def _counted(followed: DrawnBar, items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        yield item
        followed.items += 1


def _hook_progressbar(module: ModuleType) -> None:
    bars = getattr(module, "ProgressBar", None)
    wrap_method(bars, "start", _start_progressbar)
    wrap_method(bars, "finish", _ending)


def _start_progressbar(start: Callable[..., Any], bar: Any, *args: Any, **kwargs: Any) -> Any:
    title = str(bar.prefix or "").strip(": ") or None  # the bar forgets it when it starts

    def values(bar: Any) -> Values:
        return number_or_none(bar.value), number_or_none(bar.max_value), title

    started = start(bar, *args, **kwargs)
    _begin(bar, values, is_scoped=False)
    return started


def _ending(method: Callable[..., Any], bar: Any, *args: Any, **kwargs: Any) -> Any:
    result = method(bar, *args, **kwargs)
    _end(bar)
    return result


def _hook_alive(module: ModuleType) -> None:
    make = getattr(module, "__alive_bar", None)
    if make is None or hasattr(make, _NAME):
        return

    @contextmanager
    def followed(config: Any, total: Any = None, **kwargs: Any) -> Iterator[Any]:
        title = str(config.title or "") or None

        def values(bar: Any) -> Values:
            return number_or_none(bar.current), 1 if config.manual and not total else total, title

        with make(config, total, **kwargs) as bar:
            if hasattr(bar, "current"):
                _begin(bar, values, is_scoped=True)
            try:
                yield bar
            finally:
                _end(bar)

    setattr(followed, _NAME, None)
    setattr(module, "__alive_bar", followed)


def _hook_dask(module: ModuleType) -> None:
    bars = getattr(module, "ProgressBar", None)
    wrap_method(bars, "_start", _start_dask)
    wrap_method(bars, "_finish", _ending)


def _start_dask(start: Callable[..., Any], bar: Any, *args: Any, **kwargs: Any) -> Any:
    started = start(bar, *args, **kwargs)  # it forgets the computation before
    _begin(bar, _dask_values, is_scoped=False)
    return started


def _dask_values(bar: Any) -> Values:
    """Return how many of the graph's tasks are done; the scheduler has told the bar its state, or not yet."""
    if not bar._state:  # noqa: SLF001
        return None, None, None
    done, *more = (len(bar._state[name]) for name in ("finished", "ready", "waiting", "running"))  # noqa: SLF001
    return done, done + sum(more), None
