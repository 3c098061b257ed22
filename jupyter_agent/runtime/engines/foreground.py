"""Engine that runs an attempt in the calling thread."""

from __future__ import annotations

import threading

from ..attempt import Attempt
from ..interrupt import AsyncExceptionInterrupter, SignalInterrupter
from ..stopping.handled import handles_interrupt
from .base import BaseEngine


class ForegroundEngine(BaseEngine):
    """Stands for code that already runs in the calling thread; a cancel is raised in it at once."""

    note: str | None = "a cell cannot be killed; interrupt or restart the kernel to end it"

    def __init__(self, attempt: Attempt, stop: AsyncExceptionInterrupter | SignalInterrupter) -> None:
        super().__init__(attempt)
        self._stop = stop
        self._thread = threading.get_ident()

    def start(self) -> None:
        """Nothing to start: it runs already."""

    @property
    def thread(self) -> int | None:
        return self._thread

    def cancel(self) -> None:
        self._attempt.context.cancellation.mark_told(self._thread)
        self._stop.throw()

    def force(self) -> None:
        self._stop.throw()

    def poll(self) -> None:
        """See whether the stop button has interrupted the code, which may have caught that and go on."""
        stop = self._stop
        if stop.from_user and not handles_interrupt(self._thread):
            stop.from_user = False
        awaits = stop.was_passed_on and stop.scope is not None and stop.scope.is_cancelling
        self.interrupted = stop.from_user or awaits
