"""Progress bars of tqdm, of any of its classes: a task's bars are its progress and leave a line in its log.

A bar belongs to the task that made it, whichever thread moves it. It is looked at from outside, as a tracked
loop is, so that subclasses that draw in their own way are followed as well. What a followed bar draws is not
recorded as text; any other bar's is.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..context import TaskContext
from ..followed_bars import Values
from ..payloads import number_or_none
from .post_import import when_imported
from .recording import muted, open_context
from .wrapping import wrap_method


def install() -> None:
    """Follow the bars that tasks make, as soon as tqdm is imported. Idempotent."""
    when_imported("tqdm.std", _hook)
    when_imported("tqdm.notebook", _hook_display)


def _hook(module: ModuleType) -> None:
    bar = getattr(module, "tqdm", None)
    if bar is None or hasattr(bar, "_jupyter_agent"):
        return
    bar._jupyter_agent = None  # noqa: SLF001 - the bar's own attribute, set where it is followed
    wrap_method(bar, "__init__", _make)
    wrap_method(bar, "close", _close)
    for name in ("__iter__", "__enter__"):
        wrap_method(bar, name, _enter)


def _hook_display(module: ModuleType) -> None:
    display = getattr(module, "display", None)
    if display is None or hasattr(display, "_jupyter_agent"):
        return

    @functools.wraps(display)
    def display_muted(*objects: Any, **kwargs: Any) -> Any:
        with muted:  # where there is no front-end, the widget of a bar is printed as text
            return display(*objects, **kwargs)

    display_muted._jupyter_agent = None  # type: ignore[attr-defined]  # noqa: SLF001
    module.display = display_muted  # type: ignore[attr-defined]


class TqdmBar:
    """A bar of tqdm, held weakly: tqdm closes a bar that nothing refers to any more."""

    def __init__(self, bar: Any, context: TaskContext) -> None:
        self.context = context
        self.is_scoped = False
        self.is_nested = False
        self._bar = weakref.ref(bar)
        self._values: Values = (None, None, None)

    @property
    def is_over(self) -> bool:
        return getattr(self._bar(), "disable", True)

    def values(self) -> Values:
        bar = self._bar()
        if bar is not None:
            message = str(bar.desc or "").rstrip(": ") or None
            self._values = (number_or_none(bar.n), number_or_none(bar.total), message)
        return self._values

    def last_line(self) -> str:
        """Return what the bar shows at its end, unless its ``leave`` says that it is cleared then.

        Empty for a bar of tqdm.rich as well: rich prints that.
        """
        bar = self._bar()
        if (
            bar is None
            or getattr(bar, "_prog", None) is not None
            or bar.leave is False
            or (bar.leave is None and self.is_nested)
        ):
            return ""
        return str(bar).strip("\r\n")


def _make(init: Callable[..., None], bar: Any, *args: Any, **kwargs: Any) -> None:
    context = open_context()
    if context is None:
        init(bar, *args, **kwargs)
        return
    with muted:  # it is drawn for the first time in there
        init(bar, *args, **kwargs)
    if not bar.disable:
        bar._jupyter_agent = followed = TqdmBar(bar, context)  # noqa: SLF001
        _mute(getattr(bar, "fp", None))
        followed.is_nested = context.begin_bar(followed)


def _mute(file: Any) -> None:
    """Have tqdm's own wrapper of the file that a bar draws to write without being recorded."""
    set_attribute = getattr(file, "wrapper_setattr", None)
    if set_attribute is None:
        return
    write = file.write

    def write_muted(text: str) -> Any:
        with muted:
            return write(text)

    set_attribute("write", write_muted)


def _close(close: Callable[..., None], bar: Any) -> None:
    followed = bar._jupyter_agent  # noqa: SLF001
    if followed is not None:
        followed.context.end_bar(followed)
    close(bar)


def _enter(method: Callable[..., Any], bar: Any) -> Any:
    if bar._jupyter_agent is not None:  # noqa: SLF001
        bar._jupyter_agent.is_scoped = True  # noqa: SLF001
    return method(bar)
