"""Engine that runs an attempt in a `concurrent.futures` executor."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from ...core.events import TaskState
from ...errors import TaskCancelled
from ..attempt import Attempt
from ..interrupt import AsyncExceptionInterrupter
from ..outcome import Outcome
from .base import BaseEngine, Work, run_attempt
from .calls import value_of


class ExecutorEngine(BaseEngine):
    """Runs an attempt in any `concurrent.futures.Executor`.

    In this process the task has its context. In another process only the plain function runs, and this
    process learns only when it begins and ends.
    """

    def __init__(self, attempt: Attempt, work: Work, executor: Executor) -> None:
        super().__init__(attempt)
        self._executor = executor
        self._call = ExecutorCall(attempt, work)
        self._future: Future[Any] | None = None

    def start(self) -> None:
        self._future = self._executor.submit(self._call)
        self._future.add_done_callback(self._done)

    def cancel(self) -> None:
        if self._future is not None:
            self._future.cancel()
        if self._attempt.context.positions:
            self._throw()

    @property
    def thread(self) -> int | None:
        return self._call.stop.thread

    def interrupt(self) -> None:
        if not (self._call.is_here and self._attempt.context.cancellation.is_told(self.thread)):
            self.force()

    def _throw(self) -> None:
        if (thread := self.thread) is not None:
            self._attempt.context.cancellation.mark_told(thread)
        self._call.stop.throw()

    def force(self) -> None:
        if self._call.is_here:
            self._throw()
        else:
            reason = "cancelled; an executor's process cannot be stopped, and its result is ignored"
            self._attempt.task.complete(self._attempt, Outcome(TaskState.CANCELLED, reason=reason))

    def poll(self) -> None:
        if self._future is not None and self._future.running():
            self._attempt.begin(elsewhere=not self._call.is_here)

    def abandon(self) -> None:
        if self._future is not None:
            self._future.cancel()

    def _done(self, future: Future[Any]) -> None:
        self._future = None
        if self._call.is_here:
            return
        if future.cancelled():
            self._attempt.raised(TaskCancelled("cancelled"))
            return
        self._attempt.begin(elsewhere=True)
        error = future.exception()
        if error is None:
            self._attempt.completed(future.result())
        elif isinstance(error, FutureCancelled):
            self._attempt.raised(TaskCancelled("cancelled"))
        else:
            self._attempt.raised(error)


class ExecutorCall:
    """What the executor calls: the attempt in this process; pickled, the plain function."""

    def __init__(self, attempt: Attempt, work: Work) -> None:
        self._attempt = attempt
        self._work = work
        self.stop = AsyncExceptionInterrupter()
        self.is_here = False

    def __call__(self) -> None:
        self.is_here = True
        self._attempt.variables.run(run_attempt, self._attempt, partial(value_of, self._work), self.stop)

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        import cloudpickle

        work = self._work
        return load_call, (cloudpickle.dumps((work.function, work.args, work.kwargs)),)


class RemoteCall:
    """A function with its arguments, as another process runs it."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._call = (function, args, kwargs)

    def __call__(self) -> Any:
        function, args, kwargs = self._call
        return value_of(partial(function, *args, **kwargs))


def load_call(content: bytes) -> RemoteCall:
    """Unpickle what an `ExecutorCall` becomes in another process."""
    import pickle

    return RemoteCall(*pickle.loads(content))  # noqa: S301 - from the executor's own channel
