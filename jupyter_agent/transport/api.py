"""A server's HTTP API on an event loop: tasks, events and commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado.httpclient import HTTPResponse

from ..core.query import EventQuery, EventsPage, TaskQuery, TasksPage
from ..core.task import Task
from ..errors import ServerUnreachable
from ..protocol.http import TaskPager, command_body, commands_path, events_path, task_path
from .discovery import Address
from .http import HttpClient, exchange
from .problem import read_answer


class Api:
    """One server, by a function that says where it is now (``None``: nowhere). `close` it.

    Every method raises `ServerUnreachable` when nothing answers and `RequestRefused`, `UnknownTask` or
    `NotNow` with the server's own sentence.
    """

    def __init__(self, locate: Callable[[], Address | None]) -> None:
        self.locate = locate
        self._http = HttpClient(force_instance=True)

    async def health(self) -> dict[str, Any]:
        return await self.get("health", dict[str, Any])  # type: ignore[no-any-return]

    async def tasks(self, query: TaskQuery) -> list[Task]:
        pager = TaskPager(query)
        while (path := pager.path) is not None:
            pager.add(await self.get(path, TasksPage))
        return pager.found

    async def task(self, task_id: str) -> Task:
        return await self.get(task_path(task_id), Task, task_id)  # type: ignore[no-any-return]

    async def events(self, task_id: str, query: EventQuery) -> EventsPage:
        return await self.get(events_path(task_id, query), EventsPage, task_id)  # type: ignore[no-any-return]

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        await self.send("POST", commands_path(task_id), command_body(command, args), task_id=task_id)

    async def delete(self, task_id: str) -> None:
        await self.send("DELETE", task_path(task_id), task_id=task_id)

    async def get(self, path: str, kind: type[Any], task_id: str = "") -> Any:
        """Return what is at *path*, decoded as *kind*."""
        response = await self.send("GET", path, task_id=task_id)
        return self.decode(response, kind)

    async def send(self, method: str, path: str, body: object = None, *, task_id: str = "") -> HTTPResponse:
        """Send *body* as JSON and return a 2xx response. *path* is below ``jupyter-agent/``."""
        return await exchange(self._http, self.address(), method, path, body, task_id=task_id)

    def decode(self, response: HTTPResponse, kind: type[Any]) -> Any:
        """Decode a response as *kind*. Raises `RequestRefused` when another program answered."""
        return read_answer(response.body, kind, self.address().url)

    def address(self) -> Address:
        """Return the server's present address. Raises `ServerUnreachable` when there is none."""
        address = self.locate()
        if address is None:
            raise ServerUnreachable("no Jupyter server with jupyter_agent is running")
        return address

    def close(self) -> None:
        """Close idle connections. Idempotent."""
        self._http.close()
