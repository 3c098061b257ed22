"""Journal client: what a kernel asks about tasks, of the journal's server or of a process without one.

A kernel never opens a journal itself. Where no server holds it, `jupyter_agent.journal.one_shot` in a process
of its own does; the request goes to its standard input, and the answer comes on its standard output.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from ..core.events import Event
from ..core.ids import is_ulid
from ..core.query import TaskQuery
from ..core.task import Task
from ..errors import AgentError, UnknownTask
from ..producer.producer import Producer
from ..protocol.http import read_all
from ..protocol.one_shot import ListTasks, ReadEvents, Request, SendCommand, ShowTask
from ..transport.blocking_api import BlockingApi
from ..transport.problem import known_error, read_problem

ONE_SHOT_TIMEOUT = 60.0
"""Seconds that the process without a server may take for one answer."""

MAX_TEXT = 1 << 16
"""Maximum number of characters of a name or key to look for; no task has one as long."""


def show_task(producer: Producer, task_id: str) -> Task:
    """The snapshot of one task. Raises `UnknownTask`."""
    if not is_ulid(task_id):
        raise UnknownTask(f"{task_id[:80]!r} is not a task id; ja.tasks() lists them", task_id=task_id)
    with _unknown_task_hint():
        if (server := _server(producer)) is not None:
            return server.task(task_id)
        return _ask(ShowTask(task_id), Task, task_id)  # type: ignore[no-any-return]


def list_tasks(
    producer: Producer,
    *,
    state: str | None = None,
    name: str | None = None,
    key: str | None = None,
    limit: int = 50,
) -> list[Task]:
    """The newest tasks, newest first."""
    query = TaskQuery(state=state, name=name, key=key, limit=limit)
    if (server := _server(producer)) is not None:
        return server.tasks(query)
    for text in filter(None, (name, key)):
        _check_text(text)
    return _ask(ListTasks(query), list[Task])  # type: ignore[no-any-return]


def task_events(producer: Producer, task_id: str, after: str | None = None) -> list[Event]:
    """All events of a task, or those after a cursor."""
    if (server := _server(producer)) is not None:
        return read_all(lambda query: server.events(task_id, query), after)
    return _ask(ReadEvents(task_id, after), list[Event], task_id)  # type: ignore[no-any-return]


def command(producer: Producer, task_id: str, word: str, **args: Any) -> None:
    """Send a command to a task. Raises `NotNow` when it makes no sense now, `UnknownTask`."""
    if (server := _server(producer)) is not None:
        server.command(task_id, word, args)
    else:
        _ask(SendCommand(task_id, word, args), type(None), task_id)


def _server(producer: Producer) -> BlockingApi | None:
    address = producer.locate()
    return None if address is None else BlockingApi(address)


@contextmanager
def _unknown_task_hint() -> Iterator[None]:
    try:
        yield
    except UnknownTask as error:
        raise UnknownTask(f"{error}; ja.tasks() lists those there are", task_id=error.task_id) from None


def _check_text(text: str) -> None:
    """Raise `AgentError` for a name or key that no task can have."""
    if len(text) > MAX_TEXT:
        raise AgentError(
            f"the journal cannot be asked: {text[:40]!r}… is too long ({len(text):,} characters)"
        )
    if "\0" in text:
        raise AgentError(f"the journal cannot be asked: {text[:40]!r} has a null byte")


def _ask(request: Request, kind: type[Any], task_id: str = "") -> Any:
    """The answer of the one-shot process, decoded as *kind*. Raises an error with its one sentence."""
    program = [sys.executable, "-m", "jupyter_agent.journal.one_shot"]
    try:
        body = msgspec.json.encode(request)
        done = subprocess.run(  # noqa: S603 - our own program
            program, input=body, capture_output=True, timeout=ONE_SHOT_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise AgentError(f"the journal did not answer within {ONE_SHOT_TIMEOUT:.0f} s") from error
    except (OSError, ValueError) as error:  # ValueError: text that is no UTF-8
        raise AgentError(f"the journal cannot be asked: {error}") from error
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout, type=kind)
    problem = read_problem(done.stdout)
    if not problem.sentence:  # it crashed
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else f"the process ended with status {done.returncode}"
        raise AgentError(f"the journal cannot be asked: {last}")
    raise known_error(problem, task_id) or AgentError(problem.sentence)
