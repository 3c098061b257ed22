"""Waiting for a task of this process, in a thread or on an event loop."""

from __future__ import annotations

import asyncio

from ..runtime.context import current
from ..runtime.engines.delay import RetryDelay
from ..runtime.engines.event_loop import LoopEngine
from ..runtime.local_task import LocalTask
from .nested_asyncio import run


def wait_here(task: LocalTask, timeout: float | None) -> bool:
    """Wait at most *timeout* seconds for *task*; false when they pass first.

    On the event loop that runs the task, that loop keeps running meanwhile. Raises `TaskCancelled` when the
    task that waits is cancelled.
    """
    loop = _loop_of(task)
    if loop is not None and loop is _running_loop():
        return run(_ended_within(task, timeout))
    return current().cancellation.wait(task.completion.wait, timeout)


async def wait_async(task: LocalTask) -> None:
    """Wait for *task* without blocking the running event loop."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    def notify() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle)

    task.completion.add_callback(notify)
    await done


def _loop_of(task: LocalTask) -> asyncio.AbstractEventLoop | None:
    engine = task.attempt.engine if task.attempt else None
    engine = engine.then if isinstance(engine, RetryDelay) else engine
    return engine.loop if isinstance(engine, LoopEngine) else None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _ended_within(task: LocalTask, seconds: float | None) -> bool:
    try:
        await asyncio.wait_for(wait_async(task), seconds)
    except TimeoutError:
        return False
    return True
