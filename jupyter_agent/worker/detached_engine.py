"""Engine of a detached worker: attempts in the main thread, stopped by a signal."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from ..detached.work_queue import complete_work_item
from ..errors import TaskCancelled
from ..runtime.attempt import Attempt
from ..runtime.engines.base import BaseEngine
from ..runtime.interrupt import SignalInterrupter
from ..system.graces import FLUSH_TIMEOUT
from ..system.processes import end_children
from .functions.coroutines import interrupt_blocking


class DetachedEngine(BaseEngine):
    """Runs an attempt in the main thread, where a signal also ends a blocking call."""

    kills = True

    def __init__(
        self,
        attempt: Attempt,
        interrupter: SignalInterrupter,
        enqueue: Callable[[Attempt], None],
        release: Callable[[], None],
    ) -> None:
        super().__init__(attempt)
        self._interrupter = interrupter
        self._enqueue = enqueue
        self._release = release
        self._forced = 0

    def start(self) -> None:
        self._enqueue(self._attempt)  # for the main thread, which runs attempts one by one

    @property
    def thread(self) -> int | None:
        return threading.main_thread().ident

    def cancel(self) -> None:
        self._attempt.context.cancellation.mark_told(self.thread)
        self._interrupter.throw()

    def interrupt(self) -> None:
        interrupt_blocking(self._interrupter)

    def force(self) -> None:
        """Raise once more, which kills a program and a kernel; then exit: the work goes on all the same."""
        self._forced += 1
        if self._forced == 1:
            self._interrupter.throw()
        else:
            self._exit()

    def _exit(self) -> None:
        # The end first, so that it is flushed; the slot last, so that the next worker finds this one's
        # children gone.
        attempt = self._attempt
        attempt.task.give_up()  # no retry can follow in this process
        # The work still runs, in the main thread: with the end event it is shut out.
        with attempt.task.sink.redirect(attempt.number, attempt.task.producer.emit_last):
            attempt.raised(TaskCancelled("its worker had to end itself"))
        attempt.task.producer.close(FLUSH_TIMEOUT)
        complete_work_item(attempt.task.producer.paths, attempt.task.producer.id)
        end_children()
        self._release()
        os._exit(0)
