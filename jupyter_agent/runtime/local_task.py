"""Tasks of this process: attempts, their transitions, and retries."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace

from ..core.events import About, Result, State, TaskState
from ..core.task import Task
from ..core.transitions import check_transition
from ..detached.worker_slots import load_grace
from ..errors import NotNow
from ..producer.producer import Producer
from ..rendering.curves import Curves
from ..system.ids import new_id
from ..system.orphaned_locks import renew_orphaned_locks
from .artifacts.results import Store
from .attempt import Attempt, Engine
from .engines import delay
from .options import Options
from .origin import about, saves_pictures
from .outcome import Outcome, OutcomeHolder
from .task.commands import CommandHandler
from .task.completion import Completion
from .task.event_sink import EventSink
from .task.registry import Registry
from .task.retry_policy import RetryPolicy


class LocalTask:
    """A task that this process queued.

    *seen* is its snapshot when other processes ran earlier attempts. *engine* makes what runs an
    attempt, or is ``None`` for a task that cannot be run again.
    """

    def __init__(
        self,
        producer: Producer,
        options: Options,
        engine: Callable[[Attempt], Engine] | None,
        *,
        seen: Task | None = None,
    ) -> None:
        self.producer = producer
        self.options = self._resolved(options, producer)
        self.emitted_before = producer.spool.last
        """The number up to which this process's events are of earlier tasks."""
        self.sink = EventSink(producer, seen or Task(new_id(), name=options.name, attempt=0))
        if saves_pictures():
            self.sink.curves = Curves()
        self.id = self.sink.id
        self.about = about(self.options)
        self.attempt: Attempt | None = None
        self.completion = Completion()
        self.commands = CommandHandler(self)
        self._results = Store(producer.paths)
        self._engine = engine
        self._holder: weakref.ref[OutcomeHolder] | None = None
        self._retries = RetryPolicy(options.retries)
        self._abandoned = False
        producer.on_command(self.id, self.commands.handle)
        renew_orphaned_locks(self)

    @property
    def fold(self) -> Task:
        """The snapshot: all events so far, folded."""
        return self.sink.fold

    @property
    def _lock(self) -> threading.RLock:
        return self.sink.lock

    def renew_locks(self) -> None:
        """See `LockOwner`."""
        self.sink.renew_locks()
        self.completion.renew_locks()

    @property
    def outcome_holder(self) -> OutcomeHolder:
        """The holder that gets the outcome of the present attempt."""
        return (self._holder and self._holder()) or OutcomeHolder()

    def renew(self, options: Options, engine: Callable[[Attempt], Engine] | None) -> None:
        """Take the function and options of a new submit for the next attempt."""
        self._engine, self._retries = engine, RetryPolicy(options.retries)
        self.options = self._resolved(options, self.producer)
        self.about = about(self.options)

    @staticmethod
    def _resolved(options: Options, producer: Producer) -> Options:
        return replace(options, grace=load_grace(producer.paths, options.grace))

    def queue(
        self, holder: OutcomeHolder, *, worker: str | None = None, reason: str | None = None
    ) -> Attempt:
        """Queue a new attempt, to be run by the producer *worker* or else by this one.

        *reason*: why it waits. Raises `InvalidTransition` while the last attempt is active.
        """
        with self._lock:
            known = self.fold.attempt > 0
            check_transition(
                self.id, self.fold.state if known else None, TaskState.QUEUED, next_attempt=known
            )
            attempt = self._new_attempt(self.fold.attempt + 1, holder, worker)
            self.completion.reset()
            self.sink.clear_tail()
            queued = State(TaskState.QUEUED, reason=reason, about=self.about, producer=worker)
            self.sink.emit(attempt.number, "state", queued)
        self._activate(attempt)
        return attempt

    def resume(self, holder: OutcomeHolder) -> Attempt:
        """Take over the attempt that another process has queued for this one."""
        attempt = self._new_attempt(self.fold.attempt, holder)
        self._activate(attempt)
        return attempt

    def start(self, holder: OutcomeHolder, *, pause: float = 0.0, reason: str | None = None) -> None:
        """Queue a new attempt and start it, after *pause* seconds for some *reason*.

        Raises `NotNow` for a task that cannot be run again.
        """
        self.prepare(holder, pause=pause, reason=reason)()

    def prepare(
        self, holder: OutcomeHolder, *, pause: float = 0.0, reason: str | None = None
    ) -> Callable[[], None]:
        """Queue a new attempt as `start` does, and return what starts it."""
        if self._engine is None:
            raise NotNow(
                f"task {self.options.name} ran as part of a cell; run the cell again to retry it",
                task_id=self.id,
            )
        worker = new_id() if self.options.on == "process" else None
        attempt = self.queue(holder, worker=worker, reason=reason)
        engine = self._engine(attempt)
        delayed = delay.RetryDelay(attempt, engine, pause) if pause else engine
        return lambda: attempt.launch(delayed)

    def transition(self, attempt: Attempt, state: State) -> bool:
        """Emit a state event of *attempt*; false when it has ended or a newer attempt exists."""
        # Check and emit under one lock: of two threads that end an attempt, one emits and one gets false.
        with self._lock:
            if self.fold.attempt != attempt.number or self.fold.state.ended:
                return False
            if self.fold.state is state.state:
                return True
            check_transition(self.id, self.fold.state, state.state)
            self.sink.emit(attempt.number, "state", state)
        self.producer.wake()
        return True

    def complete(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Store the result and end *attempt*; false when it has ended already."""
        if self.is_finished(attempt):
            return False
        result = None
        if outcome.state is TaskState.COMPLETED:
            result = self._results.save_result(self.id, attempt.number, outcome.value)
        return self.record_outcome(attempt, outcome, result)

    def record_outcome(self, attempt: Attempt, outcome: Outcome, result: Result | None = None) -> bool:
        """End *attempt*, whose *result* is stored already; false when it has ended already."""
        if self._is_torn_down(outcome):
            return False
        attempt.close()  # before the end event: progress and output must not follow it
        state = State(outcome.state, reason=outcome.reason, error=outcome.error, result=result)
        with self._lock:
            if self.is_finished(attempt):
                return False
            if self.fold.state is TaskState.QUEUED and outcome.state is TaskState.COMPLETED:
                self.transition(attempt, State(TaskState.RUNNING))
            # The outcome before the event: a thread that sees the end state must find the value.
            attempt.outcome_holder.outcome = outcome
            self.transition(attempt, state)
        self.on_attempt_ended(attempt, outcome.state)
        return True

    def _is_torn_down(self, outcome: Outcome) -> bool:
        """Return whether *outcome* comes from the end of this process and says nothing about the work."""
        # Once exit handlers run, code fails for want of what they removed: IPython clears the names of cells.
        # Then the interpreter closes generators and coroutines, while threads that are gone may hold locks.
        return sys.is_finalizing() or (self._abandoned and outcome.state is TaskState.FAILED)

    def is_finished(self, attempt: Attempt) -> bool:
        """Return whether *attempt* has ended."""
        return self.fold.attempt != attempt.number or self.fold.state.ended

    def on_attempt_ended(self, attempt: Attempt, state: TaskState) -> None:
        """Retry after a failure where that is allowed; otherwise complete the task."""
        self.producer.remove_sampler(attempt)
        self.producer.wake()
        is_retried = state is TaskState.FAILED or (
            state is TaskState.INTERRUPTED and attempt.engine is not None and attempt.engine.retries_death
        )
        if is_retried and self._retries.allows_retry and not self.producer.is_ending:
            attempt.variables.copy().run(self._retry_later, attempt)
            return
        attempt.outcome_holder = OutcomeHolder()  # only handles keep the outcome alive, not the registry
        local_tasks.mark_ended(self)
        self.completion.settle()

    def cancel(self, *, now: bool = False) -> bool:
        """Ask the present attempt to stop; the second time, or *now*, end it at once. False: it has ended."""
        attempt = self.attempt
        self.give_up()
        with self._lock:
            if attempt is None or self.fold.state.ended:
                return False
            again = now or attempt.course.why is not None
            if not self.fold.cancel_requested or (again and not self._is_cancelled_again):
                self.fold.request_cancel(time.time(), now=again)
            queued = self.fold.state is TaskState.QUEUED
        if queued and (attempt.engine is None or attempt.engine.withdraw()):
            self.complete(attempt, Outcome(TaskState.CANCELLED, reason="cancelled while queued"))
        attempt.stop()
        if now and not attempt.course.again:
            attempt.stop()
        return True

    @property
    def _is_cancelled_again(self) -> bool:
        return self.fold.stopping is not None and self.fold.stopping.again

    def retry(self) -> None:
        """Start a new attempt. Raises `NotNow` while one is active."""
        with self._lock:
            if not self.fold.state.ended:
                raise NotNow(
                    f"task {self.options.name} is {self.fold.state}; it has not ended yet", task_id=self.id
                )
        self._retries.restart()
        variables = self.attempt.variables if self.attempt else copy_context()
        variables.copy().run(self.start, self.outcome_holder)

    def mirror(self, attempt: Attempt, seen: Task) -> bool:
        """Adopt the snapshot *seen* of the process that runs *attempt*; false when it has ended."""
        with self._lock:
            if self.is_finished(attempt):
                return False
            for name in (*_ABOUT, "created", "queued"):  # what the child was not told
                setattr(seen, name, getattr(self.fold, name))
            if not seen.state.ended:
                seen.cancel_requested |= self.fold.cancel_requested
                seen.stopping = seen.stopping or self.fold.stopping
            self.sink.fold = seen
            return True

    def give_up(self) -> None:
        """Allow no retry after the present attempt, however it ends."""
        self._retries.give_up()

    def abandon(self) -> None:
        """Prepare the present attempt for the end of this process.

        It records no end: its code may run until the process is gone, and more events would follow that end.
        """
        attempt, self._abandoned = self.attempt, True
        self.give_up()
        if attempt is None:
            return
        if attempt.engine is not None:
            attempt.engine.abandon()
        attempt.context.flush()

    def _new_attempt(self, number: int, holder: OutcomeHolder, worker: str | None = None) -> Attempt:
        attempt = Attempt(self, number, holder, worker)
        self.attempt, self._holder = attempt, weakref.ref(holder)
        return attempt

    def _activate(self, attempt: Attempt) -> None:
        local_tasks.add(self)
        self.producer.add_sampler(attempt, attempt.sample)

    def _retry_later(self, failed: Attempt) -> None:
        """Queue the next attempt after *failed*, to start after a delay that grows with their number."""
        with self._lock:
            if self.fold.attempt != failed.number:  # a person retried it first
                return
            seconds, reason = self._retries.next(failed.number, self.fold.error, delay.RANDOM())
            self.start(failed.outcome_holder, pause=seconds, reason=reason)


_ABOUT = sorted({*About.__struct_fields__} - {"host", "pid"})

local_tasks: Registry[LocalTask] = Registry()
"""The tasks that this process queued."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=local_tasks.reset)
