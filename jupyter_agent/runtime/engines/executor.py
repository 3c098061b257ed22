"""Engine that runs an attempt in a `concurrent.futures` executor: in this process, or in one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any

import msgspec

from ...core.task import Task
from ...detached.function_pickle import dumps
from ...errors import TaskCancelled
from ..attempt import Attempt
from ..interrupt import AsyncExceptionInterrupter
from ..outcome import Outcome
from .base import BaseEngine, Work, run_attempt
from .calls import value_of
from .pool.link_server import link_server
from .pool.messages import NotBegun, Plain, PoolSpec, Returned
from .pool.remote_attempt import RemoteAttempt
from .pool.replacement import usable

_WORKER_SIDE = "jupyter_agent.worker.pool.call"
"""The module that runs an attempt in a process of a pool; it imports this package, not the reverse."""


class ExecutorEngine(BaseEngine):
    """Runs an attempt in any `concurrent.futures.Executor`.

    In another process, too, the task has a context, by a producer of that process (see `RemoteAttempt`). On
    another machine only the plain function runs, and this process learns that it began when it has ended.
    """

    retries_death = True

    def __init__(self, attempt: Attempt, work: Work, executor: Executor) -> None:
        super().__init__(attempt)
        self._executor = executor
        self._call = ExecutorCall(attempt, work)
        self._future: Future[Any] | None = None

    @property
    def reports(self) -> bool:  # type: ignore[override]
        return not self._is_remote

    @property
    def thread(self) -> int | None:
        return self._call.stop.thread

    @property
    def _is_remote(self) -> bool:
        return self._call.remote is not None and self._call.remote.has_begun

    def start(self) -> None:
        if not isinstance(self._executor, ThreadPoolExecutor):
            link_server()  # now: Python 3.12 starts no thread at the exit, when the executor may pickle it
            # The executor pickles in a thread. A process that is forked while it imports waits for ever.
            import_module("cloudpickle")
        self._future = usable(self._executor).submit(self._call)
        self._future.add_done_callback(self._done)

    def withdraw(self) -> bool:
        return self._call.withdraw()

    def cancel(self) -> None:
        if self._future is not None:
            self._future.cancel()
        self._send("cancel")
        if self._attempt.context.positions:
            self._throw()

    def hasten(self) -> None:
        self._send("cancel", now=True)

    def interrupt(self) -> None:
        if not (self._call.is_here and self._attempt.context.cancellation.is_told(self.thread)):
            self.force()

    def force(self) -> None:
        """Raise it here once more. In another process its own engine does that, as long as it takes."""
        if self._call.is_here:
            self._throw()

    def poll(self) -> None:
        if self._call.remote is not None:
            self._call.remote.poll()
        elif self._call.is_here and self._future is not None and self._future.running():
            self._attempt.begin()

    def abandon(self) -> None:
        if self._future is not None:
            self._future.cancel()

    def answer(self, text: str, prompt_id: str | None) -> bool:
        if not self._is_remote:
            return super().answer(text, prompt_id)
        self._send("input", text=text, prompt_id=prompt_id)
        return True

    def _throw(self) -> None:
        if (thread := self.thread) is not None:
            self._attempt.context.cancellation.mark_told(thread)
        self._call.stop.throw()

    def _send(self, command: str, **more: Any) -> None:
        if self._call.remote is not None:
            self._call.remote.send(command, **more)

    def _done(self, future: Future[Any]) -> None:
        self._future = None
        if self._call.is_here:
            return
        error = FutureCancelled() if future.cancelled() else future.exception()
        if error is not None:
            self._failed(error)
            return
        match future.result():
            case Returned(seen, value, exception) if self._call.remote is not None:
                last = msgspec.json.decode(seen, type=Task)
                self._call.remote.see(last)
                self._call.remote.finish(Outcome(last.state, value, exception))
            case NotBegun(why):
                self._not_begun(why)
            case Plain(value) | value:
                self._attempt.begin(elsewhere=True)
                self._attempt.completed(value)

    def _failed(self, error: BaseException) -> None:
        """The executor has returned no value: what runs in a process ends with its own word, or its death."""
        remote = self._call.remote
        if remote is not None and not remote.withdraw():
            remote.finish(None)
            return
        if remote is not None:
            remote.close()
        if isinstance(error, FutureCancelled):
            error = TaskCancelled("cancelled")
        elif isinstance(error, PlainError):
            self._attempt.begin(elsewhere=True)
            error = error.error
        self._attempt.raised(error)

    def _not_begun(self, why: str) -> None:
        remote = self._call.remote
        if remote is None:
            return
        if not remote.withdraw():  # the executor has called it twice, and the other one runs
            remote.finish(None)
            return
        remote.close()
        if not self._attempt.task.is_finished(self._attempt):
            self._attempt.raised(RuntimeError(why))


class ExecutorCall:
    """What the executor calls: the attempt in this process; pickled, one that asks whether it may begin."""

    def __init__(self, attempt: Attempt, work: Work) -> None:
        self._attempt = attempt
        self._work = work
        self.stop = AsyncExceptionInterrupter()
        self.is_here = False
        self.remote: RemoteAttempt | None = None
        self._lock = threading.Lock()
        self._is_withdrawn = False

    def withdraw(self) -> bool:
        """Let no process begin the attempt any more; false when one has."""
        with self._lock:
            self._is_withdrawn = True
            return self.remote is None or self.remote.withdraw()

    def __call__(self) -> None:
        self.is_here = True
        self._attempt.variables.run(run_attempt, self._attempt, partial(value_of, self._work), self.stop)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[PoolSpec, bytes]]:
        work = self._work
        content = dumps((work.function, work.args, work.kwargs))
        with self._lock:
            if self.remote is None:
                self.remote = RemoteAttempt(self._attempt, self)
                if self._is_withdrawn:
                    self.remote.withdraw()
            return load_pool_call, (self.remote.spec(work), content)


def load_pool_call(spec: PoolSpec, content: bytes) -> Any:
    """Unpickle what an `ExecutorCall` becomes in another process: a call of an attempt."""
    return import_module(_WORKER_SIDE).PoolCall(spec, content)


class PlainError(Exception):
    """What a function raised that ran without a context, on another machine."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error
