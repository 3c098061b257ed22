"""Tasks in one line or one table of text: what a saved notebook shows a reader without HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ..core.ids import short_id
from ..core.sanitize import to_single_line
from ..core.task import Task
from .formats import duration, moment


def saved_line(task: Task) -> str:
    """Return the text of a task's card, true for as long as it is kept: the end, if it has ended.

    The page writes the same: ``frontend/src/lab/outputs/end_state.ts``.
    """
    words = [to_single_line(task.name)]
    if task.state.ended:
        took = took_of(task)
        words += [task.state.value, *([f"in {took}"] if took else []), short_id(task.id)]
    return f"<Task {' '.join(words)}>"


def took_of(task: Task) -> str:
    """Return how long a task has run; empty for one that has not begun."""
    until = task.ended if task.state.ended else task.updated
    if task.started is None or until is None:
        return ""
    return duration(until - task.started, whole=not task.state.ended)


def columns_of(tasks: Sequence[Task]) -> dict[str, list[str]]:
    """Return the columns of a table of *tasks* by their titles, without keys and tags if there are none."""
    columns = {
        "Task": [to_single_line(task.name) for task in tasks],
        "Key": [to_single_line(task.key or "") for task in tasks],
        "Tags": [to_single_line(", ".join(task.tags)) for task in tasks],
        "State": [task.state.value for task in tasks],
        "Duration": [took_of(task) for task in tasks],
        "Id": [short_id(task.id) for task in tasks],
    }
    return {title: cells for title, cells in columns.items() if any(cells) or title not in ("Key", "Tags")}


def as_of(when: float) -> str:
    """Return when a table was made: tasks in it may have gone on since."""
    return f"As of {moment(when)} {datetime.fromtimestamp(when).astimezone().tzname()}"


def text_table(tasks: Sequence[Task], when: float) -> str:
    """Return a table of *tasks* as they were at *when*, as text."""
    if not tasks:
        return "No tasks."
    columns = [[title, *cells] for title, cells in columns_of(tasks).items()]
    widths = [max(map(len, column)) for column in columns]
    rows = (_row(row, widths) for row in zip(*columns, strict=True))
    return "\n".join([as_of(when), *rows])


def _row(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
