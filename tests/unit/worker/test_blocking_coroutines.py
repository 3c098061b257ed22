"""Coroutines that block their event loop: a cancel reaches them where they block, and never in a clean-up."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.runtime.interrupt import SignalInterrupter, Stopped
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.worker.functions.coroutines import active, interrupt_blocking, run_coroutine
from tests.support.runtime import own_producer, until  # noqa: F401
from tests.support.workers import no_workers_left, workers_of


@pytest.fixture(autouse=True)
def workers_end(paths: DataPaths) -> Iterator[None]:
    with no_workers_left(paths):
        yield


class Reached:
    """Where the main thread is, for the thread that stops it; and what it waits for in vain."""

    def __init__(self) -> None:
        self.blocked = threading.Event()
        self.cleans, self.cleaned = threading.Event(), threading.Event()

    def block(self) -> None:
        """Block the event loop, in short waits: a signal just before one of them is handled after it."""
        self.blocked.set()
        until(self.cleans.is_set, 30)


def run_and_interrupt(
    coroutine: Coroutine[Any, Any, Any], reached: Reached, then: Callable[[SignalInterrupter], object]
) -> None:
    """Run *coroutine* as a worker does, cancel it when it blocks, and do *then*."""
    stop = SignalInterrupter(signal.SIGTERM)

    def cancel() -> None:
        reached.blocked.wait(30)
        stop.throw()
        until(lambda: all(one.raised is not None for one in active), 30)
        then(stop)

    asker = threading.Thread(target=cancel)
    asker.start()
    try:
        stop.run(lambda: run_coroutine(coroutine))
    finally:
        asker.join()


def test_it_is_cancelled_where_it_blocks_and_only_once() -> None:
    seen: list[str] = []
    reached = Reached()

    async def blocks() -> None:
        try:
            reached.block()
        except asyncio.CancelledError:
            seen.append("told")
            await asyncio.sleep(0.01)  # the clean-up is not cancelled, too
            seen.append("cleaned")
            raise

    with pytest.raises(Stopped):
        run_and_interrupt(blocks(), reached, interrupt_blocking)
    assert seen == ["told", "cleaned"]


def test_what_another_of_its_tasks_raises_ends_the_whole_coroutine() -> None:
    reached = Reached()
    seen: list[str] = []

    async def blocks() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            reached.block()

    async def waits() -> None:
        task = asyncio.create_task(blocks())
        try:
            await asyncio.sleep(30)
        finally:
            await task
            seen.append("cleaned")

    with pytest.raises(Stopped):
        run_and_interrupt(waits(), reached, interrupt_blocking)
    assert seen == ["cleaned"]


def test_a_clean_up_that_blocks_is_not_interrupted() -> None:
    reached = Reached()
    reached.block = reached.blocked.set  # type: ignore[method-assign]
    seen: list[str] = []

    async def cleans() -> None:
        try:
            reached.block()
            await asyncio.sleep(30)
        finally:
            reached.cleans.set()
            until(reached.cleaned.is_set, 30)
            seen.append("cleaned")

    def interrupt(stop: SignalInterrupter) -> None:
        reached.cleans.wait(30)
        interrupt_blocking(stop)
        reached.cleaned.set()

    with pytest.raises(Stopped):
        run_and_interrupt(cleans(), reached, interrupt)
    assert seen == ["cleaned"]


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_worker_whose_coroutine_and_thread_block_ends_in_its_grace(on: Any, paths: DataPaths) -> None:
    """The thread is no daemon: Python would wait for it for ever, after the task's end."""

    async def blocks() -> None:
        threading.Thread(target=queue.Queue().get).start()
        queue.Queue[None]().get()

    error = ja.task(blocks, on=on, timeout=1, grace=3, show=False).submit().exception(60)
    assert isinstance(error, ja.TaskTimeout)
    assert "killed" not in str(error)
    until(lambda: not workers_of(paths), 30)
