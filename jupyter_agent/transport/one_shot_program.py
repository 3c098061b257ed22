"""The program `jupyter_agent.journal.one_shot`, run for each request; see `protocol.one_shot`."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import msgspec

from ..core.events import Event
from ..core.query import TaskQuery
from ..core.task import Task
from ..errors import AgentError
from ..protocol.one_shot import ListTasks, ReadEvents, Request, SendCommand, ShowTask
from ..system.interpreter import caller_path, program_command, program_start_environment
from .problem import known_error, read_problem

ANSWER_TIMEOUT = 60.0
"""Seconds that the program may take for one answer."""

MAX_TEXT = 1 << 16
"""Maximum number of characters of a name or key to look for; no task has one that is longer."""


class OneShotProgram:
    """The methods of `BlockingApi` that a kernel needs. Each raises `AgentError` with one sentence."""

    def tasks(self, query: TaskQuery) -> list[Task]:
        for text in filter(None, (query.name, query.key)):
            _check_text(text)
        return _ask(ListTasks(query), list[Task])  # type: ignore[no-any-return]

    def task(self, task_id: str) -> Task:
        return _ask(ShowTask(task_id), Task, task_id)  # type: ignore[no-any-return]

    def all_events(self, task_id: str, after: str | None) -> list[Event]:
        return _ask(ReadEvents(task_id, after), list[Event], task_id)  # type: ignore[no-any-return]

    def command(self, task_id: str, command: str, args: dict[str, Any]) -> None:
        _ask(SendCommand(task_id, command, args), type(None), task_id)


def _check_text(text: str) -> None:
    """Raise `AgentError` for a name or key that no task can have."""
    if len(text) > MAX_TEXT:
        raise AgentError(
            f"the journal cannot be asked: {text[:40]!r}… is too long ({len(text):,} characters)"
        )
    if "\0" in text:
        raise AgentError(f"the journal cannot be asked: {text[:40]!r} has a null byte")


def _ask(request: Request, kind: type[Any], task_id: str = "") -> Any:
    """Run the program once and decode its answer as *kind*."""
    done = _run(request)
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout, type=kind)
    problem = read_problem(done.stdout)
    if not problem.sentence:
        raise AgentError(f"the journal cannot be asked: {_last_line(done)}")
    raise known_error(problem, task_id) or AgentError(problem.sentence)


def _run(request: Request) -> subprocess.CompletedProcess[bytes]:
    program = program_command("jupyter_agent.journal.one_shot")
    environment = program_start_environment(os.environ | {"PYTHONPATH": caller_path()})
    try:
        body = msgspec.json.encode(request)
        return subprocess.run(  # noqa: S603 - our own program
            program, input=body, env=environment, capture_output=True, timeout=ANSWER_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise AgentError(f"the journal did not answer within {ANSWER_TIMEOUT:.0f} s") from error
    except (OSError, ValueError) as error:  # ValueError: text that is not UTF-8
        raise AgentError(f"the journal cannot be asked: {error}") from error


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return what a program that crashed printed last."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the process ended with status {done.returncode}"
