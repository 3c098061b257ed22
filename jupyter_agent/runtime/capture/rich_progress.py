"""Progress of rich: a task's part of a `rich.progress.Progress` is a bar of that task.

A row belongs to the task that added it, whichever thread moves it. The first row that is not finished is the
progress, since an outer one ends after those inside; at the end, it is the row that ended last. What is drawn
is text as any other; see `rich_output`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..context import TaskContext
from ..followed_bars import Values
from ..payloads import number_or_none
from .post_import import when_imported
from .recording import open_context
from .wrapping import wrap_method


def install() -> None:
    """Follow the rows that tasks add, as soon as rich.progress is imported. Idempotent."""
    when_imported("rich.progress", _hook)


def _hook(module: ModuleType) -> None:
    progress = getattr(module, "Progress", None)
    wrap_method(progress, "add_task", _add_task)
    wrap_method(progress, "stop", _stop)
    for name in ("__enter__", "track", "wrap_file", "open"):
        wrap_method(progress, name, _enter)


class RichBar:
    """The rows that one task has added to a `Progress`, which is held weakly."""

    def __init__(self, progress: Any, context: TaskContext) -> None:
        self.context = context
        self.is_over = False
        self._progress = weakref.ref(progress, self._end)
        self._rows: list[Any] = []
        self._values: Values = (None, None, None)
        self._texts: dict[str, str | None] = {}

    @property
    def is_scoped(self) -> bool:
        return bool(getattr(self._progress(), "_jupyter_agent_scoped", False))

    def add(self, row: Any) -> None:
        """Follow *row*, a task of rich."""
        self._rows.append(row)

    def values(self) -> Values:
        progress = self._progress()
        if progress is not None:
            # No lock of rich's: its holder may wait for a terminal.
            rows = [row for row in self._rows if row.id in progress._tasks]  # noqa: SLF001
            row = next((row for row in rows if not row.finished), max(rows, key=_end_of, default=None))
            if row is not None:
                self._values = _number(row.completed), _number(row.total), self._text(str(row.description))
        return self._values

    def last_line(self) -> str:
        """Return nothing: rich prints the last state itself."""
        return ""

    def end(self) -> None:
        """It has ended."""
        self.is_over = True
        self.context.end_bar(self)

    def _end(self, _: object) -> None:
        self.is_over = True

    def _text(self, description: str) -> str | None:
        """Return a description without its markup."""
        if description not in self._texts:
            from rich.errors import MarkupError
            from rich.text import Text

            try:
                text = Text.from_markup(description).plain
            except MarkupError:
                text = description
            self._texts = {description: text.strip().rstrip(":") or None}
        return self._texts[description]


def _end_of(row: Any) -> float:
    return float((row.start_time or 0.0) + (row.finished_time or 0.0))


def _number(value: Any) -> Any:
    """Return a number; rich makes most totals floats."""
    number = number_or_none(value)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _add_task(method: Callable[..., Any], progress: Any, *args: Any, **kwargs: Any) -> Any:
    row_id = method(progress, *args, **kwargs)
    context = open_context()
    if context is not None:
        bars = vars(progress).setdefault("_jupyter_agent_bars", {})
        bar = bars.get(id(context))
        is_new = bar is None or bar.is_over
        if is_new:
            bar = bars[id(context)] = RichBar(progress, context)
        bar.add(progress._tasks[row_id])  # noqa: SLF001
        if is_new:
            context.begin_bar(bar)
    return row_id


def _stop(method: Callable[..., Any], progress: Any) -> Any:
    for bar in list(vars(progress).get("_jupyter_agent_bars", {}).values()):
        bar.end()
    return method(progress)


def _enter(method: Callable[..., Any], progress: Any, *args: Any, **kwargs: Any) -> Any:
    vars(progress)["_jupyter_agent_scoped"] = True
    return method(progress, *args, **kwargs)
