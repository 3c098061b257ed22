"""Outcome of an attempt: its end state, and the errors made from and for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ..core.events import Error, TaskState
from ..errors import (
    BadTarget,
    CancelledTaskError,
    TargetFailed,
    TaskCancelled,
    TaskError,
    TaskFailed,
    TaskInterrupted,
    TaskTimeout,
)
from .interrupt import Terminated
from .stopping.course import FROM_KEYBOARD
from .tracebacks import MAX_TRACEBACK, trimmed, where_stopped

MAX_MESSAGE = 10_000
"""Characters of an error's message that are kept."""

NO_INPUT = "input() has nobody here to answer it; jupyter_agent.current().ask(prompt) asks in the views"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An end state with the value or the exception behind it."""

    state: TaskState
    value: object = None
    exception: BaseException | None = None
    error: Error | None = None
    reason: str | None = None


class OutcomeHolder:
    """Keeps an outcome alive for as long as a handle of the task exists."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None


def outcome_of(error: BaseException, *, late: Error | None = None, forced: str | None = None) -> Outcome:
    """Return the outcome of an attempt whose function raised *error*.

    *late* is given when the attempt was stopped because it, or a part of its work, took too long; *forced*
    says how it was ended when it did not end by itself.
    """
    if isinstance(error, Terminated) and not error.expected:
        return Outcome(TaskState.INTERRUPTED, exception=error, reason="its worker was terminated (SIGTERM)")
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return Outcome(TaskState.COMPLETED)
    stopped = is_stop(error)
    if stopped and late is not None:
        message = f"{late.message}{f' and {forced}' if forced else ''}"
        # Otherwise the work is another process's.
        where = where_stopped(error, f"{late.type}: {message}") if late.type == "TaskTimeout" else ""
        return Outcome(TaskState.FAILED, exception=error, error=Error(late.type, message, where))
    if stopped:
        from_keyboard = isinstance(error, KeyboardInterrupt)
        return Outcome(TaskState.CANCELLED, reason=FROM_KEYBOARD if from_keyboard else forced)
    return failure(error)


def is_stop(error: BaseException) -> bool:
    """Return whether *error* is what stops a task, or a group of nothing else, as a task group raises it."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_stop(one) for one in error.exceptions)
    return isinstance(error, (TaskCancelled, asyncio.CancelledError, KeyboardInterrupt, Terminated))


def failure(error: BaseException) -> Outcome:
    """Return the outcome of an attempt that failed with *error*."""
    return Outcome(TaskState.FAILED, exception=error, error=described(error))


def described(error: BaseException) -> Error:
    """Return *error* as text: type, message, traceback."""
    if isinstance(error, TargetFailed):
        return Error(error.type, error.message[:MAX_MESSAGE], error.traceback[-MAX_TRACEBACK:])
    if isinstance(error, BadTarget):
        return Error(type(error).__name__, str(error)[:MAX_MESSAGE])
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the user's __str__ may raise anything
        message = "<its message could not be made>"
    name = type(error).__name__
    if (name, message) == ("EOFError", "EOF when reading a line") or name == "StdinNotImplementedError":
        message = f"{message.rstrip('.')}; {NO_INPUT}"
    return Error(name, message[:MAX_MESSAGE], trimmed(error))


def task_error(
    task_id: str, name: str, state: TaskState, error: Error | None, reason: str | None
) -> TaskError:
    """Return what `result()` raises for an attempt that did not complete."""
    because = f": {reason}" if reason else ""
    if state is TaskState.CANCELLED:
        return CancelledTaskError(f"task {name} was cancelled{because}", task_id=task_id)
    if state is TaskState.INTERRUPTED:
        return TaskInterrupted(f"task {name} was interrupted{because}", task_id=task_id)
    kind = TaskTimeout if error is not None and error.type == "TaskTimeout" else TaskFailed
    what = f"{error.type}: {error.message}" if error is not None else "no reason is known"
    return kind(
        f"task {name} failed with {what}" if kind is TaskFailed else f"task {name} was stopped: {what}",
        task_id=task_id,
        type=error.type if error else "",
        traceback=error.traceback if error else "",
    )
