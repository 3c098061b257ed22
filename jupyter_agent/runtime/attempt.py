"""One attempt of a task, and its two ports: the task that owns it and the engine that runs it."""

from __future__ import annotations

import os
import threading
import time
from contextvars import Context, copy_context
from typing import Any, Protocol

from ..core.events import Result, State, TaskState
from ..core.task import Task
from ..errors import TaskCancelled
from ..producer.producer import Producer
from ..system.graces import ATTEMPT_GRACE
from ..system.host import host
from ..system.orphaned_locks import renew_orphaned_locks
from .context import TaskContext
from .interrupt import Terminated
from .options import Options
from .outcome import Outcome, OutcomeHolder, failure, outcome_of
from .task.event_sink import EventSink


class Engine(Protocol):
    """Where an attempt runs. All but `start` are called from any thread, often, and return soon."""

    def start(self) -> None:
        """Begin, without waiting."""

    def cancel(self) -> None:
        """The attempt was asked to stop."""

    def force(self) -> None:
        """The grace is over and the attempt still runs."""

    def poll(self) -> None:
        """Called about 20 times a second while the attempt is active."""

    def abandon(self) -> None:
        """This process ends; what runs in it may go on until it is gone."""

    def answer(self, text: str, prompt_id: str | None) -> bool:
        """Pass on a person's *text*; false when the question *prompt_id* is known to be closed."""


class AttemptOwner(Protocol):
    """The task of an attempt, as far as the attempt and its engine need it."""

    @property
    def id(self) -> str: ...

    @property
    def options(self) -> Options: ...

    @property
    def producer(self) -> Producer: ...

    @property
    def sink(self) -> EventSink: ...

    @property
    def fold(self) -> Task: ...

    def transition(self, attempt: Attempt, state: State) -> bool:
        """Emit a state event of *attempt*; false when it has ended or a newer attempt exists."""

    def complete(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Store the result and end *attempt*; false when it has ended already."""

    def record_outcome(self, attempt: Attempt, outcome: Outcome, result: Result | None = None) -> bool:
        """End *attempt*, whose *result* is stored already; false when it has ended already."""

    def is_finished(self, attempt: Attempt) -> bool:
        """Return whether *attempt* has ended."""

    def on_attempt_ended(self, attempt: Attempt, state: TaskState) -> None:
        """Retry, or complete the task: *attempt* has ended in *state*."""

    def mirror(self, attempt: Attempt, seen: Task) -> bool:
        """Adopt the snapshot *seen* of the process that runs *attempt*; false when it has ended."""

    def give_up(self) -> None:
        """Allow no retry after the present attempt."""

    def abandon(self) -> None:
        """Prepare the present attempt for the end of this process."""


class Attempt:
    """One attempt of a task, from ``queued`` to its only end.

    *worker* is the id of the producer that will run it; ``None`` when this process does.
    """

    def __init__(
        self, task: AttemptOwner, number: int, holder: OutcomeHolder, worker: str | None = None
    ) -> None:
        self.task = task
        self.worker = worker
        self.number = number
        self.outcome_holder = holder
        self.context = TaskContext(task.sink, number, may_block=task.options.on != "loop")
        self.variables: Context = copy_context()
        self.started: float | None = None
        self.timed_out = False
        self.engine: Engine | None = None
        self._force_at: float | None = None
        self._closed = False
        renew_orphaned_locks(self)

    def renew_locks(self) -> None:
        """See `LockOwner`."""
        self._sampling = threading.Lock()
        self.context.renew_locks()

    def launch(self, engine: Engine) -> None:
        """Start *engine*, unless the attempt has ended. An engine that cannot start fails the attempt."""
        self.engine = engine
        if self.task.is_finished(self):
            return
        try:
            engine.start()
        except Exception as error:  # noqa: BLE001 - an executor that is shut down, a process limit, ...
            self.raised(error)

    def begin(self, **about_it: Any) -> bool:
        """Record that it runs now; false when it ended before (cancelled while queued)."""
        self.started = time.monotonic()
        if self.task.fold.pid != os.getpid():
            about_it |= {"host": host(), "pid": os.getpid()}
        return self.task.transition(self, State(TaskState.RUNNING, **about_it))

    def completed(self, value: object) -> None:
        """End it: its function returned *value*."""
        self.task.complete(self, Outcome(TaskState.COMPLETED, value))

    def raised(self, error: BaseException) -> None:
        """End it: its function raised *error*."""
        limit = self.task.options.timeout if self.timed_out else None
        foreign = isinstance(error, TaskCancelled) and error.task_id not in ("", self.task.id)
        if foreign and not self.context.cancelled:  # this task awaited a task that was cancelled
            self.task.complete(self, failure(error))
        else:
            self.task.complete(self, outcome_of(error, timeout=limit))

    def stop(self) -> None:
        """Ask it to stop; it is forced after `ATTEMPT_GRACE` seconds."""
        self.context.request_cancel()
        self._force_at = time.monotonic() + ATTEMPT_GRACE
        if self.engine is not None:
            self.engine.cancel()

    def sample(self) -> None:
        """Write new progress and output, and enforce timeout and grace. Runs on the forwarder's thread."""
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

    def on_signal(self, *, cancelled: bool) -> Terminated:
        """Return what to raise for a termination signal that this process did not send itself.

        *cancelled*: the sender has recorded that it cancels the task. Otherwise the signal means that the
        timeout passed, or that the process is to end.
        """
        if self.context.cancelled or cancelled:
            return Terminated(expected=True)
        self.timed_out |= self._is_late
        return Terminated(expected=self.timed_out)

    @property
    def _is_late(self) -> bool:
        limit = self.task.options.timeout
        return limit is not None and self.started is not None and time.monotonic() - self.started > limit

    def close(self) -> None:
        """Write the last samples; none is written after this, so that nothing follows the end event."""
        with self._sampling:
            if not self._closed:
                self.context.flush()
                self.context.closed = self._closed = True
