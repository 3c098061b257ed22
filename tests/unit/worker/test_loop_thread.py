"""A coroutine in a side thread stops when the main thread is interrupted, at any moment."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jupyter_agent.worker.notebooks import loop_thread
from jupyter_agent.worker.notebooks.loop_thread import LoopThread
from tests.support.builders import until


def test_a_stop_while_the_thread_starts_stops_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, start = threading.Event(), threading.Thread.start

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def stop(running: asyncio.Task[None]) -> None:
        """It needs no time."""

    def hit(thread: threading.Thread) -> None:
        start(thread)
        until(lambda: side._running is not None)
        raise KeyboardInterrupt

    side = LoopThread(work, stop)
    monkeypatch.setattr(threading.Thread, "start", hit)
    with pytest.raises(KeyboardInterrupt):
        side.run()
    assert ended.is_set()


def test_a_stop_before_the_thread_starts_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        pytest.fail("it was not to begin")

    async def stop(running: asyncio.Task[None]) -> None:
        pytest.fail("nothing is to be stopped")

    def hit(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", hit)
    monkeypatch.setattr(loop_thread, "wait", lambda *_: pytest.fail("there is nothing to wait for"))
    with pytest.raises(KeyboardInterrupt):
        LoopThread(work, stop).run()
