"""One attempt of a task of this process, and what is asked of where it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Protocol

from ..core.events import Data, State, TaskState
from ..errors import TaskCancelled
from ..system.graces import ATTEMPT_GRACE
from .context import TaskContext
from .interrupt import Terminated
from .outcome import Outcome, failure, outcome_of

if TYPE_CHECKING:
    from .local_task import LocalTask


class Engine(Protocol):
    """Where an attempt runs. All but `start` are called from any thread, often, and return soon."""

    def start(self) -> None:
        """Begin, without waiting."""

    def cancel(self) -> None:
        """Somebody asked the attempt to stop."""

    def force(self) -> None:
        """The grace is over, and still it runs."""

    def poll(self) -> None:
        """Called about 20 times a second while the attempt lasts."""

    def abandon(self) -> None:
        """This process ends."""

    def answer(self, text: str, prompt_id: str | None) -> bool:
        """Somebody said *text* to the task; false when the question *prompt_id* is known to be closed."""


class OutcomeHolder:
    """Holds a result for as long as somebody has a handle."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None


class Attempt:
    """One attempt of a local task, from ``queued`` to its only end."""

    def __init__(
        self, task: LocalTask, number: int, holder: OutcomeHolder, worker: str | None = None
    ) -> None:
        self.task = task
        self.worker = worker
        self.number = number
        self.outcome_holder = holder
        self.context = TaskContext(task, number, may_block=task.options.on != "loop")
        self.variables: Context = copy_context()
        self.started: float | None = None
        self.timed_out = False
        self.engine: Engine | None = None
        self.write: Callable[[str, int, str, Data], int] = task.producer.emit
        self._force_at: float | None = None
        self._sampling = threading.Lock()
        self._closed = False

    def launch(self, engine: Engine) -> None:
        """Have *engine* run it, unless it has ended; one that cannot start is how it failed."""
        self.engine = engine
        if self.task.is_finished(self):
            return
        try:
            engine.start()
        except Exception as error:  # noqa: BLE001 - an executor that is shut down, no process to be had, ...
            self.raised(error)

    def begin(self, **about_it: Any) -> bool:
        """It runs now; false when it ended before (cancelled while queued)."""
        self.started = time.monotonic()
        return self.task.transition(self, State(TaskState.RUNNING, **about_it))

    def completed(self, value: object) -> None:
        """Its function returned *value*."""
        self.task.complete(self, Outcome(TaskState.COMPLETED, value))

    def raised(self, error: BaseException) -> None:
        """Its function raised."""
        limit = self.task.options.timeout if self.timed_out else None
        foreign = isinstance(error, TaskCancelled) and error.task_id not in ("", self.task.id)
        if foreign and not self.context.cancelled:  # another task's, whose result this one wanted
            self.task.complete(self, failure(error))
        else:
            self.task.complete(self, outcome_of(error, timeout=limit))

    def stop(self) -> None:
        """Ask it to stop, now or within the grace."""
        self.context.request_cancel()
        self._force_at = time.monotonic() + ATTEMPT_GRACE
        if self.engine is not None:
            self.engine.cancel()

    def sample(self) -> None:
        """Write what is new and see whether its time is over; from the forwarder's thread."""
        with self._sampling:
            if self._closed:
                return
            self.context.sample()
        if not self.timed_out and self._is_late:
            self.timed_out = True
            self.stop()
        if self.engine is not None:
            self.engine.poll()
            if self._force_at is not None and time.monotonic() >= self._force_at:
                self._force_at = time.monotonic() + ATTEMPT_GRACE
                self.engine.force()

    def told_to_end(self, *, cancelled: bool) -> Terminated:
        """What to raise for a signal that this process did not send itself. It is for a cancel (*cancelled*:
        whoever sent it said so), for its time, or for this process."""
        if self.context.cancelled or cancelled:
            return Terminated(ours=True)
        self.timed_out |= self._is_late
        return Terminated(ours=self.timed_out)

    @property
    def _is_late(self) -> bool:
        limit = self.task.options.timeout
        return limit is not None and self.started is not None and time.monotonic() - self.started > limit

    def close(self) -> None:
        """Write the last of what was sampled; after this nothing is."""
        with self._sampling:
            if not self._closed:
                self.context.flush()
                self._closed = True
