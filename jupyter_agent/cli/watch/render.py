"""Rendering of watched tasks for a terminal: one row, and the whole model."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...core.sanitize import to_single_line
from ...rendering.formats import duration, number, rate
from ...rendering.palette import TERMINAL_COLORS
from ...rendering.stopping import stopping_line
from ..output import choices_of, counts, elapsed, how_far, outcome_line, state_text
from .model import Row


def row_view(row: Row, width: int, now: float, lines: int) -> Group:
    """Return one watched task: state, bar, rate, time to go, metrics, its last *lines* lines, a question."""
    task = row.task
    head = Text(to_single_line(task.name), style="bold", overflow="ellipsis", no_wrap=True)
    head.append("  ").append_text(state_text(task))
    if task.attempt > 1:
        head.append(f"  attempt {task.attempt}", style="dim")
    head.append(f"  {elapsed(task, now)}").append(f"  {task.id}", style="dim")
    parts: list[RenderableType] = [head]
    if task.progress is not None:
        parts += _progress(row, width)
    if task.metrics:
        metrics = "  ".join(f"{name} {number(point.value)}" for name, point in task.metrics.items())
        parts.append(Text(f"  {to_single_line(metrics)}", style="cyan", overflow="ellipsis", no_wrap=True))
    parts += [
        Text(f"  {to_single_line(line)}", style="dim", overflow="ellipsis", no_wrap=True)
        for line in list(row.lines)[-lines:]
    ]
    if task.prompt is not None:
        question = f"  ? {to_single_line(task.prompt.text)}{to_single_line(choices_of(task.prompt.choices))}"
        parts.append(Text(question, style="bold yellow"))
    if stopping := stopping_line(task, now):
        parts.append(Text(f"  {stopping}", style="dim"))
    if outcome := outcome_line(task):
        style = "red" if task.error is not None else ""
        parts.append(Text(f"  {outcome}", style=style))
    return Group(*parts)


def _progress(row: Row, width: int) -> list[RenderableType]:
    task = row.task
    progress = task.progress
    assert progress is not None
    text = Text(f"  {how_far(task)}  {counts(task)}", overflow="ellipsis", no_wrap=True)
    if not task.state.ended:
        if speed := rate(row.rate() or 0):
            text.append(f"  {speed}")
        if (left := row.remaining()) is not None:
            text.append(f"  {duration(left, whole=True)} left")
    if progress.message:
        text.append(f"  {to_single_line(progress.message)}")
    if not progress.total or progress.done is None:
        return [text]
    bar = ProgressBar(
        total=1.0,
        completed=min(1.0, max(0.0, float(progress.done) / float(progress.total))),
        width=max(10, min(width - 4, 76)),
        complete_style=TERMINAL_COLORS[task.state],
        finished_style=TERMINAL_COLORS[task.state],
    )
    line = Table.grid()
    line.add_row("  ", bar)
    return [line, text]


def model_view(rows: Sequence[Row], width: int, lines: int) -> RenderableType:
    """Return the view of all watched tasks, or a sentence while there is none."""
    if not rows:
        return Text("Nothing is running; waiting for a task (Ctrl-C to leave).", style="dim")
    now = time.time()
    return Group(*(row_view(row, width, now, lines) for row in rows))
