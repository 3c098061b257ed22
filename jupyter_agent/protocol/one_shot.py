"""Requests to the program `jupyter_agent.journal.one_shot`: JSON on standard input.

Standard output is the answer as JSON, with exit status 0, or problem details, with exit status 1.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ..core.query import TaskQuery


class _Request(Struct, frozen=True, tag_field="request"):
    pass


class ListTasks(_Request, frozen=True, tag="tasks"):
    """The answer is a list of `core.task.Task`."""

    query: TaskQuery


class ShowTask(_Request, frozen=True, tag="task"):
    """The answer is a `core.task.Task`."""

    task: str


class ReadEvents(_Request, frozen=True, tag="events"):
    """The answer is a list of `core.events.Event`: all after the cursor *after*, ``None`` for all."""

    task: str
    after: str | None = None


class SendCommand(_Request, frozen=True, tag="command"):
    """The answer is ``null``, once the command is on record."""

    task: str
    command: str
    args: dict[str, Any] = {}


Request = ListTasks | ShowTask | ReadEvents | SendCommand
