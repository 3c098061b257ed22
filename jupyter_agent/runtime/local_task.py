"""A task of this process: its events go out from here, and its fold is at hand at once.

Every state event passes through `LocalTask`, under one lock, so that an attempt gets exactly one end.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from ..core.events import Command as CommandData
from ..core.events import Data, Event, Log, Result, State, TaskState, encode_data
from ..core.retry import retry_pause, retry_reason
from ..core.task import Task, check_transition
from ..errors import NotNow
from ..producer.producer import Producer
from ..protocol.messages import CommandOrder
from ..rendering.transcript import TAIL_LINES
from ..system.ids import new_id
from .artifacts.checkpoints import Checkpoints
from .artifacts.results import Store
from .attempt import Attempt, Engine, OutcomeHolder
from .engines import delay as pausing
from .options import Options
from .origin import about
from .outcome import Outcome
from .registry import add_task, mark_ended
from .surrogates import without_surrogates

log = logging.getLogger(__name__)
_PIECE = 2000


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
        self.options = options
        self.fold = seen or Task(new_id(), name=options.name, attempt=0)
        self.id = self.fold.id
        self.store = Store(producer.paths)
        self._checkpoints = Checkpoints(producer.paths)
        self.about = about(options.name, options.key, options.tags, options.view)
        self.attempt: Attempt | None = None
        self._engine = engine
        self._box: weakref.ref[OutcomeHolder] | None = None
        self._retries_left = options.retries
        self._lock = threading.RLock()
        self._settled = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self.lately: deque[Log] = deque(maxlen=TAIL_LINES)
        """The last pieces of the present attempt's log that were emitted here, each cut to its end."""
        producer.on_command(self.id, self.command)

    @property
    def outcome_holder(self) -> OutcomeHolder:
        """Where the outcome of the present attempt is put."""
        return (self._box and self._box()) or OutcomeHolder()

    def renew(self, options: Options, engine: Callable[[Attempt], Engine] | None) -> None:
        """The next attempt is a new submit's: with its function and its options."""
        self.options, self._engine, self._retries_left = options, engine, options.retries
        self.about = about(options.name, options.key, options.tags, options.view)

    def queue(
        self, holder: OutcomeHolder, *, worker: str | None = None, reason: str | None = None
    ) -> Attempt:
        """A new attempt, to be run by the producer *worker* or else by this one; *reason*: why it waits.

        Raises `InvalidTransition` while the last one lasts.
        """
        with self._lock:
            known = self.fold.attempt > 0
            check_transition(
                self.id, self.fold.state if known else None, TaskState.QUEUED, next_attempt=known
            )
            attempt = Attempt(self, self.fold.attempt + 1, holder, worker)
            self._settled.clear()
            self.attempt, self._box = attempt, weakref.ref(holder)
            self.lately.clear()
            queued = State(TaskState.QUEUED, reason=reason, about=self.about, producer=worker)
            self.emit(attempt.number, "state", queued)
        add_task(self)
        self.producer.add_sampler(attempt, attempt.sample)
        return attempt

    def resume(self, holder: OutcomeHolder) -> Attempt:
        """The attempt that another process has queued for this one."""
        attempt = self.attempt = Attempt(self, self.fold.attempt, holder)
        self._box = weakref.ref(holder)
        add_task(self)
        self.producer.add_sampler(attempt, attempt.sample)
        return attempt

    def start(self, holder: OutcomeHolder, *, pause: float = 0.0, reason: str | None = None) -> None:
        """Queue a new attempt and start it, after *pause* seconds for some *reason*.

        Raises `NotNow` for what cannot be run again.
        """
        if self._engine is None:
            raise NotNow(
                f"task {self.options.name} ran as part of a cell; run the cell again to retry it",
                task_id=self.id,
            )
        worker = new_id() if self.options.on == "process" else None
        attempt = self.queue(holder, worker=worker, reason=reason)
        engine = self._engine(attempt)
        attempt.launch(pausing.RetryDelay(attempt, engine, pause) if pause else engine)

    def _try_again(self, failed: Attempt) -> None:
        """Queue the attempt after one that failed, to start after a pause that grows with their number."""
        with self._lock:
            if self.fold.attempt != failed.number:  # somebody was faster, by hand
                return
            self._retries_left -= 1
            seconds = retry_pause(self.options.retries - self._retries_left, pausing.RANDOM())
            coming = failed.number + 1
            reason = retry_reason(coming, coming + self._retries_left, seconds, self.fold.error)
            self.start(failed.outcome_holder, pause=seconds, reason=reason)

    def emit(self, attempt: int, kind: str, data: Data) -> int:
        """Make one event and fold it in."""
        present = self.attempt
        write = present.write if present and present.number == attempt else self.producer.emit
        try:
            n = write(self.id, attempt, kind, data)
        except UnicodeEncodeError:
            data = without_surrogates(data)
            n = write(self.id, attempt, kind, data)
        if type(data) is Log:
            self.lately.append(
                data if len(data.text) <= _PIECE else Log(data.stream, data.text[-_PIECE:], data.level)
            )
            self.fold.logs += 1
            self.fold.events += 1
            return n
        with self._lock:
            raw = encode_data(data)
            self.fold.apply(Event(self.id, attempt, self.producer.id, n or 1, time.time(), kind, raw))
        return n

    def transition(self, attempt: Attempt, state: State) -> bool:
        """Emit a state event of *attempt*; false when it has ended or a newer attempt is there."""
        with self._lock:
            if self.fold.attempt != attempt.number or self.fold.state.ended:
                return False
            if self.fold.state is state.state:
                return True
            check_transition(self.id, self.fold.state, state.state)
            self.emit(attempt.number, "state", state)
        self.producer.wake()
        return True

    def complete(self, attempt: Attempt, outcome: Outcome) -> bool:
        """The attempt ended; false when it had already."""
        if self.is_finished(attempt):
            return False
        result = None
        if outcome.state is TaskState.COMPLETED:
            result = self.store.save_result(self.id, attempt.number, outcome.value)
        return self.record_outcome(attempt, outcome, result)

    def record_outcome(self, attempt: Attempt, outcome: Outcome, result: Result | None = None) -> bool:
        """As `complete`, with a result that is kept already."""
        attempt.close()
        state = State(outcome.state, reason=outcome.reason, error=outcome.error, result=result)
        with self._lock:
            if self.is_finished(attempt):
                return False
            if self.fold.state is TaskState.QUEUED and outcome.state is TaskState.COMPLETED:
                self.transition(attempt, State(TaskState.RUNNING))
            attempt.outcome_holder.outcome = outcome
            self.transition(attempt, state)
        self.on_attempt_ended(attempt, outcome.state)
        return True

    def is_finished(self, attempt: Attempt) -> bool:
        """Whether this attempt has its end."""
        return self.fold.attempt != attempt.number or self.fold.state.ended

    def on_attempt_ended(self, attempt: Attempt, state: TaskState) -> None:
        """Try again later where that was asked for; else let everybody know."""
        self.producer.remove_sampler(attempt)
        self.producer.wake()
        if state is TaskState.FAILED and self._retries_left > 0 and not self.producer.muted:
            attempt.variables.copy().run(self._try_again, attempt)
            return
        attempt.outcome_holder = (
            OutcomeHolder()
        )  # the outcome is kept by whoever has a handle, not by this table
        mark_ended(self)
        with self._lock:
            self._settled.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def wait(self, timeout: float | None) -> bool:
        """Wait until no further attempt follows; false after *timeout* seconds."""
        return self._settled.wait(timeout)

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call *callback* once when no further attempt follows, at once if that is so already."""
        with self._lock:
            if not self._settled.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def command(self, order: CommandOrder) -> None:
        """Carry out a command that came through the journal (which keeps it as an event)."""
        if order.attempt != self.fold.attempt:
            log.debug("task %s: %s is for attempt %d", self.id, order.command, order.attempt)
            return
        try:
            self._execute(order.command, order.args)
        except NotNow as error:  # it ended, or began anew, while the command was on its way
            log.debug("task %s: %s came too late: %s", self.id, order.command, error)

    def _execute(self, command: str, args: dict[str, Any]) -> None:
        match command:
            case "cancel":
                self.cancel()
            case "retry":
                self.retry()
            case "input":
                self.answer(str(args.get("text", "")), args.get("prompt_id"))

    def ask(self, command: str, **args: Any) -> None:
        """Carry out a command given in this process, and record it."""
        self.emit(self.fold.attempt, "command", CommandData(command, args, self.about.owner))

    def cancel(self) -> bool:
        """Ask the present attempt to stop; false when it has ended."""
        attempt = self.attempt
        self.give_up()
        with self._lock:
            if attempt is None or self.fold.state.ended:
                return False
            self.fold.cancel_requested = True
            queued = self.fold.state is TaskState.QUEUED
        if queued and self.complete(attempt, Outcome(TaskState.CANCELLED, reason="cancelled while queued")):
            attempt.stop()
            return True
        attempt.stop()
        return True

    def retry(self) -> None:
        """Start a new attempt. Raises `NotNow` while one lasts."""
        with self._lock:
            if not self.fold.state.ended:
                raise NotNow(
                    f"task {self.options.name} is {self.fold.state}; it has not ended yet", task_id=self.id
                )
        self._retries_left = self.options.retries
        variables = self.attempt.variables if self.attempt else copy_context()
        variables.copy().run(self.start, self.outcome_holder)

    def answer(self, text: str, prompt_id: str | None) -> None:
        """Somebody said *text*. Raises `NotNow` when nobody listens, or to that question any more."""
        attempt = self.attempt
        if attempt is None or attempt.engine is None or self.fold.state.ended:
            raise NotNow(f"task {self.options.name} has ended; nobody listens", task_id=self.id)
        if not attempt.engine.answer(text, prompt_id):
            raise NotNow("that question has been answered", task_id=self.id)

    def mirror(self, attempt: Attempt, seen: Task) -> bool:
        """Take over what the process that runs *attempt* says of it; false when it has ended."""
        with self._lock:
            if self.is_finished(attempt):
                return False
            seen.cancel_requested |= self.fold.cancel_requested and not seen.state.ended
            seen.key, seen.tags, seen.created, seen.queued = (
                self.fold.key, self.fold.tags, self.fold.created, self.fold.queued
            )  # fmt: skip
            self.fold = seen
            return True

    def give_up(self) -> None:
        """However the present attempt ends, none follows it by itself."""
        self._retries_left = 0

    def interrupt(self, reason: str) -> None:
        """This process ends: say so."""
        attempt = self.attempt
        self.give_up()
        if attempt is None:
            return
        if attempt.engine is not None:
            attempt.engine.abandon()
        self.complete(attempt, Outcome(TaskState.INTERRUPTED, reason=reason))

    def save_checkpoint(self, attempt: int, state: object) -> int:
        return self._checkpoints.save(self.id, state, attempt)

    def load_checkpoint(self, default: object) -> object:
        return self._checkpoints.load(self.id, default, warn=self._warn)

    def _warn(self, sentence: str) -> None:
        self.emit(self.fold.attempt, "log", Log("logging", sentence, "warning"))
