"""Problem details (RFC 9457) and other bad answers, and the exceptions that they stand for."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ..core.events import UNREADABLE
from ..errors import (
    AgentError,
    BadCursor,
    JournalError,
    NotNow,
    RequestRefused,
    UnknownSchedule,
    UnknownTask,
)

_STATUS_AND_CODE: dict[type[AgentError], tuple[int, str]] = {
    UnknownTask: (404, "unknown_task"),
    UnknownSchedule: (404, "unknown_schedule"),
    NotNow: (409, "not_now"),
    BadCursor: (400, "bad_cursor"),
}
_LOGIN_STATUSES = (301, 302, 303, 307, 308, 401, 403)
"""What a Jupyter server answers to a request without its token; the redirects lead to its login page."""


class Problem(Struct):
    """The fields of a problem detail that are read; ``message`` is what Jupyter's own handlers send.

    ``code`` is a stable word.
    """

    detail: str = ""
    title: str = ""
    code: str = ""
    message: str | None = None

    @property
    def sentence(self) -> str:
        """What to tell a person; empty when the problem does not say."""
        return self.detail or self.message or self.title


def status_and_code(error: AgentError) -> tuple[int, str]:
    """Return the HTTP status and the stable word that stand for *error*."""
    if isinstance(error, RequestRefused):
        return error.status, error.code
    if isinstance(error, JournalError):
        return 503, "unavailable"
    return _STATUS_AND_CODE.get(type(error), (400, "bad_request"))


def read_problem(body: bytes) -> Problem:
    """Return the problem in *body*; an empty one when *body* is something else."""
    try:
        return msgspec.json.decode(body or b"{}", type=Problem)
    except UNREADABLE:
        return Problem()


def known_error(problem: Problem, task_id: str = "") -> AgentError | None:
    """Return the exception for the problem's code; ``None`` when the code has none of its own."""
    if problem.code == "unknown_task":
        return UnknownTask(problem.sentence or f"there is no task {task_id}", task_id=task_id)
    if problem.code == "not_now":
        return NotNow(problem.sentence or f"task {task_id} does not allow that now", task_id=task_id)
    return None


def http_error(status: int, body: bytes, url: str, task_id: str = "") -> AgentError:
    """Return the exception for a response without success from the server at *url*."""
    problem = read_problem(body)
    return known_error(problem, task_id) or RequestRefused(
        _sentence(status, problem.sentence, url), status=status, code=problem.code or str(status)
    )


def _sentence(status: int, sentence: str, url: str) -> str:
    if sentence and status not in (401, 403, 404):
        return sentence
    if status in _LOGIN_STATUSES:
        return f"{url} wants a login (status {status}); give its token"
    if status == 404:
        return sentence or f"the server at {url} does not have the jupyter_agent extension"
    return f"the server at {url} answered with status {status}"


def read_answer(body: bytes, kind: type[Any], url: str) -> Any:
    """Decode *body* as *kind*. Raises `RequestRefused` when it is not an answer of this extension."""
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise RequestRefused(
            f"{url} answered something that is not a jupyter_agent answer: {error}", code="bad_answer"
        ) from error
