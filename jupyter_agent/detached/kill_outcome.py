"""Outcome of a task whose worker had to be killed."""

from __future__ import annotations

from ..core.events import Error, State, TaskState

_KILLED = "its worker had to be killed"


def kill_outcome(*, cancelled: bool) -> State:
    """Return the end that the journal's holder records: after a cancel, else after the task's timeout."""
    if cancelled:
        return State(TaskState.CANCELLED, reason=_KILLED)
    return State(
        TaskState.FAILED, error=Error("TaskTimeout", f"it ran longer than its timeout and {_KILLED}")
    )
