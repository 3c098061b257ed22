"""A coroutine in a thread of its own, while the main thread waits, open to what is raised into it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from ...system.graces import LOOP_GRACE

T = TypeVar("T")
POLL_INTERVAL = 0.1
"""Seconds within which what is raised into the main thread is noticed there."""


class LoopThread(Generic[T]):
    """An event loop in a thread that runs *work*.

    A signal's handler raises in the main thread, wherever that is; a loop there could swallow it, or hand it
    to whatever runs. Hence the thread. *stop* gives the work its time to end; after it the work is cancelled.
    """

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, T]], stop: Callable[[asyncio.Task[T]], Awaitable[None]]
    ) -> None:
        self._work = work
        self._stop = stop
        self._done: Future[T] = Future()
        self._guard = threading.Lock()
        self._asked = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[T] | None = None
        self._stopping: asyncio.Task[None] | None = None

    def run(self) -> T:
        """What the work gives. What is raised here meanwhile is raised when the work has ended."""
        context = copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._main,), name="jupyter-agent-aside", daemon=True
        )
        try:
            thread.start()
            while not wait(
                [self._done], POLL_INTERVAL
            ).done:  # a signal just before a wait is handled after it
                continue
        except BaseException:
            self._ask()
            if thread.ident is not None:  # else, should it still come up, it finds that it was asked
                wait([self._done], LOOP_GRACE)
            raise
        return self._done.result()

    def _main(self) -> None:
        try:
            value = asyncio.run(self._watched())
        except BaseException as error:  # noqa: BLE001 - it is raised where the main thread waits
            self._done.set_exception(error)
        else:
            self._done.set_result(value)

    async def _watched(self) -> T:
        with self._guard:
            if self._asked:
                raise asyncio.CancelledError
            self._loop = asyncio.get_running_loop()
            self._running = asyncio.ensure_future(self._work())
        return await self._running

    def _ask(self) -> None:
        with self._guard:
            self._asked = True
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._begin_to_stop)

    def _begin_to_stop(self) -> None:
        self._stopping = asyncio.ensure_future(self._end())

    async def _end(self) -> None:
        assert self._running is not None
        try:
            await self._stop(self._running)
        finally:
            self._running.cancel()
