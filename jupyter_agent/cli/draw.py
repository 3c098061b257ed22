"""Tasks drawn with rich. Text of tasks is never taken for markup."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..core.events import TaskState
from ..core.task import Task
from ..core.text import lines as shown_lines
from .board import Row
from .humane import age, duration, moment, number
from .said import plain

PIPE_WIDTH = 160
COLOURS = {
    TaskState.QUEUED: "bright_black",
    TaskState.RUNNING: "cyan",
    TaskState.COMPLETED: "green",
    TaskState.FAILED: "red",
    TaskState.CANCELLED: "yellow",
    TaskState.INTERRUPTED: "magenta",
}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The reader of our output went away: `main` ends the program quietly."""
        raise BrokenPipeError


def console() -> Console:
    """One for standard output as it is now: colours and a live view on a terminal, else plain lines."""
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return _Console(highlight=False, width=width, soft_wrap=False)


def state_text(task: Task) -> Text:
    """The state in its colour; what is asked of it and not done yet is said, and what it asks for."""
    style = "bold yellow" if asks(task) and not task.cancel_requested else COLOURS[task.state]
    return Text(_state_word(task), style=style)


def _state_word(task: Task) -> str:
    if task.state.ended:
        return task.state.value
    if task.cancel_requested:
        return "cancelling"
    return "waiting for you" if asks(task) else task.state.value


def asks(task: Task) -> bool:
    """Whether it waits for somebody's answer."""
    return task.prompt is not None and not task.state.ended


def choices_of(choices: Sequence[str] | None) -> str:
    """The answers that a question offers, behind it; nothing where it offers none."""
    return f" [{'/'.join(choices)}]" if choices else ""


def percent(task: Task) -> str:
    """As "43 %", or how many where the total is unknown; nothing without progress."""
    progress = task.progress
    if progress is None or progress.done is None:
        return ""
    if not progress.total:
        return number(progress.done)
    return f"{100 * (float(progress.done) / float(progress.total)):.0f} %"


def took(task: Task, now: float) -> float | None:
    """Seconds from start to end, or until *now*."""
    if task.started is None:
        return None
    return (task.ended if task.ended is not None else now) - task.started


def task_table(tasks: Sequence[Task], now: float, width: int) -> Table:
    """One line a task; names give way where *width* columns are too few."""
    rows = [_cells(task, now) for task in tasks]
    states = max([11, *(len(_state_word(task)) for task in tasks)])
    others = 26 + 1 + states + sum(1 + max(map(len, column)) for column in zip(*rows, _TITLES, strict=True))
    room = max(8, width - others - 1)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("ID", no_wrap=True, min_width=26)
    table.add_column("NAME", no_wrap=True, overflow="ellipsis")
    table.add_column("STATE", no_wrap=True, min_width=states)
    for title in _TITLES:
        table.add_column(title, no_wrap=True, justify="right" if title == "PROGRESS" else "left")
    for task, cells in zip(tasks, rows, strict=True):
        name = Text(plain(task.name))
        name.truncate(room, overflow="ellipsis")
        table.add_row(Text(plain(task.id)), name, state_text(task), *cells)
    return table


_TITLES = ("PROGRESS", "WHEN", "TOOK")


def _cells(task: Task, now: float) -> tuple[str, str, str]:
    when = task.ended or task.started or task.created
    return percent(task), age(now - when) if when else "", duration(took(task, now))


def details(task: Task, now: float) -> Group:
    """Everything a snapshot says that is not empty."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _facts(task, now):
        if value:
            table.add_row(label, value)
    parts: list[RenderableType] = [table]
    if task.error is not None and task.error.traceback:
        parts.append(Text("\n" + shown_lines(task.error.traceback).rstrip(), style="red"))
    return Group(*parts)


def _facts(task: Task, now: float) -> list[tuple[str, Text | str]]:
    progress, error, result, prompt = task.progress, task.error, task.result, task.prompt
    metrics = ", ".join(f"{name} {number(point.value)}" for name, point in task.metrics.items())
    where = " · ".join(filter(None, (task.notebook, task.cell and f"cell {task.cell}")))
    return [
        ("task", Text(plain(task.id))),
        ("name", Text(plain(task.name))),
        ("state", state_text(task)),
        ("reason", Text(plain(task.reason or ""))),
        ("attempt", str(task.attempt)),
        ("key", Text(plain(task.key or ""))),
        ("tags", Text(plain(", ".join(task.tags)))),
        ("progress", Text(f"{percent(task)} {_counts(task)}".strip()) if progress else ""),
        ("metrics", Text(plain(metrics))),
        ("question", Text(plain(prompt.text + choices_of(prompt.choices))) if prompt else ""),
        ("error", Text(plain(f"{error.type}: {error.message}"), style="red") if error else ""),
        ("result", Text(plain(result.repr)) if result else ""),
        ("queued", moment(task.queued)),
        ("started", moment(task.started)),
        ("ended", moment(task.ended)),
        ("took", duration(took(task, now))),
        ("owner", Text(plain(task.owner or ""))),
        ("notebook", Text(plain(where))),
        ("logs", f"{task.logs:,} (jupyter agent tasks logs {task.id})" if task.logs else ""),
    ]


def row_view(row: Row, width: int, now: float, lines: int) -> Group:
    """One watched task: state, bar, rate, time to go, metrics, the last *lines* lines, a question."""
    task = row.task
    head = Text(plain(task.name), style="bold", overflow="ellipsis", no_wrap=True)
    head.append("  ").append_text(state_text(task))
    if task.attempt > 1:
        head.append(f"  attempt {task.attempt}", style="dim")
    head.append(f"  {duration(took(task, now))}").append(f"  {task.id}", style="dim")
    parts: list[RenderableType] = [head]
    if task.progress is not None:
        parts += _progress(row, width)
    if task.metrics:
        said = "  ".join(f"{name} {number(point.value)}" for name, point in task.metrics.items())
        parts.append(Text(f"  {plain(said)}", style="cyan", overflow="ellipsis", no_wrap=True))
    parts += [
        Text(f"  {plain(line)}", style="dim", overflow="ellipsis", no_wrap=True)
        for line in list(row.lines)[-lines:]
    ]
    if task.prompt is not None:
        asked = f"  ? {plain(task.prompt.text)}{plain(choices_of(task.prompt.choices))}"
        parts.append(Text(asked, style="bold yellow"))
    if task.error is not None:
        parts.append(Text(f"  {plain(task.error.type)}: {plain(task.error.message)}", style="red"))
    return Group(*parts)


def _progress(row: Row, width: int) -> list[RenderableType]:
    task = row.task
    progress = task.progress
    assert progress is not None
    told = Text(f"  {percent(task)}  {_counts(task)}", overflow="ellipsis", no_wrap=True)
    if not task.state.ended:
        if (rate := row.rate()) is not None:
            told.append(f"  {number(float(f'{rate:.3g}'))}/s")
        if (left := row.remaining()) is not None:
            told.append(f"  {duration(left)} to go")
    if progress.message:
        told.append(f"  {plain(progress.message)}")
    if not progress.total or progress.done is None:
        return [told]
    bar = ProgressBar(
        total=1.0,
        completed=min(1.0, max(0.0, float(progress.done) / float(progress.total))),
        width=max(10, min(width - 4, 76)),
        complete_style=COLOURS[task.state],
        finished_style=COLOURS[task.state],
    )
    line = Table.grid()
    line.add_row("  ", bar)
    return [line, told]


def _counts(task: Task) -> str:
    progress = task.progress
    if progress is None or progress.done is None or not progress.total:
        return ""
    return f"{number(progress.done)}/{number(progress.total)}"


def board_view(rows: Sequence[Row], width: int, lines: int) -> RenderableType:
    """All watched tasks, or a word while there is none."""
    if not rows:
        return Text("Nothing is running; waiting for a task (Ctrl-C to leave).", style="dim")
    now = time.time()
    return Group(*(row_view(row, width, now, lines) for row in rows))
