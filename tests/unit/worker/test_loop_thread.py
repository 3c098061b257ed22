"""A coroutine beside the main thread is stopped whenever that is."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jupyter_agent.worker.notebooks import loop_thread as aside_module
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
        until(lambda: aside._running is not None)
        raise KeyboardInterrupt

    aside = LoopThread(work, stop)
    monkeypatch.setattr(threading.Thread, "start", hit)
    with pytest.raises(KeyboardInterrupt):
        aside.run()
    assert ended.is_set()


def test_a_stop_before_the_thread_starts_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        pytest.fail("it was not to begin")

    async def stop(running: asyncio.Task[None]) -> None:
        pytest.fail("nothing is to be stopped")

    def hit(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", hit)
    monkeypatch.setattr(aside_module, "wait", lambda *_: pytest.fail("there is nothing to wait for"))
    with pytest.raises(KeyboardInterrupt):
        LoopThread(work, stop).run()
