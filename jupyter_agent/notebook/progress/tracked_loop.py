"""Tracked loop outside any task: a task of its own, for as long as the loop runs.

An exception that leaves the loop is found where it ends up: in a handler, in the cell's result, or in the
process's exception hook. Until then the loop's task stays open, for at most `EXCEPTION_TIMEOUT`.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from types import CodeType, FrameType
from typing import Any

from ...core.events import Error, TaskState
from ...runtime.attempt import Attempt
from ...runtime.bootstrap import ready_producer
from ...runtime.context import AnyContext, restore_current, set_current
from ...runtime.engines.foreground import ForegroundEngine
from ...runtime.interrupt import (
    AsyncExceptionInterrupter,
    SignalInterrupter,
    Stopped,
    interrupter_for_this_thread,
)
from ...runtime.local_task import LocalTask
from ...runtime.options import Options
from ...runtime.outcome import Outcome, OutcomeHolder, outcome_of
from ...runtime.progress_sampler import Position
from ...runtime.stopping.handled import handled_exception
from ...runtime.stopping.scope import Scope
from ..handle import TaskHandle
from ..submit import show_task
from . import cpython
from .bar_renderer import BarHandle, show_bar
from .loop_body import ContextOfBody, LoopBody, is_generator
from .observer import Departure

EXCEPTION_TIMEOUT = 1.0
"""Seconds that a loop left by an exception waits for that exception to be found."""

RETURN_POLLS = 2
"""Polls, 20 a second, after which a call that has left no exception in sight has returned."""

_LEFT = Outcome(TaskState.CANCELLED, reason="the loop was left before its end")
_WHOLE = Outcome(TaskState.COMPLETED)
_UNNAMED = Outcome(
    TaskState.FAILED,
    error=Error("Exception", "the loop was left by an exception that was handled outside it"),
)


class TrackedLoop:
    """Observer of a loop that is a task of its own, which begins with the first step."""

    needs_departure = True

    def __init__(self, position: Position, name: str) -> None:
        self._position = position
        self._options = Options(name, on="foreground", slim=True, kind="loop")
        self._attempt: Attempt | None = None
        self._own: AnyContext | None = None
        self._before: AnyContext | None = None
        self._code: CodeType | None = None
        self._thread = 0
        self._left_at: float | None = None
        self._departure: Departure | None = None
        self._polls = 0
        self._default = _UNNAMED
        self._bar: BarHandle | None = None

    def started(self, frame: FrameType | None) -> None:
        """Queue and begin the task, and show it."""
        self._scope = None if frame is None else Scope(frame)
        self._stop = interrupter_for_this_thread(self._scope)
        cpython.watch_uncaught(_report)
        holder = OutcomeHolder()
        task = LocalTask(ready_producer(), self._options, None)
        attempt = self._attempt = task.queue(holder)
        attempt.engine = _LoopEngine(attempt, self._stop, self)
        self._code = None if frame is None else frame.f_code
        self._thread = threading.get_ident()
        attempt.begin()
        attempt.context.positions.append(self._position)
        self._own = attempt.context
        self._before = set_current(self._own)
        if frame is not None and is_generator(frame):
            self._own = ContextOfBody(attempt.context, self._before, LoopBody(frame))
            set_current(self._own)
        _open.add(self)
        show_task(TaskHandle(task, holder, slim=True), self._options)
        self._bar = show_bar(task, attempt.context.positions)
        task.completion.add_callback(self._close_bar)
        # Last: an interrupt from here on is raised in the loop's body, and not in the middle of these steps.
        self._stop.open()
        if attempt.context.cancelled:
            self._stop_at_once()

    def _stop_at_once(self) -> None:
        """Stop a loop that was cancelled when there was nothing to interrupt yet."""
        if self._scope is None or not self._scope.cancel_task():
            self._end(Outcome(TaskState.CANCELLED))
            raise Stopped

    def finished(self) -> None:
        """End the task as completed."""
        self._end(Outcome(TaskState.COMPLETED))

    def left(self, departure: Departure) -> None:
        """End the task, or keep it open until the exception that left the loop is found."""
        attempt = self._attempt
        if attempt is None or attempt.task.fold.state.ended:
            return
        if attempt.context.cancelled:
            self._end(Outcome(TaskState.CANCELLED))
        elif departure is Departure.NORMAL:
            self._end(_LEFT)
        elif departure is Departure.CONSUMED:
            self._end(_WHOLE if self._is_whole() else _LEFT)
        elif self._scope is not None and self._scope.is_cancelling:
            self._end(Outcome(TaskState.CANCELLED))
        elif self._stop.from_user:
            self._end(outcome_of(KeyboardInterrupt()))
        else:
            self._await_exception(departure)

    def _is_whole(self) -> bool:
        done, total = self._position.values()
        return done == total

    def raised(self, error: BaseException) -> None:
        """End the task: the iterable raised *error*."""
        self._end(outcome_of(error))

    def failed(self, error: BaseException) -> None:
        """End the task with *error*, if its traceback shows that it passed through the loop."""
        if self._code is not None and cpython.passed_through(error, self._code):
            outcome = outcome_of(error)
            left = outcome.state is TaskState.COMPLETED  # by `sys.exit(0)`
            self._end(_LEFT if left else outcome)

    def poll(self) -> None:
        """Look for the exception that left the loop in a handler; give up after `EXCEPTION_TIMEOUT`."""
        scope = self._scope
        if self._left_at is None and scope is not None and scope.is_comprehension_over(self._thread):
            self._await_exception(Departure.RAISED)  # its exception is kept, and so is the iterator
        if self._left_at is None:
            return
        error = handled_exception(self._thread)
        if error is not None:
            self.failed(error)
        elif self._has_returned():
            self._end(self._default)
        if time.monotonic() - self._left_at > EXCEPTION_TIMEOUT:
            self._end(self._default)

    def _has_returned(self) -> bool:
        """Count a poll without an exception; return whether the call that took the items has returned."""
        self._polls += 1
        is_async = self._scope is not None and self._scope.asyncio_task is not None  # which may keep one
        return self._departure is Departure.CALLED and self._polls >= RETURN_POLLS and not is_async

    def abandon(self) -> None:
        """The process ends, and no exception was found: end a loop that may have been left normally."""
        if self._left_at is not None and self._default is not _UNNAMED:
            self._end(self._default)
        else:
            self._close_bar(TaskState.INTERRUPTED)

    def _await_exception(self, departure: Departure) -> None:
        self._leave(all_taken=departure is not Departure.RAISED)
        self._release()
        self._departure = departure
        if departure in (Departure.UNKNOWN, Departure.CALLED):
            is_whole = departure is Departure.CALLED and self._is_whole()
            self._default = _WHOLE if is_whole else _LEFT
        else:
            self._close_bar(TaskState.FAILED)
        self._left_at = time.monotonic()
        running = self._scope and self._scope.asyncio_task
        if running:
            running.add_done_callback(self._on_task_done)

    def _on_task_done(self, running: asyncio.Task[Any]) -> None:
        """End a loop that was left by what ended its asyncio task: a cancellation, or an exception."""
        if self._left_at is None:
            return
        if running.cancelled():
            self._end(Outcome(TaskState.CANCELLED))
        # Not by `exception()`, which counts as retrieving it: asyncio says so of one that is never retrieved.
        elif (error := getattr(running, "_exception", None)) is not None:
            self.failed(error)

    def _end(self, outcome: Outcome) -> None:
        self._leave(all_taken=outcome is _LEFT or outcome.state is TaskState.COMPLETED)
        self._release()
        _open.discard(self)
        if self._attempt is not None:
            self._attempt.task.complete(self._attempt, outcome)

    def _leave(self, *, all_taken: bool) -> None:
        if self._attempt is not None:
            self._attempt.context.leave(self._position, all_taken=all_taken)

    def _close_bar(self, state: TaskState | None = None) -> None:
        if self._bar is not None and self._attempt is not None:
            self._bar.close(state or self._attempt.task.fold.state)

    def _release(self) -> None:
        """Undo what `started` changed. Idempotent."""
        self._stop.close()
        if self._before is None or self._attempt is None:
            return
        # Other threads, asyncio tasks and cells may have the loop's context as theirs, too.
        self._attempt.context.replaced_by = self._before
        if self._own is not None:
            restore_current(self._before, self._own)
        self._before = self._own = None


class _LoopEngine(ForegroundEngine):
    """Engine of a tracked loop, which runs already."""

    def __init__(
        self, attempt: Attempt, stop: AsyncExceptionInterrupter | SignalInterrupter, loop: TrackedLoop
    ) -> None:
        super().__init__(attempt, stop)
        self._loop = loop

    def poll(self) -> None:
        super().poll()
        self._loop.poll()

    def abandon(self) -> None:
        self._loop.abandon()


_open: weakref.WeakSet[TrackedLoop] = weakref.WeakSet()


def _report(error: BaseException) -> None:
    for loop in list(_open):
        loop.failed(error)
