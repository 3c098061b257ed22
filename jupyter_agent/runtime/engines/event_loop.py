"""Engine that runs an attempt on the kernel's event loop."""

from __future__ import annotations

import asyncio
import threading

from ...core.events import TaskState
from ..attempt import Attempt
from ..context import set_current
from ..outcome import Outcome
from .base import BaseEngine, Work
from .calls import awaited, check_value


class LoopEngine(BaseEngine):
    """Runs a coroutine on the event loop on which the task was submitted."""

    note: str | None = "a coroutine stops only where it awaits; interrupt or restart the kernel to end it"

    def __init__(self, attempt: Attempt, work: Work, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(attempt)
        self._work = work
        self.loop = loop
        self._running: asyncio.Task[None] | None = None
        self._thread: int | None = None

    @property
    def thread(self) -> int | None:
        """The thread of the loop, while that executes the coroutine."""
        return self._thread if asyncio.current_task(self.loop) is self._running else None

    def start(self) -> None:
        if self._is_on_loop():
            self._create()
        else:
            self.loop.call_soon_threadsafe(self._create)

    def cancel(self) -> None:
        if self.loop.is_closed():
            self.force()
        else:
            self.loop.call_soon_threadsafe(self._cancel)

    def force(self) -> None:
        """Cancel it again, or end the attempt if its loop is closed."""
        if self.loop.is_closed():
            self._attempt.task.complete(self._attempt, _LOOP_GONE)
        else:
            self.loop.call_soon_threadsafe(self._cancel)

    def poll(self) -> None:
        if self.loop.is_closed():
            self._attempt.task.complete(self._attempt, _LOOP_GONE)

    def _is_on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def _create(self) -> None:
        name = f"jupyter-agent-task-{self._attempt.task.options.name}"
        self._running = self.loop.create_task(self._main(), name=name, context=self._attempt.variables)

    def _cancel(self) -> None:
        if self._running is not None:
            self._attempt.context.cancellation.mark_told()
            self._running.cancel()

    async def _main(self) -> None:
        attempt, self._thread = self._attempt, threading.get_ident()
        if not attempt.begin():
            return
        set_current(attempt.context)
        try:
            attempt.context.raise_if_cancelled()
            value = check_value(await awaited(self._work()))
        except KeyboardInterrupt as error:  # for a cell that runs this loop nested, and was interrupted
            attempt.raised(error)
            raise
        except BaseException as error:  # noqa: BLE001 - any exception of the user's code is an outcome
            # Not raised: it has been recorded, and a `SystemExit` would end the kernel's event loop.
            attempt.raised(error)
        else:
            attempt.completed(value)


_LOOP_GONE = Outcome(TaskState.INTERRUPTED, reason="the event loop it ran on was closed")
