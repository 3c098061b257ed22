"""Exceptions of the package: one tree; facts are attributes, and the message is one sentence."""

from __future__ import annotations


class AgentError(Exception):
    """Base of every exception that this package raises on purpose."""


class TaskError(AgentError):
    """An error that concerns one task. ``task_id`` is its id."""

    def __init__(self, message: str, *, task_id: str = "") -> None:
        super().__init__(message)
        self.task_id = task_id


class TaskFailed(TaskError):
    """The task's function raised.

    ``type`` and ``traceback`` are text, as recorded where it ran; ``__cause__`` is the original
    exception where that object still exists (the process that ran the task).
    """

    def __init__(self, message: str, *, task_id: str, type: str = "", traceback: str = "") -> None:
        super().__init__(message, task_id=task_id)
        self.type = type
        self.traceback = traceback

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n\n{self.traceback}" if self.traceback else message


class TargetFailed(TaskFailed):
    """A target failed in another process, a kernel or a program; ``type`` is the error's name there."""

    def __init__(self, message: str, *, type: str, traceback: str = "") -> None:
        super().__init__(message, task_id="", type=type, traceback=traceback)
        self.message = message


class TaskTimeout(TaskFailed):
    """The task ran longer than its ``timeout`` and was stopped."""


class TaskCancelled(BaseException):
    """The task was cancelled. ``task_id`` is its id.

    Raised inside the task at its next safe point. Like `asyncio.CancelledError` it is no `Exception`, so
    that code that forgives errors does not forgive a cancel. What ``result()`` raises is one.
    """

    def __init__(self, message: str, *, task_id: str = "") -> None:
        super().__init__(message)
        self.task_id = task_id


class CancelledTaskError(TaskCancelled, TaskError):
    """A `TaskCancelled` that is an `Exception`: ``result()`` raises it to whoever waits for the task."""


class TaskInterrupted(TaskError):
    """The process that ran the task ended before the task did."""


class ResultNotStored(TaskError):
    """The task completed, but its result is not available in this process; ``repr`` is its repr."""

    def __init__(self, message: str, *, task_id: str, repr: str = "") -> None:
        super().__init__(message, task_id=task_id)
        self.repr = repr


class UnknownTask(TaskError):
    """The task id is unknown to the journal and to this process."""


class NotNow(TaskError):
    """The command makes no sense in the task's current state, or needs a server that is not running."""


class InvalidTransition(TaskError):
    """A state change that the state table does not allow (a bug in the code that emits it)."""

    def __init__(self, message: str, *, task_id: str, old: str, new: str) -> None:
        super().__init__(message, task_id=task_id)
        self.old = old
        self.new = new


class CannotTravel(AgentError, TypeError):
    """A function or an argument cannot be pickled, and so cannot run in another process."""


class BadTarget(AgentError):
    """A target cannot be run as it was given."""


class ProtocolError(AgentError):
    """The peer violated the wire protocol; ``code`` is a WebSocket close code."""

    def __init__(self, message: str, *, code: int = 4500) -> None:
        super().__init__(message)
        self.code = code


class BadCursor(AgentError):
    """A cursor that is not valid."""


class JournalError(AgentError):
    """The journal cannot be opened or written."""


class NewerJournal(JournalError):
    """The journal was written by a newer version of this package; nothing in it was changed."""


class JournalHeld(JournalError):
    """Another process has this journal open; ``holder`` is the content of its address file (may be empty)."""

    def __init__(self, message: str, *, holder: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.holder = holder or {}


class SpoolError(AgentError):
    """A spool folder or segment cannot be created or read."""


class BadSchedule(AgentError):
    """A schedule's trigger is not valid."""


class UnknownSchedule(AgentError):
    """The journal has no schedule with this id."""


class ServerUnreachable(AgentError):
    """No server answered at ``url``."""

    def __init__(self, message: str, *, url: str = "") -> None:
        super().__init__(message)
        self.url = url


class RequestRefused(AgentError):
    """The server answered with an error; ``status`` is the HTTP status, ``code`` a stable word."""

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
