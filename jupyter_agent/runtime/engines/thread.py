"""Engine that runs an attempt in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from ..attempt import Attempt
from ..interrupt import AsyncExceptionInterrupter
from ..stopping import sleep
from .base import BaseEngine, Work, run_attempt
from .calls import value_of


class ThreadEngine(BaseEngine):
    """Runs an attempt in a daemon thread; a coroutine function gets an event loop there."""

    note: str | None = "a thread cannot be killed; restart the kernel to end it (on='process' can be)"

    def __init__(self, attempt: Attempt, work: Work) -> None:
        super().__init__(attempt)
        self._work = work
        self._stop = AsyncExceptionInterrupter()
        self._cancel_coroutine: Callable[[], object] | None = None
        self._thread: int | None = None

    def start(self) -> None:
        sleep.install()
        name = f"jupyter-agent-task-{self._attempt.task.options.name}"
        threading.Thread(target=self._main, name=name, daemon=True).start()

    def cancel(self) -> None:
        if self._cancel_coroutine is not None:
            self._mark_told()
            self._cancel_coroutine()
        elif self._attempt.context.positions:
            self.force()

    @property
    def thread(self) -> int | None:
        return self._thread

    def interrupt(self) -> None:
        if not self._attempt.context.cancellation.is_told(self._thread):
            self.force()

    def force(self) -> None:
        self._mark_told()
        self._stop.throw()

    def _mark_told(self) -> None:
        if self._thread is not None:
            self._attempt.context.cancellation.mark_told(self._thread)

    def _main(self) -> None:
        self._thread = threading.get_ident()
        self._attempt.variables.run(run_attempt, self._attempt, self._call, self._stop)

    def _call(self) -> Any:
        return value_of(self._work, lambda coroutine: asyncio.run(self._as_cancellable(coroutine)))

    async def _as_cancellable(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        loop = asyncio.get_running_loop()
        running = asyncio.ensure_future(coroutine)

        def cancel() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(running.cancel)

        self._cancel_coroutine = cancel
        self._attempt.context.raise_if_cancelled()
        return await running
