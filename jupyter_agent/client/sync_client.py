"""`connect`: a synchronous client, for programs and notebook cells without an event loop of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from concurrent.futures import CancelledError
from typing import Any, Literal, Self, TypeVar

from ..core.query import EventsPage
from ..core.task import Task
from ..errors import AgentError
from ..protocol.subscriber import Apply, Restart
from ..rendering.signatures import readable
from ..transport.discovery import Address
from .async_client import AgentClient, server_address

T = TypeVar("T")


@readable
def connect(url: str | None = None, token: str | None = None) -> Client:
    """Connect to the server at *url* (``http://host:port/base/``); ``None``: to this user's own.

    Raises `ServerUnreachable` when nothing answers there, `RequestRefused` when *token* is not enough.
    """
    return Client(server_address(url, token))


@readable
class Client:
    """`AgentClient` with blocking methods; it owns one thread with one event loop until `close`.

    Usable from any thread, and from a notebook cell: it never touches the caller's own loop.
    """

    def __init__(self, address: Address | Callable[[], Address | None]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="jupyter-agent-client", daemon=True)
        self._thread.start()
        self._closed = False
        self._agent = self._call(_make(address))
        try:
            self._call(self._agent.tasks(limit=1))
        except BaseException:
            self.close()
            raise

    def health(self) -> dict[str, Any]:
        """See `AgentClient.health`."""
        return self._call(self._agent.health())

    def tasks(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        key: str | None = None,
        limit: int | None = 50,
        before: str | None = None,
    ) -> list[Task]:
        """See `AgentClient.tasks`."""
        return self._call(self._agent.tasks(state=state, name=name, key=key, limit=limit, before=before))

    def task(self, task_id: str) -> Task:
        """See `AgentClient.task`."""
        return self._call(self._agent.task(task_id))

    def events(
        self,
        task_id: str,
        *,
        after: str | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> EventsPage:
        """See `AgentClient.events`."""
        return self._call(self._agent.events(task_id, after=after, limit=limit, types=types))

    def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        """See `AgentClient.command`."""
        self._call(self._agent.command(task_id, command, args))

    def delete(self, task_id: str) -> None:
        """See `AgentClient.delete`."""
        self._call(self._agent.delete(task_id))

    def follow(
        self,
        tasks: Literal["*"] | Sequence[str] = "*",
        *,
        after: str | None = None,
        tail: int | None = None,
        types: Sequence[str] | None = None,
        patience: float | None = None,
    ) -> Generator[Restart | Apply]:
        """See `AgentClient.follow`; leaving the loop over it, also by ``break``, closes it."""
        items = self._call(
            _started(self._agent, tasks, after=after, tail=tail, types=types, patience=patience)
        )
        try:
            while (item := self._call(_next(items))) is not None:
                yield item
        finally:
            if not self._closed:
                self._call(_end(items))

    def close(self) -> None:
        """Close the connections and end the thread. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        if self._closed:
            work.close()
            raise AgentError("this client is closed; connect again")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError as error:
            raise AgentError("this client was closed in the meantime") from error
        except BaseException:
            future.cancel()
            raise

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._finish())
        self._loop.close()

    async def _finish(self) -> None:
        """Cancel the calls that still wait, so that their threads go on, and close."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
        await self._loop.shutdown_asyncgens()
        self._agent.close()


async def _make(address: Address | Callable[[], Address | None]) -> AgentClient:
    return AgentClient(address)


async def _started(agent: AgentClient, *args: Any, **options: Any) -> AsyncGenerator[Restart | Apply]:
    return agent.follow(*args, **options)


async def _next(items: AsyncGenerator[Restart | Apply]) -> Restart | Apply | None:
    return await anext(items, None)


async def _end(items: AsyncGenerator[Restart | Apply]) -> None:
    await items.aclose()
