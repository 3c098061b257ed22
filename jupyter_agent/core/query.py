"""Queries for tasks and events, and the pages that answer them."""

from __future__ import annotations

from msgspec import Struct

from .events import Event, TaskState
from .task import Task


class TaskQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which tasks to list, newest first by id.

    ``limit``: maximum number of tasks, ``None`` for all. ``before``: only tasks with smaller ids;
    ``after``: only those with greater ones.
    """

    state: str | None = None
    name: str | None = None
    key: str | None = None
    before: str | None = None
    after: str | None = None
    limit: int | None = 50


def key_queries(key: str) -> list[TaskQuery]:
    """Return queries whose answers hold the task that *key* stands for: see `current_for_key`."""
    states = (TaskState.QUEUED, TaskState.RUNNING, TaskState.COMPLETED, None)
    return [TaskQuery(key=key, state=state, limit=1) for state in states]


NEWEST_TASKS = TaskQuery()
"""The newest tasks of every state, as many as a page has."""


class EventQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which events of a task to read, oldest first.

    ``after`` is a cursor, ``None`` for the first event; ``limit`` of ``None`` leaves the size of a page to
    the journal's side; ``types`` of ``None`` are all of them. ``level`` and ``grep`` are conditions of a
    `LineFilter`, which a server applies to what it sends; without a server there is more than what fits.
    """

    after: str | None = None
    limit: int | None = None
    types: tuple[str, ...] | None = None
    level: str | None = None
    grep: str | None = None


class TasksPage(Struct):
    """``GET tasks``: newest first; ``cursor``: the journal's head.

    ``more``: there are older ones; or there may be, also after a page without any, when ``before`` is set: a
    search that took long ended there, and goes on from there.
    """

    tasks: list[Task]
    more: bool = False
    cursor: str | None = None
    before: str | None = None


class EventsPage(Struct):
    """``GET tasks/{id}/events``: oldest first; ``cursor`` is where the next page begins."""

    events: list[Event]
    cursor: str
    more: bool = False
