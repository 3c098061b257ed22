"""Engine of a child process: stops by a signal, reports to the parent."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import msgspec

from ..errors import TaskCancelled
from ..runtime.attempt import Attempt
from ..runtime.engines.base import BaseEngine
from ..runtime.engines.child_spec import PARENT_ENDED, STOPPED
from ..runtime.engines.pipes import write_all
from ..runtime.interrupt import SignalInterrupter
from ..system.graces import FLUSH_TIMEOUT
from ..system.processes import end_children
from .fd_capture import FdCapture
from .functions.coroutines import interrupt_blocking
from .parent_channel import ParentChannel


class ChildEngine(BaseEngine):
    """Stops the work by a signal, which also ends a blocking call, and sends snapshots to the parent.

    *report* is the descriptor of the pipe for the snapshots.
    """

    kills = True

    def __init__(
        self, attempt: Attempt, interrupter: SignalInterrupter, report: int, fd_capture: FdCapture
    ) -> None:
        super().__init__(attempt)
        self._interrupter = interrupter
        self._forced = 0
        self._report = report
        self._fd_capture = fd_capture
        self._reported = 0
        self._report_lock = threading.Lock()

    def start(self) -> None:
        """Do nothing: it is running already."""

    @property
    def thread(self) -> int | None:
        return threading.main_thread().ident

    def cancel(self) -> None:
        self._attempt.context.cancellation.mark_told(self.thread)
        self._interrupter.throw()

    def interrupt(self) -> None:
        interrupt_blocking(self._interrupter)

    def force(self) -> None:
        """Raise once more, then record the end and exit: the work goes on all the same."""
        self._forced += 1
        if self._forced == 1:
            self._interrupter.throw()
        elif self._forced == 2:
            threading.Thread(target=self._exit_cancelled, name="jupyter-agent-stop", daemon=True).start()

    def poll(self) -> None:
        self.report()

    def report(self) -> None:
        """Send the snapshot to the parent, if it has changed."""
        with self._report_lock:
            fold = self._attempt.task.fold
            if fold.events != self._reported:
                self._reported = fold.events
                write_all(self._report, msgspec.json.encode(fold) + b"\n")

    def listen(self, channel: ParentChannel) -> None:
        """Handle the parent's commands; end this process when the parent is dead."""
        while line := channel.read_line():
            message: dict[str, Any] = json.loads(line)
            if message["command"] == "input":
                self.answer(message["text"], message["prompt_id"])
            else:
                self._attempt.task.cancel(now=message["now"])
        # The work runs until this process is gone, so the holder records its end, behind all that it emitted.
        producer = self._attempt.task.producer
        self._fd_capture.sync()
        self._attempt.context.flush()
        producer.leave_end_to_holder(PARENT_ENDED)
        end_children()
        os._exit(1)

    def _exit_cancelled(self) -> None:
        attempt = self._attempt
        self._fd_capture.sync()
        # The work still runs, in the main thread: with the end event it is shut out.
        with attempt.task.sink.redirect(attempt.number, attempt.task.producer.emit_last):
            attempt.raised(TaskCancelled("stopped"))
        self.report()
        attempt.task.producer.close(FLUSH_TIMEOUT)
        end_children()
        os._exit(STOPPED)
