"""Output: tables of tasks, one task in detail, JSON. Text of tasks is never read as markup."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..core.events import TaskState
from ..core.sanitize import json_text, strip_controls, to_single_line
from ..core.task import Task
from ..rendering.formats import age, duration, moment, number, percent, share
from ..rendering.humanize import params_text
from ..rendering.palette import TERMINAL_COLORS
from ..rendering.stopping import stopping_line, stopping_word
from ..rendering.tracebacks import folded_lines

PIPE_WIDTH = 160
"""Columns of output that is not a terminal."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise, so that `main` ends the program quietly, when the reader of the output is gone."""
        raise BrokenPipeError


def console() -> Console:
    """Return a console for standard output: colors and a live view on a terminal, else plain lines."""
    return _Console(highlight=False, width=_width(os.environ.get("COLUMNS", "")), soft_wrap=False)


def _width(columns: str) -> int | None:
    """Return the columns of the output; ``None`` where rich finds them by itself."""
    if columns.isdigit() and int(columns) > 0:
        return None
    if not sys.stdout.isatty():
        return PIPE_WIDTH
    # rich would take a COLUMNS of 0, which terminals without a size set, for the width.
    return shutil.get_terminal_size().columns if columns else None


def print_json(value: object) -> None:
    """Print *value* as one line of JSON."""
    text = json_text(msgspec.json.encode(value))
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text))  # ASCII
    click.echo(text)


def state_text(task: Task) -> Text:
    """Return the state in its color; a cancel that is under way, or a question, takes precedence."""
    style = "bold yellow" if is_asking(task) and not stopping_word(task) else TERMINAL_COLORS[task.state]
    return Text(_state_word(task), style=style)


def _state_word(task: Task) -> str:
    if task.state.ended:
        return task.state.value
    if word := stopping_word(task):
        return word
    return "waiting for you" if is_asking(task) else task.state.value


def outcome_line(task: Task) -> str:
    """Return the error or the result of a task on one line; empty without one, and for ``None``."""
    if task.error is not None:
        return to_single_line(f"{task.error.type}: {task.error.message}")
    if task.state is not TaskState.COMPLETED or task.result is None or task.result.repr == "None":
        return ""
    return to_single_line(task.result.repr)


def is_asking(task: Task) -> bool:
    """Return whether it waits for a person's answer."""
    return task.prompt is not None and not task.state.ended


def choices_of(choices: Sequence[str] | None) -> str:
    """Return the choices of a question as " [yes/no]"; empty when it has none."""
    return f" [{'/'.join(choices)}]" if choices else ""


def how_far(task: Task) -> str:
    """Return the progress as "43%", or as a count when the total is unknown; empty without progress."""
    progress = task.progress
    if progress is None or progress.done is None:
        return ""
    if not progress.total:
        return number(progress.done)
    return percent(share(progress.done, progress.total))


def elapsed(task: Task, now: float) -> str:
    """Return the time from start to end, or until *now*; empty before the start."""
    if task.started is None:
        return ""
    if task.ended is None:
        return duration(now - task.started, whole=True)
    return duration(task.ended - task.started)


def task_table(tasks: Sequence[Task], now: float, width: int) -> Table:
    """Return a table with one line for each task; names are shortened to fit *width* columns."""
    rows = [_cells(task, now) for task in tasks]
    states = max([11, *(len(_state_word(task)) for task in tasks)])
    others = 26 + 1 + states + sum(1 + max(map(len, column)) for column in zip(*rows, _TITLES, strict=True))
    name_width = max(8, width - others - 1)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("ID", no_wrap=True, min_width=26)
    table.add_column("NAME", no_wrap=True, overflow="ellipsis")
    table.add_column("STATE", no_wrap=True, min_width=states)
    for title in _TITLES:
        table.add_column(title, no_wrap=True, justify="right" if title == "PROGRESS" else "left")
    for task, cells in zip(tasks, rows, strict=True):
        name = Text(to_single_line(task.name))
        name.append(f"  {params_text(task.params)}" if task.params else "", style="dim")
        name.truncate(name_width, overflow="ellipsis")
        table.add_row(Text(to_single_line(task.id)), name, state_text(task), *cells)
    return table


_TITLES = ("PROGRESS", "WHEN", "TOOK")


def _cells(task: Task, now: float) -> tuple[str, str, str]:
    when = task.ended or task.started or task.created
    return how_far(task), age(now - when) if when else "", elapsed(task, now)


def details(task: Task, now: float, uses: str = "") -> Group:
    """Return every field of a snapshot that is not empty; *uses* is what its processes use."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in [*_facts(task, now), ("uses", Text(uses))]:
        if value:
            table.add_row(label, value)
    parts: list[RenderableType] = [table]
    if task.error is not None and task.error.traceback:
        parts += [Text(""), _traceback(task.error.traceback)]
    return Group(*parts)


_TRACEBACK_STYLES = {"user": "bold", "source": "", "folded": "dim", "error": "bold red", "text": "dim"}


def _traceback(text: str) -> Text:
    """Return a traceback with the frames of libraries folded; JSON output has them all."""
    lines = (Text(line, _TRACEBACK_STYLES[kind]) for kind, line in folded_lines(strip_controls(text)))
    return Text("\n").join(lines)


def _facts(task: Task, now: float) -> list[tuple[str, Text | str]]:
    progress, error, result, prompt = task.progress, task.error, task.result, task.prompt
    metrics = ", ".join(f"{name} {number(point.value)}" for name, point in task.metrics.items())
    where = " · ".join(filter(None, (task.notebook, task.cell and f"cell {task.cell}")))
    return [
        ("task", Text(to_single_line(task.id))),
        ("name", Text(to_single_line(task.name))),
        ("params", Text(params_text(task.params))),
        ("state", state_text(task)),
        ("stopping", Text(stopping_line(task, now))),
        ("waits", Text(to_single_line(task.waiting.text.removeprefix("waits ")) if task.waiting else "")),
        ("reason", Text(to_single_line(task.reason or ""))),
        ("attempt", str(task.attempt)),
        ("key", Text(to_single_line(task.key or ""))),
        ("tags", Text(to_single_line(", ".join(task.tags)))),
        ("progress", Text(f"{how_far(task)} {counts(task)}".strip()) if progress else ""),
        ("metrics", Text(to_single_line(metrics))),
        ("question", Text(to_single_line(prompt.text + choices_of(prompt.choices))) if prompt else ""),
        ("error", Text(to_single_line(f"{error.type}: {error.message}"), style="red") if error else ""),
        ("result", Text(to_single_line(result.repr)) if result else ""),
        ("queued", moment(task.queued)),
        ("started", moment(task.started)),
        ("ended", moment(task.ended)),
        ("took", elapsed(task, now)),
        ("owner", Text(to_single_line(task.owner or ""))),
        ("runs", Text(to_single_line(_place(task)))),
        ("schedule", Text(to_single_line(task.schedule or ""))),
        ("notebook", Text(to_single_line(where))),
        ("logs", f"{number(task.logs)} (jupyter agent tasks logs {task.id})" if task.logs else ""),
    ]


def _place(task: Task) -> str:
    """Return what it is and where it runs or ran: "function on thread, process 4711 of HOST"."""
    what = " on ".join(filter(None, (task.kind, task.on)))
    process = f"process {task.pid}" if task.pid is not None else ""
    return ", ".join(filter(None, (what, " of ".join(filter(None, (process, task.host))))))


def counts(task: Task) -> str:
    progress = task.progress
    if progress is None or progress.done is None or not progress.total:
        return ""
    return f"{number(progress.done)}/{number(progress.total)}"
