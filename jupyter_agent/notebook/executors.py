"""Where attempts run in this process: a thread, the running event loop, a given executor."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Executor, Future
from inspect import iscoroutinefunction
from typing import Any

from ..core.events import TaskState
from ..errors import TaskCancelled
from .attempt import Attempt
from .context import set_current
from .outcome import Outcome
from .stop import MainStop, ThreadStop


class Work:
    """A function with its arguments."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def __call__(self) -> Any:
        return self.function(*self.args, **self.kwargs)

    @property
    def is_coroutine(self) -> bool:
        """Whether calling it gives a coroutine."""
        return iscoroutinefunction(self.function)


def run_attempt(attempt: Attempt, call: Callable[[], Any], stop: ThreadStop | MainStop) -> None:
    """Run *call* as *attempt* in this thread, begin to end.

    Raises nothing but what hits it while how the attempt ended is being kept; it has an end then, too.
    """
    if not attempt.begin():
        return
    if attempt.context.cancelled:
        attempt.raised(TaskCancelled("cancelled before it began"))
        return
    before = set_current(attempt.context)
    try:
        try:
            value = stop.run(call)
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is how it ended
            attempt.raised(error)
        else:
            attempt.completed(value)
    except BaseException as error:  # a notebook's stop button
        attempt.raised(error)
        raise
    finally:
        set_current(before)


class BaseEngine:
    """What engines have in common: the attempt, and nothing to do where an engine does not say."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def poll(self) -> None:
        """Nothing to look at."""

    def abandon(self) -> None:
        """It ends with its process."""

    def answer(self, text: str, prompt_id: str | None) -> bool:
        return self._attempt.context.answer(text, prompt_id)


class ForegroundEngine(BaseEngine):
    """Code of a cell that runs as a task where it is: stopped at once, not after a grace."""

    def __init__(self, attempt: Attempt, stop: ThreadStop | MainStop) -> None:
        super().__init__(attempt)
        self._stop = stop

    def start(self) -> None:
        """It runs already."""

    def cancel(self) -> None:
        self._stop.throw()

    def force(self) -> None:
        self._stop.throw()


class ThreadEngine(BaseEngine):
    """A daemon thread of its own. A coroutine function gets an event loop there."""

    def __init__(self, attempt: Attempt, work: Work) -> None:
        super().__init__(attempt)
        self._work = work
        self._stop = ThreadStop()
        self._cancel_coroutine: Callable[[], object] | None = None

    def start(self) -> None:
        name = f"jupyter-agent-task-{self._attempt.task.options.name}"
        threading.Thread(target=self._main, name=name, daemon=True).start()

    def cancel(self) -> None:
        if self._cancel_coroutine is not None:
            self._cancel_coroutine()
        elif self._attempt.context.positions:
            self._stop.throw()

    def force(self) -> None:
        self._stop.throw()

    def _main(self) -> None:
        call = self._run_coroutine if self._work.is_coroutine else self._work
        self._attempt.variables.run(run_attempt, self._attempt, call, self._stop)

    def _run_coroutine(self) -> Any:
        return asyncio.run(self._as_cancellable())

    async def _as_cancellable(self) -> Any:
        loop = asyncio.get_running_loop()
        running = asyncio.ensure_future(self._work())

        def cancel() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(running.cancel)

        self._cancel_coroutine = cancel
        self._attempt.context.raise_if_cancelled()
        return await running


class LoopEngine(BaseEngine):
    """A coroutine on the event loop that runs where the task was submitted."""

    def __init__(self, attempt: Attempt, work: Work, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(attempt)
        self._work = work
        self.loop = loop
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._is_on_loop():
            self._create()
        else:
            self.loop.call_soon_threadsafe(self._create)

    def cancel(self) -> None:
        if self.loop.is_closed():
            self.force()
        else:
            self.loop.call_soon_threadsafe(self._cancel)

    def force(self) -> None:
        """A coroutine can only be stopped where it awaits; one whose loop is gone has stopped."""
        if self.loop.is_closed():
            self._attempt.task.finish(self._attempt, _LOOP_GONE)

    def poll(self) -> None:
        if self.loop.is_closed():
            self._attempt.task.finish(self._attempt, _LOOP_GONE)

    def _is_on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def _create(self) -> None:
        name = f"jupyter-agent-task-{self._attempt.task.options.name}"
        self._running = self.loop.create_task(self._main(), name=name, context=self._attempt.variables)

    def _cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()

    async def _main(self) -> None:
        attempt = self._attempt
        if not attempt.begin():
            return
        set_current(attempt.context)
        try:
            attempt.context.raise_if_cancelled()
            value = await self._work()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - that is how it ended
            attempt.raised(error)
        except BaseException as error:
            attempt.raised(error)
            raise
        else:
            attempt.completed(value)


_LOOP_GONE = Outcome(TaskState.INTERRUPTED, reason="the event loop it ran on was closed")


class ExecutorEngine(BaseEngine):
    """Any `concurrent.futures.Executor`. In this process the task has its context; in another
    process it is the plain function, and what can be known of it here is when it begins and ends."""

    def __init__(self, attempt: Attempt, work: Work, executor: Executor) -> None:
        super().__init__(attempt)
        self._executor = executor
        self._shipped = Shipped(attempt, work)
        self._future: Future[Any] | None = None

    def start(self) -> None:
        self._future = self._executor.submit(self._shipped)
        self._future.add_done_callback(self._done)

    def cancel(self) -> None:
        if self._future is not None:
            self._future.cancel()
        if self._attempt.context.positions:
            self._shipped.stop.throw()

    def force(self) -> None:
        if self._shipped.here:
            self._shipped.stop.throw()
        else:
            reason = "cancelled; an executor's process cannot be stopped and goes on unheard"
            self._attempt.task.finish(self._attempt, Outcome(TaskState.CANCELLED, reason=reason))

    def poll(self) -> None:
        if self._future is not None and self._future.running():
            self._attempt.begin()

    def abandon(self) -> None:
        if self._future is not None:
            self._future.cancel()

    def _done(self, future: Future[Any]) -> None:
        self._future = None
        if self._shipped.here:
            return
        if future.cancelled():
            self._attempt.raised(TaskCancelled("cancelled"))
            return
        self._attempt.begin()
        error = future.exception()
        if error is None:
            self._attempt.completed(future.result())
        elif isinstance(error, FutureCancelled):
            self._attempt.raised(TaskCancelled("cancelled"))
        else:
            self._attempt.raised(error)


class Shipped:
    """What an executor is given: the attempt when called here, the plain function when pickled."""

    def __init__(self, attempt: Attempt, work: Work) -> None:
        self._attempt = attempt
        self._work = work
        self.stop = ThreadStop()
        self.here = False

    def __call__(self) -> None:
        self.here = True
        self._attempt.variables.run(run_attempt, self._attempt, self._work, self.stop)

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        import cloudpickle

        work = self._work
        return unpickled, (cloudpickle.dumps((work.function, work.args, work.kwargs)),)


class Plain:
    """A function with its arguments, in another process."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._call = (function, args, kwargs)

    def __call__(self) -> Any:
        function, args, kwargs = self._call
        value = function(*args, **kwargs)
        return asyncio.run(value) if asyncio.iscoroutine(value) else value


def unpickled(content: bytes) -> Plain:
    """What `Shipped` is in another process."""
    import pickle

    return Plain(*pickle.loads(content))  # noqa: S301 - the executor's own channel
