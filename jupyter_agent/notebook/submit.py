"""Submission of a function as a task: engine, idempotency key, view."""

from __future__ import annotations

import asyncio
import functools
import weakref
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from ..core.params import call_params
from ..core.task import Task
from ..detached.worker_slots import check_grace
from ..producer.producer import Producer
from ..runtime.attempt import Attempt, Engine
from ..runtime.bootstrap import ready_producer
from ..runtime.context import current
from ..runtime.engines.base import Work
from ..runtime.engines.event_loop import LoopEngine
from ..runtime.engines.thread import ThreadEngine
from ..runtime.local_task import LocalTask, local_tasks
from ..runtime.options import Options
from ..runtime.outcome import OutcomeHolder
from .handle import TaskHandle, view_of
from .idempotency import check_key, reserve_key

MODES = ("thread", "loop", "process", "detached")


def run_as_task(
    options: Options, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TaskHandle:
    """Start *function* with *options*; the handle of the task that now does that work."""
    check(options)
    if options.params is None:
        options = replace(options, params=call_params(function, args, kwargs))
    start = _starter(options, Work(function, args, kwargs))
    producer = ready_producer()
    begin = None
    with reserve_key(producer, options.key) as found:
        if isinstance(found, TaskHandle):
            handle = found
        else:
            handle, begin = start(producer, found)
    try:
        return show_task(handle, options)
    finally:  # after its view is shown, so that what it prints comes below
        if begin is not None:
            begin()


Begin = Callable[[], None]
Start = Callable[[Producer, LocalTask | Task | None], tuple[TaskHandle, Begin | None]]
"""Queues an attempt: the next one of the task that was found, or the first one of a new task.

Returns also what begins it; ``None`` where another process does.
"""


def _starter(options: Options, work: Work) -> Start:
    """Return what starts *work*. Raises what is wrong with *options* or *work* before anything is started."""
    if options.on == "detached":
        from .detached_submit import DetachedCall

        call = DetachedCall(options, work)
        return lambda producer, found: (call.submit(producer, _release(found)), None)
    make = engine_for(options.on, work)

    def start(producer: Producer, found: LocalTask | Task | None) -> tuple[TaskHandle, Begin]:
        holder = OutcomeHolder()
        task = task_for(producer, options, make, found)
        begin = task.prepare(holder)
        _follow_parent(task)
        return TaskHandle(task, holder), begin

    return start


def _follow_parent(task: LocalTask) -> None:
    """Cancel *task* with the task that starts it. One that starts in that task's clean-up goes on."""
    if not current().id:
        return
    cancellation, ref = current().cancellation, weakref.ref(task)

    def cancel() -> None:
        child = ref()
        if child is None:
            return
        was_cancelled = child.attempt is not None and child.attempt.course.why is not None
        if cancellation.hastened or not was_cancelled:  # a child's own first cancel is no second one
            child.cancel()

    cancellation.add_callback(cancel)
    task.completion.add_callback(lambda: cancellation.remove_callback(cancel))


def _release(found: LocalTask | Task | None) -> Task | None:
    """Give a task of this process up to a worker; its snapshot."""
    if not isinstance(found, LocalTask):
        return found
    local_tasks.discard(found)
    return found.fold


def task_for(
    producer: Producer,
    options: Options,
    engine: Callable[[Attempt], Engine] | None,
    found: LocalTask | Task | None,
) -> LocalTask:
    """Return the task that gets the next attempt: the one that `reserve_key` found, or a new one."""
    if isinstance(found, LocalTask):
        found.renew(options, engine)
        return found
    return LocalTask(producer, options, engine, seen=found)


def show_task(handle: TaskHandle, options: Options) -> TaskHandle:
    """Show the task's view, and replace it by static HTML at the end, unless *options* say not to show it."""
    if options.show:
        handle.show()
        view = view_of(handle)
        if view.local is not None and not view.local.fold.state.ended:
            from .display import bundle

            view.local.completion.add_callback(functools.partial(bundle.finish, view))
    return handle


def check(options: Options) -> None:
    """Raise `ValueError` or `TypeError` for options that are not possible."""
    if not isinstance(options.on, Executor) and options.on not in MODES:
        choices = ", ".join(repr(mode) for mode in MODES)
        raise ValueError(
            f"on={options.on!r} is not possible here; use {choices} or a concurrent.futures.Executor"
        )
    check_key(options.key)
    name: object = options.name
    if not isinstance(name, str):
        raise TypeError(f"name={name!r} is not text")
    retries: object = options.retries
    if isinstance(retries, bool) or not isinstance(retries, Integral):
        raise TypeError(f"retries={options.retries!r} is not a whole number; use 3 for three more attempts")
    if options.retries < 0:
        raise ValueError(f"retries={options.retries} is less than 0; use 0 for one attempt only")
    timeout: object = options.timeout
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, Real)):
        raise TypeError(f"timeout={timeout!r} is not a number of seconds, such as 3 or 0.5")
    if timeout is not None and not float(timeout) > 0:  # NaN is not, either
        raise ValueError(
            f"timeout={options.timeout} is not a number of seconds above 0; leave it out for no limit"
        )
    check_seconds_to_clean_up(options.grace)


def check_seconds_to_clean_up(grace: object) -> None:
    """Raise `ValueError` or `TypeError` for a *grace* that is not possible."""
    if isinstance(grace, bool) or not isinstance(grace, Real | None):
        raise TypeError(f"grace={grace!r} is not a number of seconds, such as 15 or 0.5")
    if grace is not None:
        check_grace(float(grace))


def engine_for(on: Any, work: Work) -> Callable[[Attempt], Engine]:
    """Return a factory of engines that run one attempt of *work* each.

    Raises `ValueError` when no engine runs *on*.
    """
    if isinstance(on, Executor):
        from ..runtime.engines.executor import ExecutorEngine

        return lambda attempt: ExecutorEngine(attempt, work, on)
    if on == "process":
        from ..runtime.engines.process import ProcessEngine

        return lambda attempt: ProcessEngine(attempt, work)
    if on == "loop":
        loop = _running_loop(work)
        return lambda attempt: LoopEngine(attempt, work, loop)
    if on == "thread":
        return lambda attempt: ThreadEngine(attempt, work)
    raise ValueError(f"no engine runs on={on!r}")


def _running_loop(work: Work) -> asyncio.AbstractEventLoop:
    if not work.is_coroutine:
        raise TypeError("on='loop' runs coroutine functions; define it with 'async def', or use on='thread'")
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "on='loop' needs a running event loop, as in a notebook's cell; here, use on='thread'"
        ) from None
