"""Outcome of a task whose worker had to be killed."""

from __future__ import annotations

from ..core.events import Error, State, TaskState


def kill_outcome(*, cancelled: bool, grace: float, again: bool) -> State:
    """Return the end that the journal's holder records: after a cancel, else after the task's timeout.

    *grace* is in seconds; *again*: a second cancel ended it.
    """
    killed = "killed by a second cancel" if again else f"did not stop in {grace:g} s, killed"
    if cancelled:
        return State(TaskState.CANCELLED, reason=killed)
    return State(TaskState.FAILED, error=Error("TaskTimeout", f"it ran longer than its timeout and {killed}"))
