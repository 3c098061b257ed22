"""`AgentClient`: everything a server offers to a program, on the caller's event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Literal, Self

from ..core.query import EventQuery, EventsPage, TaskQuery
from ..core.task import Task
from ..protocol.subscriber import Apply, Restart
from ..rendering.signatures import readable
from ..system.paths import data_paths
from ..transport.api import Api
from ..transport.discovery import DEFAULT, Address, find_address, find_served, remote_address
from .subscription import follow


def server_address(url: str | None, token: str | None) -> Address | Callable[[], Address | None]:
    """Return the address of the server at *url*; for ``None``, what finds this user's own server."""
    if url is not None:
        return remote_address(url, token)
    paths = data_paths()
    return lambda: find_address(paths, find_served(paths) or DEFAULT)


@readable
class AgentClient:
    """One server, by its *address* or by a function that says where it is now (``None``: nowhere).
    `connect` makes one from a URL and a token, or for this user's own server.

    Every method raises `ServerUnreachable` when nothing answers and `RequestRefused` (or `UnknownTask` or
    `NotNow`) with the server's own sentence. Use it on one event loop, and `close` it.
    """

    @classmethod
    async def connect(cls, url: str | None = None, token: str | None = None) -> Self:
        """Connect to the server at *url* (``http://host:port/base/``); ``None``: to this user's own.

        Raises `ServerUnreachable` when nothing answers there, `RequestRefused` when *token* is not enough.
        """
        client = cls(server_address(url, token))
        try:
            await client.tasks(limit=1)
        except BaseException:
            client.close()
            raise
        return client

    def __init__(self, address: Address | Callable[[], Address | None]) -> None:
        self._api = Api(address if callable(address) else lambda: address)

    async def health(self) -> dict[str, Any]:
        """``status``, and for those who may read tasks also ``journal``, ``lag``, ``connections``."""
        return await self._api.health()

    async def tasks(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        key: str | None = None,
        limit: int | None = 50,
        before: str | None = None,
    ) -> list[Task]:
        """Return at most *limit* tasks (``None``: all), newest first; *before* is an id to go on from."""
        return await self._api.tasks(TaskQuery(state=state, name=name, key=key, limit=limit, before=before))

    async def task(self, task_id: str) -> Task:
        """Return the snapshot of one task."""
        return await self._api.task(task_id)

    async def events(
        self,
        task_id: str,
        *,
        after: str | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> EventsPage:
        """Return one page of a task's events, from the first or after the cursor *after*."""
        query = EventQuery(after=after, limit=limit, types=tuple(types) if types else None)
        return await self._api.events(task_id, query)

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        """Ask the task for "cancel", "retry" or "input"; returns once that is on record."""
        await self._api.command(task_id, command, args)

    async def delete(self, task_id: str) -> None:
        """Delete an ended task; raises `NotNow` for one that has not ended."""
        await self._api.delete(task_id)

    def follow(
        self,
        tasks: Literal["*"] | Sequence[str] = "*",
        *,
        after: str | None = None,
        tail: int | None = None,
        types: Sequence[str] | None = None,
        patience: float | None = None,
    ) -> AsyncGenerator[Restart | Apply]:
        """Yield snapshots, then every event exactly once and in order, across any number of disconnects.

        *after* goes on from a cursor (that of a `Restart` or `Apply`, or an `EventsPage`); ``None``
        starts from now, with the last *tail* log, message and display events of each named task. *types*
        narrows the events. Reconnects forever, or ends with `ServerUnreachable` after *patience* seconds
        without a connection. Close it (``aclose``) when it is not read to its end.
        """
        return follow(self._api, tasks, after=after, tail=tail, types=types, patience=patience)

    def close(self) -> None:
        """Close idle connections. Idempotent."""
        self._api.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
