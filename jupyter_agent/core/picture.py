"""A task as a still picture: HTML that needs nothing else, for nbconvert, GitHub and e-mail."""

from __future__ import annotations

from html import escape

from .events import Number, TaskState
from .task import Task
from .text import lines

_COLORS = {
    TaskState.QUEUED: "#5b6470",
    TaskState.RUNNING: "#1976d2",
    TaskState.COMPLETED: "#2e8b57",
    TaskState.FAILED: "#c62828",
    TaskState.CANCELLED: "#5b6470",
    TaskState.INTERRUPTED: "#e08600",
}
_FRAME = (
    "font:13px/1.5 system-ui,sans-serif;max-width:760px;padding:8px 12px;"
    "border:1px solid #8886;border-radius:6px;overflow-wrap:anywhere"
)
_QUIET = "opacity:.7;font-size:12px"
_MONO = "font:12px/1.5 ui-monospace,monospace;white-space:pre-wrap;margin:4px 0 0"


def start_html(name: str) -> str:
    """A task of which nothing is said but its name, so that two runs of a notebook agree."""
    return f'<div style="{_FRAME}"><strong>{_text(name)}</strong></div>'


def html(task: Task) -> str:
    """The task as it is now: state, progress, metrics, and how it ended."""
    parts = [_head(task), _bar(task), _line(_numbers(task)), _line(_metrics(task)), _end(task)]
    return f'<div style="{_FRAME}">{"".join(parts)}</div>'


def _head(task: Task) -> str:
    dot = f'<span style="color:{_COLORS[task.state]}">●</span>'
    attempt = f' <span style="{_QUIET}">attempt {task.attempt}</span>' if task.attempt > 1 else ""
    return f"<div>{dot} {task.state.value} <strong>{_text(task.name)}</strong>{attempt}</div>"


def _bar(task: Task) -> str:
    share = _share(task)
    if share is None:
        return ""
    fill = f"width:{share:.1%};height:6px;border-radius:3px;background:{_COLORS[task.state]}"
    return f'<div style="background:#8883;border-radius:3px;margin:5px 0"><div style="{fill}"></div></div>'


def _share(task: Task) -> float | None:
    progress = task.progress
    if progress is None or progress.done is None or not progress.total:
        return None
    return min(1.0, max(0.0, progress.done / progress.total))


def _numbers(task: Task) -> list[str]:
    words = []
    progress = task.progress
    if progress is not None and progress.done is not None:
        total = f" / {_number(progress.total)}" if progress.total else " done"
        words.append(_number(progress.done) + total)
    if task.started is not None and task.ended is not None:
        words.append(_duration(task.ended - task.started))
    if progress is not None and progress.message:
        words.append(_text(progress.message))
    return words


def _metrics(task: Task) -> list[str]:
    return [f"{_text(name)} <strong>{_number(point.value)}</strong>" for name, point in task.metrics.items()]


def _line(words: list[str]) -> str:
    return f'<div style="{_QUIET}">{" &nbsp; ".join(words)}</div>' if words else ""


def _end(task: Task) -> str:
    if task.error is not None:
        what = f"{task.error.type}: {task.error.message}" if task.error.message else task.error.type
        head = f'<summary style="color:{_COLORS[task.state]}">{_text(what)}</summary>'
        return f'<details>{head}<pre style="{_MONO}">{_text(task.error.traceback)}</pre></details>'
    if task.result is not None and task.result.repr != "None":
        return f'<pre style="{_MONO}">{_text(task.result.repr)}</pre>'
    if task.state is TaskState.INTERRUPTED:
        return _line(["The process that ran this task went away before the task ended."])
    return ""


def _text(text: str) -> str:
    return escape(lines(text))


def _number(value: Number | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"
