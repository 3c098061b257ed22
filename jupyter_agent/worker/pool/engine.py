"""Engine of an attempt in a process of a pool: stops its code, which is all that it may stop."""

from __future__ import annotations

import threading

from ...core.events import TaskState
from ...runtime.attempt import Attempt
from ...runtime.engines.base import BaseEngine
from ...runtime.engines.pool.messages import ToPool
from ...runtime.interrupt import AsyncExceptionInterrupter, SignalInterrupter
from ..functions.coroutines import interrupt_blocking
from .link import Link


class PoolEngine(BaseEngine):
    """Raises in the thread that runs the attempt, by a signal in the main thread, and reports.

    It does not end the process, in which the pool will run other work: that would break the pool.
    """

    note: str | None = (
        "a process of a pool is not killed, since others' work waits for it; it ends when its code returns, "
        "or when the executor is shut down with its processes"
    )

    def __init__(
        self, attempt: Attempt, interrupter: AsyncExceptionInterrupter | SignalInterrupter, link: Link
    ) -> None:
        super().__init__(attempt)
        self._interrupter = interrupter
        self._link = link
        self._thread = threading.get_ident()
        self._reported = 0

    @property
    def thread(self) -> int | None:
        return self._thread

    def start(self) -> None:
        """Do nothing: it is running already."""

    def withdraw(self) -> bool:
        """Begin in any case: the journal stores no end by a process that has not claimed the attempt."""
        return False

    def cancel(self) -> None:
        self._attempt.context.cancellation.mark_told(self._thread)
        self._interrupter.throw()

    def interrupt(self) -> None:
        if isinstance(self._interrupter, SignalInterrupter):
            interrupt_blocking(self._interrupter)

    def force(self) -> None:
        self._interrupter.throw()

    def poll(self) -> None:
        fold = self._attempt.task.fold
        # The submitter knows already that it begins, and the end is reported once, by `PoolCall`.
        if fold.events != self._reported and fold.state is TaskState.RUNNING:
            self._reported = fold.events
            self._link.report(fold)

    def command(self, message: ToPool) -> None:
        """Carry out a command of the process that submitted the attempt."""
        if message.command == "input":
            self.answer(message.text, message.prompt_id)
        else:
            self._attempt.task.cancel(now=message.now)
