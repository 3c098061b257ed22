"""The loop of a background thread ends as `asyncio.run` does, also while the process exits."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from jupyter_agent.transport.thread_loop import run_in_thread

SCRIPT = """
import asyncio, atexit, threading
from jupyter_agent.transport.thread_loop import run_in_thread

begun, end = threading.Event(), asyncio.Event()
async def main():
    global loop
    loop = asyncio.get_running_loop()
    await loop.getaddrinfo("127.0.0.1", 80)
    begun.set()
    await end.wait()

thread = threading.Thread(target=run_in_thread, args=(main(),), daemon=True)
thread.start()
begun.wait()

@atexit.register
def stop():
    loop.call_soon_threadsafe(end.set)
    thread.join()
"""


def test_a_loop_that_looked_up_a_name_ends_where_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    async def look_up() -> int:
        await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
        monkeypatch.setattr(threading.Thread, "start", refuse)
        return 3

    assert run_in_thread(look_up()) == 3


def test_an_exit_handler_may_end_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_it_has_left_is_cancelled_and_closed() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            ended.append("generator")

    async def main() -> None:
        left = asyncio.create_task(forever())
        kept.append(left)
        items = numbers()
        kept.append(items)
        await anext(items)
        raise KeyError("its own")

    kept: list[object] = []
    with pytest.raises(KeyError, match="its own"):
        run_in_thread(main())
    assert ended == ["task", "generator"]
