"""One attempt of a task, and its two ports: the task that owns it and the engine that runs it."""

from __future__ import annotations

import os
import threading
import time
from contextvars import Context, copy_context
from typing import Protocol

from ..core.events import Error, Result, State, TaskState
from ..core.task import Task
from ..errors import TaskCancelled
from ..producer.producer import Producer
from ..system.graces import GRACE
from ..system.host import host
from ..system.orphaned_locks import renew_orphaned_locks
from .context import TaskContext
from .interrupt import Terminated
from .options import Options
from .outcome import Outcome, OutcomeHolder, failure, outcome_of
from .stopping.course import Step, StopCourse, Why
from .stopping.report import Reported, StopReport
from .task.event_sink import EventSink


class Engine(Reported, Protocol):
    """Where an attempt runs. All but `start` are called from any thread, often, and return soon."""

    def start(self) -> None:
        """Begin, without waiting."""

    @property
    def retries_death(self) -> bool:
        """Whether an attempt whose process died is retried, as one that failed is."""

    def withdraw(self) -> bool:
        """Let the attempt not begin any more; false when it has, in another process."""

    def cancel(self) -> None:
        """The attempt was asked to stop."""

    def hasten(self) -> None:
        """The attempt was cancelled again: `force` follows."""

    def interrupt(self) -> None:
        """The attempt had time to notice the cancel by itself."""

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

    def cancel(self, *, now: bool = False) -> bool:
        """Ask the present attempt to stop, *now* at once; false when it has ended."""

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
        self.claims = False
        """Whether this process was not named when the attempt was queued: it says that it is the one."""

        self.outcome_holder = holder
        self.context = TaskContext(task.sink, number, may_block=task.options.on != "loop")
        self.variables: Context = copy_context()
        self.started: float | None = None
        self.late: Error | None = None
        self.engine: Engine | None = None
        self.course = StopCourse(GRACE if task.options.grace is None else task.options.grace)
        self._report = StopReport(self.course, self.context)
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

    def begin(self, *, elsewhere: bool = False) -> bool:
        """Record that it runs now; false when it ended before (cancelled while queued).

        *elsewhere*: in a process of which nothing is known here.
        """
        self.started = time.monotonic()
        claimant = self.task.producer.id if self.claims else None
        if elsewhere or self.task.fold.pid == os.getpid():
            running = State(TaskState.RUNNING, producer=claimant)
        else:
            running = State(TaskState.RUNNING, producer=claimant, host=host(), pid=os.getpid())
        return self.task.transition(self, running)

    def completed(self, value: object) -> None:
        """End it: its function returned *value*."""
        if self.context.cancellation.cut_short:  # and so *value* lacks what threads of it did not do
            self.raised(TaskCancelled("threads of it were cancelled"))
            return
        self.task.complete(self, Outcome(TaskState.COMPLETED, value))

    def raised(self, error: BaseException) -> None:
        """End it: its function raised *error*."""
        late = self.late or self.context.cancellation.overdue
        foreign = isinstance(error, TaskCancelled) and error.task_id not in ("", self.task.id)
        if foreign and not self.context.cancelled:  # this task awaited a task that was cancelled
            self.task.complete(self, failure(error))
        else:
            self.task.complete(self, outcome_of(error, late=late, forced=self._how_it_ended()))

    def _how_it_ended(self) -> str | None:
        return self.course.how_it_ended(kills=self.engine is not None and self.engine.kills)

    def stop(self, why: Why = "cancel") -> None:
        """Ask it to stop; it is forced when its grace is over, and at once when it is asked again."""
        again = self.course.why is not None
        self.course.begin(why)
        if not again or self.course.by_keyboard:
            self.context.request_cancel()
        if again:
            self.context.cancellation.hasten()
        if self.engine is not None:
            (self.engine.hasten if again else self.engine.cancel)()

    def sample(self) -> None:
        """Write new progress and output, and enforce timeout and grace. Runs on the forwarder's thread."""
        with self._sampling:
            if self._closed:
                return
            self.context.sample()
            self._follow_keyboard()
            self._say_that_it_stops()
        if self.course.why is None and self._check_timeouts():
            self.stop("timeout")
        elif self.course.why in ("cancel", "timeout") and not (
            self.course.by_keyboard or self.context.cancelled
        ):
            self.context.request_cancel()  # a signal began it, whose handler may take no lock
        if self.engine is not None:
            self.engine.poll()
            self._take_due_step(self.engine)

    def _follow_keyboard(self) -> None:
        if self.engine is not None and self.engine.interrupted:
            self.course.begin("cancel", by_keyboard=True)
        else:
            self.course.resume()

    def _say_that_it_stops(self) -> None:
        """Emit a ``stopping`` event if one is due."""
        stopping = self._report.due(self.engine, self.late.message if self.late else None)
        if stopping is not None and not self.task.is_finished(self):
            self.context.record_stopping(stopping)

    def _take_due_step(self, engine: Engine) -> None:
        match self.course.due():
            case Step.INTERRUPT:
                engine.interrupt()
            case Step.FORCE:
                engine.force()

    def on_signal(self, *, cancelled: bool, now: bool = False) -> Terminated | None:
        """Return what to raise for a termination signal that this process did not send itself.

        *cancelled*: the sender has recorded that it cancels the task, and *now* that it does so again.
        Otherwise the signal means that the timeout passed, or that the process is to end. ``None``: nothing,
        since the attempt is stopping already and the sender could not know.
        """
        if self.course.why is not None and cancelled and not now:
            return None
        if not cancelled and self.course.why is None:
            self._check_timeouts()
        expected = self.context.cancelled or cancelled or self.late is not None
        why: Why = "cancel" if cancelled else "timeout" if self.late else "signal"
        self.course.begin(why)
        if now and not self.course.again:
            self.course.begin(why)
        self.context.cancellation.mark_told()
        return Terminated(expected=expected)

    def _check_timeouts(self) -> bool:
        """Keep which timeout has passed, of the attempt or of a part of its work; return whether one has."""
        limit = self.task.options.timeout
        if self.context.cancellation.overdue is not None:
            self.late = self.context.cancellation.overdue
        elif limit is not None and self.started is not None and time.monotonic() - self.started > limit:
            self.late = Error("TaskTimeout", f"it ran longer than its timeout of {limit:g} s")
        return self.late is not None

    def close(self) -> None:
        """Write the last samples; none is written after this, so that nothing follows the end event."""
        with self._sampling:
            if not self._closed:
                self.context.flush()
                self.context.closed = self._closed = True
