"""`AgentClient`: everything a server offers to a program, on the caller's event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

from ..core.task import Task
from ..errors import ServerUnreachable
from ..protocol.subscriber import Apply, Restart
from ..transport.discovery import Address
from ..transport.http import HttpClient, exchange, read
from .pages import EventsPage, TasksPage
from .subscription import follow

PAGE = 500
"""The most tasks asked for at once."""


class AgentClient:
    """One server, by its *address* or by a function that says where it is now (``None``: nowhere).

    Every method raises `ServerUnreachable` when nothing answers and `RequestRefused` (or one of its
    kin, `UnknownTask` and `NotNow`) with the server's own sentence. Use it on one event loop, and `close` it.
    """

    def __init__(self, address: Address | Callable[[], Address | None]) -> None:
        self._locate = address if callable(address) else lambda: address
        self._http = HttpClient(force_instance=True)

    async def health(self) -> dict[str, Any]:
        """``status``, and for those who may read tasks also ``journal``, ``lag``, ``connections``."""
        return await self._get("health", dict[str, Any])  # type: ignore[no-any-return]

    async def tasks(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        key: str | None = None,
        limit: int | None = 50,
        before: str | None = None,
    ) -> list[Task]:
        """At most *limit* tasks (``None``: all), newest first; *before* is an id to go on from."""
        found: list[Task] = []
        while limit is None or len(found) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(found))
            query = _query(state=state, name=name, key=key, limit=size, before=before)
            page: TasksPage = await self._get(f"tasks{query}", TasksPage)
            found += page.tasks
            if not (page.more and page.tasks):
                break
            before = page.tasks[-1].id
        return found

    async def task(self, task_id: str) -> Task:
        """The snapshot of one task."""
        return await self._get(_path(task_id), Task, task_id)  # type: ignore[no-any-return]

    async def events(
        self,
        task_id: str,
        *,
        after: str | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> EventsPage:
        """One page of a task's events, from the first or after the cursor *after*."""
        query = _query(after=after, limit=limit, types=",".join(types) if types else None)
        return await self._get(_path(task_id) + f"/events{query}", EventsPage, task_id)  # type: ignore[no-any-return]

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        """Ask the task for "cancel", "retry" or "input"; returns once that is on record."""
        body = {"command": command, "args": args or {}}
        await self._fetch("POST", _path(task_id) + "/commands", body, task_id=task_id)

    async def delete(self, task_id: str) -> None:
        """Forget an ended task; raises `NotNow` for one that has not ended."""
        await self._fetch("DELETE", _path(task_id), task_id=task_id)

    def follow(
        self,
        tasks: Literal["*"] | Sequence[str] = "*",
        *,
        after: str | None = None,
        tail: int | None = None,
        types: Sequence[str] | None = None,
        patience: float | None = None,
    ) -> AsyncGenerator[Restart | Apply]:
        """Snapshots, then every event exactly once and in order, across any number of disconnects.

        *after* goes on from a cursor (that of a `Restart` or `Apply`, or an `EventsPage`); ``None``
        starts from now, with the last *tail* log, message and display events of each named task. *types*
        narrows the events. Reconnects for ever, or ends with `ServerUnreachable` after *patience* seconds
        without a connection. Close it (``aclose``) when it is not read to its end.
        """
        named: Literal["*"] | list[str] = "*" if tasks == "*" else list(tasks)
        return follow(
            self._locate, self.health, named, after=after, tail=tail, types=types, patience=patience
        )

    def close(self) -> None:
        """Close idle connections; again is nothing."""
        self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def _get(self, path: str, kind: type[Any], task_id: str = "") -> Any:
        return read(await self._fetch("GET", path, task_id=task_id), kind, self._address())

    async def _fetch(self, method: str, path: str, body: object = None, *, task_id: str = "") -> bytes:
        response = await exchange(self._http, self._address(), method, path, body, task_id=task_id)
        return response.body

    def _address(self) -> Address:
        address = self._locate()
        if address is None:
            raise ServerUnreachable("no Jupyter server with jupyter_agent is running")
        return address


def _path(task_id: str) -> str:
    return f"tasks/{quote(task_id, safe='')}"


def _query(**fields: object) -> str:
    given = {key: value for key, value in fields.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
