"""Static HTML of a task, without scripts: for nbconvert, GitHub and e-mail.

Its few colors are visible on light and on dark pages, and it is readable where a host strips all style.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..core.events import TaskState
from ..core.task import Task
from .curves import Curve
from .formats import duration, number, percent, share
from .humanize import params_text
from .palette import HTML_COLORS
from .plots import drawable, plots_html, text_html
from .stopping import stopping_word
from .transcript import TAIL_LINES

_MAX_LINE = 500
"""Maximum number of characters shown of a line."""

_MAX_METRICS = 12
_FRAME = (
    "font:13px/1.5 system-ui,sans-serif;max-width:760px;padding:8px 12px;box-sizing:border-box;"
    "border:1px solid #8886;border-left:3px solid {color};border-radius:6px;overflow-wrap:anywhere"
)
_QUIET = "opacity:.75;font-size:12px"
_BARE = (
    "font:12px/1.5 ui-monospace,monospace;white-space:pre-wrap;margin:0;padding:0;border:0;"
    "background:none;color:inherit"
)
_MONO = f"{_BARE};margin:6px 0 0;padding:6px 0 0;border-top:1px solid #8884"


def start_html(name: str) -> str:
    """Return a task with nothing but its name, so that two runs of a notebook produce the same output."""
    return f'<div style="{_frame(TaskState.QUEUED)}"><strong>{text_html(name)}</strong></div>'


def html(task: Task, lines: Sequence[str] = (), curves: Iterable[Curve] = ()) -> str:
    """Return the task as it is now: state, progress, metrics and their *curves*, end, *lines* of its log."""
    drawn = drawable(curves)
    metrics = _line(_metrics(task, {curve.name for curve in drawn}))
    words = (_line(_numbers(task)), metrics, plots_html(drawn), _line(_question(task)))
    params = _line([text_html(params_text(task.params))] if task.params else [])
    parts = [_head(task), params, _bar(task), *words, _end(task), _pre("\n".join(lines)), _result(task)]
    return f'<div style="{_frame(task.state)}">{"".join(parts)}</div>'


def last_lines(texts: Iterable[str], count: int = TAIL_LINES) -> list[str]:
    """Return the last *count* lines that *texts* print, as a terminal shows them after carriage returns."""
    whole = [line.rstrip("\r").rpartition("\r")[2] for line in "".join(texts).rstrip("\n").split("\n")]
    return [_short(line) for line in whole[-count:]] if any(whole) else []


def _short(line: str) -> str:
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…"


def _frame(state: TaskState) -> str:
    return _FRAME.format(color=HTML_COLORS[state])


def _head(task: Task) -> str:
    dot = f'<span style="color:{HTML_COLORS[task.state]}">●</span>'
    state = stopping_word(task) or task.state.value
    attempt = f" · attempt {task.attempt}" if task.attempt > 1 else ""
    name = text_html(task.name) or "task"
    return f'<div>{dot} <strong>{name}</strong> <span style="{_QUIET}">{state}{attempt}</span></div>'


def _bar(task: Task) -> str:
    done = _share(task)
    if done is None:
        return ""
    fill = f"width:{done:.1%};height:6px;border-radius:3px;background:{HTML_COLORS[task.state]}"
    return f'<div style="background:#8883;border-radius:3px;margin:5px 0"><div style="{fill}"></div></div>'


def _share(task: Task) -> float | None:
    return None if task.progress is None else share(task.progress.done, task.progress.total)


def _numbers(task: Task) -> list[str]:
    words: list[str] = []
    progress = task.progress
    if progress is not None and progress.done is not None:
        total = f" / {number(progress.total)}" if progress.total else " done"
        words += filter(None, [number(progress.done) + total, percent(_share(task))])
    until = task.ended if task.state.ended else task.updated
    if task.started is not None and until is not None:
        words += filter(None, [duration(until - task.started, whole=not task.state.ended)])
    if progress is not None and progress.message:
        words.append(text_html(progress.message))
    return words


def _metrics(task: Task, drawn: Collection[str]) -> list[str]:
    """Return the last values of the metrics that are not *drawn*."""
    metrics = [(name, point) for name, point in task.metrics.items() if name not in drawn]
    shown = metrics[:_MAX_METRICS]
    words = [f"{text_html(name)} <strong>{number(point.value)}</strong>" for name, point in shown]
    more = len(metrics) - len(shown)
    return [*words, f"and {more} more"] if more else words


def _question(task: Task) -> list[str]:
    return [f"It asks: <strong>{text_html(task.prompt.text)}</strong>"] if task.prompt else []


def _line(words: list[str]) -> str:
    return f'<div style="{_QUIET}">{" · ".join(words)}</div>' if words else ""


def _end(task: Task) -> str:
    if task.error is not None:
        what = f"{task.error.type}: {task.error.message}" if task.error.message else task.error.type
        head = f"<summary><strong>{text_html(what)}</strong></summary>"
        return f'<details style="margin:4px 0 0">{head}{_pre(task.error.traceback)}</details>'
    if task.state is TaskState.INTERRUPTED:
        return _line([f"The process that ran this task ended before the task was done{_why(task.reason)}."])
    return ""


def _why(reason: str | None) -> str:
    """Return a reason that says more than that the process went away."""
    return f": {text_html(reason)}" if reason and not reason.startswith("the process") else ""


def _result(task: Task) -> str:
    if task.result is None or task.result.repr == "None":
        return ""
    return f'<div style="margin:6px 0 0;{_QUIET}">Result</div>{_pre(task.result.repr, _BARE)}'


def _pre(text: str, style: str = _MONO) -> str:
    return f'<pre style="{style}">{text_html(text)}</pre>' if text else ""
