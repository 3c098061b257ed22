"""A server's HTTP API for threads without an event loop: tasks, events and commands."""

from __future__ import annotations

import json
from typing import Any

from ..core.events import Event
from ..core.query import EventQuery, EventsPage, TaskQuery, TasksPage
from ..core.task import Task
from ..protocol.http import TaskPager, command_body, commands_path, events_path, read_all, task_path
from .blocking_http import fetch
from .discovery import Address
from .problem import read_answer


class BlockingApi:
    """One server. Every method raises what `fetch` and `read_answer` raise."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def health(self) -> dict[str, Any]:
        return self._get("health", dict[str, Any])  # type: ignore[no-any-return]

    def tasks(self, query: TaskQuery) -> list[Task]:
        pager = TaskPager(query)
        while (path := pager.path) is not None:
            pager.add(self._get(path, TasksPage))
        return pager.found

    def task(self, task_id: str) -> Task:
        return self._get(task_path(task_id), Task, task_id)  # type: ignore[no-any-return]

    def events(self, task_id: str, query: EventQuery) -> EventsPage:
        return self._get(events_path(task_id, query), EventsPage, task_id)  # type: ignore[no-any-return]

    def all_events(self, task_id: str, after: str | None) -> list[Event]:
        """Return every event after the cursor *after*, ``None`` for all."""
        return read_all(lambda query: self.events(task_id, query), after)

    def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        body = json.dumps(command_body(command, args)).encode()
        fetch(self._address, "POST", commands_path(task_id), body, task_id=task_id)

    def _get(self, path: str, kind: type[Any], task_id: str = "") -> Any:
        return read_answer(fetch(self._address, "GET", path, task_id=task_id), kind, self._address.url)
