"""An asyncio event loop by hand: no selector, no threads, no clock."""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
MANY = 100_000
"""Callbacks in one go after which something runs in circles."""


class Killed(BaseException):
    """The process died here; whatever it still had to do is not done."""


class HandLoop(asyncio.AbstractEventLoop):
    """Runs what is ready when told so; time moves only by `advance`. Raises what a callback raised.

    Of an event loop's many methods it has those that make no use of a selector, a process or a thread.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[asyncio.TimerHandle] = []
        self._failures: list[BaseException] = []
        self._tasks: list[asyncio.Task[Any]] = []

    def settle(self) -> None:
        """Run until nothing is ready."""
        events._set_running_loop(self)
        try:
            for _ in range(MANY):
                if not self._ready:
                    break
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
            else:
                raise AssertionError("the loop never comes to rest")
        finally:
            events._set_running_loop(None)
        if self._failures:
            raise self._failures.pop(0)

    def advance(self, seconds: float) -> None:
        """Let time pass, and run what became due."""
        self._now += seconds
        while self._timers and (self._timers[0].when() <= self._now or self._timers[0].cancelled()):
            timer = heapq.heappop(self._timers)
            if not timer.cancelled():
                self._ready.append(timer)
                self.settle()
        self.settle()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin *work*, which may not fail; it goes on whenever the loop runs."""
        task = self.create_task(work)
        task.add_done_callback(self._failed)
        return task

    def _failed(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Killed):
            self._failures.append(error)

    def end(self) -> None:
        """Cancel everything that still runs."""
        for task in self._tasks:
            task.cancel()
        self.settle()
        self._timers.clear()

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, timer)
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asked for by `asyncio.TimerHandle`; cancelled ones go when their time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        if len(self._tasks) > 100:
            self._tasks = [one for one in self._tasks if not one.done()]
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self._failures.append(context.get("exception") or AssertionError(context["message"]))
