"""Starts a function as a task: picks the engine, honours the key, shows the view."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from ..core.task import Task
from ..producer.producer import Producer
from ..runtime.attempt import Attempt, Engine, OutcomeHolder
from ..runtime.bootstrap import ready_producer
from ..runtime.engines.base import Work
from ..runtime.engines.event_loop import LoopEngine
from ..runtime.engines.executor import ExecutorEngine
from ..runtime.engines.thread import ThreadEngine
from ..runtime.local_task import LocalTask
from ..runtime.options import Options
from ..runtime.registry import discard_task
from .handle import TaskHandle
from .idempotency import check_key, reserve_key

MODES = ("thread", "loop", "process", "detached")


def run_as_task(
    options: Options, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TaskHandle:
    """Start *function* as *options* say; the handle of the task that now does that work."""
    check(options)
    begin = _beginner(options, Work(function, args, kwargs))
    producer = ready_producer()
    with reserve_key(producer, options.key) as found:
        handle = found if isinstance(found, TaskHandle) else begin(producer, found)
    return shown(handle, options)


Begin = Callable[[Producer, LocalTask | Task | None], TaskHandle]
"""Begins an attempt: the next one of what was found, or the first one of a new task."""


def _beginner(options: Options, work: Work) -> Begin:
    """Raises what is wrong with *options* or *work* before anything is begun."""
    if options.on == "detached":
        from .detached_submit import Detached

        call = Detached(options, work)
        return lambda producer, found: call.submit(producer, _released(found))
    make = engine_for(options.on, work)

    def begin(producer: Producer, found: LocalTask | Task | None) -> TaskHandle:
        holder = OutcomeHolder()
        task = task_for(producer, options, make, found)
        task.start(holder)
        return TaskHandle(task, holder)

    return begin


def _released(found: LocalTask | Task | None) -> Task | None:
    """The snapshot of what this process gives out of its hands."""
    if not isinstance(found, LocalTask):
        return found
    discard_task(found)
    return found.fold


def task_for(
    producer: Producer,
    options: Options,
    engine: Callable[[Attempt], Engine] | None,
    found: LocalTask | Task | None,
) -> LocalTask:
    """The task whose next attempt a submit is: a new one, or what `reserve_key` has found."""
    if isinstance(found, LocalTask):
        found.renew(options, engine)
        return found
    return LocalTask(producer, options, engine, seen=found)


def shown(handle: TaskHandle, options: Options) -> TaskHandle:
    """Show the task's view, unless *options* say not to, and its last picture when it ends."""
    if options.show:
        handle.show()
        task = handle.local
        if task is not None and not task.fold.state.ended:
            from .display import bundle as display

            task.on_end(functools.partial(display.finish, handle))
    return handle


def check(options: Options) -> None:
    """Raise a clear `ValueError` or `TypeError` for options that cannot be."""
    if not isinstance(options.on, Executor) and options.on not in MODES:
        choices = ", ".join(repr(mode) for mode in MODES)
        raise ValueError(
            f"on={options.on!r} is not possible here; use {choices} or a concurrent.futures.Executor"
        )
    check_key(options.key)
    if options.retries < 0:
        raise ValueError(f"retries={options.retries} is less than 0; use 0 for one attempt only")
    if options.timeout is not None and options.timeout <= 0:
        raise ValueError(
            f"timeout={options.timeout} is not a number of seconds above 0; leave it out for no limit"
        )


def engine_for(on: Any, work: Work) -> Callable[[Attempt], Engine]:
    """What makes the engine that runs one attempt of *work*."""
    if isinstance(on, Executor):
        return lambda attempt: ExecutorEngine(attempt, work, on)
    if on == "process":
        from ..runtime.engines.process import ProcessEngine

        return lambda attempt: ProcessEngine(attempt, work)
    if on == "loop":
        loop = _running_loop(work)
        return lambda attempt: LoopEngine(attempt, work, loop)
    return lambda attempt: ThreadEngine(attempt, work)


def _running_loop(work: Work) -> asyncio.AbstractEventLoop:
    if not work.is_coroutine:
        raise TypeError("on='loop' runs coroutine functions; define it with 'async def', or use on='thread'")
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "on='loop' needs a running event loop, as in a notebook's cell; here, use on='thread'"
        ) from None
