"""Event loop in a side thread, while the main thread waits and can be interrupted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from ...system.graces import KILL_TIMEOUT

T = TypeVar("T")
POLL_INTERVAL = 0.1
"""Seconds within which the main thread handles a signal."""


class LoopThread(Generic[T]):
    """Runs *work* in an event loop in a thread of its own.

    A signal's handler raises in the main thread, at any bytecode; an event loop there could swallow the
    exception, or raise it into an unrelated callback. Hence the thread. *stop* waits for the work to end; it
    is cancelled when a second exception is raised, and after it the work is cancelled.
    """

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, T]], stop: Callable[[asyncio.Task[T]], Awaitable[None]]
    ) -> None:
        self._work = work
        self._stop = stop
        self._done: Future[T] = Future()
        self._guard = threading.Lock()
        self._stop_requested = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[T] | None = None
        self._stopping: asyncio.Task[None] | None = None

    def run(self) -> T:
        """Return the work's result. An exception raised here meanwhile goes on when the work has ended."""
        context = copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._main,), name="jupyter-agent-loop", daemon=True
        )
        try:
            thread.start()
            self._wait()
        except BaseException:
            self._request_stop()
            if thread.ident is not None:  # a thread that starts later finds the request in `_run_work`
                self._wait_for_stop()
            raise
        return self._done.result()

    def _wait(self) -> None:
        while not wait([self._done], POLL_INTERVAL).done:  # a signal just before a wait is handled after it
            continue

    def _wait_for_stop(self) -> None:
        try:
            self._wait()
        except BaseException:  # the grace of the attempt is over
            self._call_in_loop(self._cancel)
            wait([self._done], KILL_TIMEOUT)
            raise

    def _main(self) -> None:
        try:
            value = asyncio.run(self._run_work())
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self._done.set_exception(error)
        else:
            self._done.set_result(value)

    async def _run_work(self) -> T:
        with self._guard:
            if self._stop_requested:
                raise asyncio.CancelledError
            self._loop = asyncio.get_running_loop()
            self._running = asyncio.ensure_future(self._work())
        return await self._running

    def _request_stop(self) -> None:
        with self._guard:
            self._stop_requested = True
        self._call_in_loop(self._start_stopping)

    def _call_in_loop(self, callback: Callable[[], object]) -> None:
        with self._guard:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(callback)

    def _cancel(self) -> None:
        if self._stopping is not None:
            self._stopping.cancel()

    def _start_stopping(self) -> None:
        self._stopping = asyncio.ensure_future(self._stop_and_cancel())

    async def _stop_and_cancel(self) -> None:
        assert self._running is not None
        try:
            await self._stop(self._running)
        finally:
            self._running.cancel()
