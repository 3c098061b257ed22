"""HTTP requests for tasks and events: paths, bodies and paging, without any I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from msgspec.structs import asdict, replace

from ..core.events import Event
from ..core.query import EventQuery, EventsPage, TaskQuery, TasksPage
from ..core.task import Task

PAGE = 500
"""Maximum number of tasks in one request."""


def tasks_path(query: TaskQuery) -> str:
    """Return the path of a page of tasks."""
    return "tasks" + _query(asdict(query))


def task_path(task_id: str) -> str:
    """Return the path of one task: its snapshot with GET, to forget it with DELETE."""
    return f"tasks/{quote(task_id, safe='')}"


def events_path(task_id: str, query: EventQuery) -> str:
    """Return the path of a page of a task's events."""
    fields = asdict(query) | {"types": ",".join(query.types) if query.types else None}
    return f"{task_path(task_id)}/events{_query(fields)}"


def commands_path(task_id: str) -> str:
    """Return the path to which commands for a task are posted."""
    return f"{task_path(task_id)}/commands"


def command_body(command: str, args: dict[str, Any] | None) -> dict[str, Any]:
    """Return the body of a command; no *args* are an empty object."""
    return {"command": command, "args": args or {}}


def _query(fields: dict[str, object]) -> str:
    given = {name: value for name, value in fields.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


class TaskPager:
    """Reads the tasks of one query page by page: request `path` and `add` the answer until it is ``None``."""

    def __init__(self, query: TaskQuery) -> None:
        self.found: list[Task] = []
        self._query = query
        self._more = True

    @property
    def path(self) -> str | None:
        """The path of the next page; ``None`` when everything was read."""
        limit = self._query.limit
        left = PAGE if limit is None else min(PAGE, limit - len(self.found))
        if not self._more or left <= 0:
            return None
        return tasks_path(replace(self._query, limit=left))

    def add(self, page: TasksPage) -> None:
        """Add a page."""
        self.found += page.tasks
        # A server that searched for long stops on the way; an older one names no place to go on from.
        before = page.before or (page.tasks[-1].id if page.tasks else None)
        self._more = page.more and before is not None
        self._query = replace(self._query, before=before)


def read_all(read: Callable[[EventQuery], EventsPage], after: str | None = None) -> list[Event]:
    """Return every event after the cursor *after* (``None``: from the first), asked for page by page."""
    events: list[Event] = []
    query, more = EventQuery(after=after), True
    while more:
        page = read(query)
        events += page.events
        query, more = replace(query, after=page.cursor), page.more
    return events
