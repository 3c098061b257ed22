"""Stopping: what is left of a task's time to clean up, and where it is meanwhile."""

from __future__ import annotations

from ..core.sanitize import to_single_line
from ..core.task import Task
from .formats import duration


def stopping_line(task: Task, now: float) -> str:
    """Return one line about a task that was asked to stop; empty for one that was not."""
    stopping = task.stopping
    if stopping is None:
        return ""
    parts = []
    if stopping.until is not None and not stopping.again:
        parts.append(f"{duration(stopping.until - now, whole=True)} left to clean up")
    if stopping.where is not None:
        since = now if stopping.where_since is None else stopping.where_since
        parts.append(f"{stopping.where}, for {duration(now - since, whole=True)}")
    if stopping.note is not None:
        parts.append(stopping.note)
    return to_single_line("; ".join(parts))


def stopping_word(task: Task) -> str:
    """Return "cancelling", or "stopping" after a timeout or a signal; else an empty text."""
    if task.state.ended:
        return ""
    if task.cancel_requested or (task.stopping is not None and task.stopping.why == "cancel"):
        return "cancelling"
    return "" if task.stopping is None else "stopping"
