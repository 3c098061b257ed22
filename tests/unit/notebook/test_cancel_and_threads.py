"""A cancel and the threads that a task has started: none is ended behind the back of who waits for it."""

from __future__ import annotations

import asyncio
import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.system.paths import DataPaths
from tests.support.runtime import own_producer, until  # noqa: F401
from tests.support.servers import environment
from tests.support.workers import no_workers_left

LONG = 600.0


class Gate:
    """Lets threads say that they have begun, and holds them until they may go on."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()

    def pass_through(self, *_: object) -> int:
        self.begun.release()
        self.open.wait(60)
        return 1

    def sleep(self, *_: object) -> int:
        self.begun.release()
        time.sleep(LONG)
        return 1


def cancelled(handle: ja.TaskHandle) -> bool:
    return handle.wait(20) and handle.state == "cancelled"


def test_the_items_of_a_thread_pool_wake_and_their_map_ends() -> None:
    gate = Gate()

    def work() -> list[int]:
        with ThreadPool(2) as pool:
            return pool.map(gate.sleep, range(40))

    handle = ja.task(work, show=False).submit()
    assert gate.begun.acquire(timeout=20)
    handle.cancel()
    assert cancelled(handle)


@pytest.mark.parametrize("name", ["imap", "imap_unordered", "starmap", "map_async", "apply_async"])
def test_every_way_into_a_thread_pool_hands_a_cancel_over(name: str) -> None:
    gate = Gate()

    def work() -> Any:
        with ThreadPool(1) as pool:
            argument = (gate.sleep,) if name == "apply_async" else (gate.sleep, [(1,)])
            found = getattr(pool, name)(*argument)
            return found.get() if hasattr(found, "get") else list(found)

    handle = ja.task(work, show=False).submit()
    assert gate.begun.acquire(timeout=20)
    handle.cancel()
    assert cancelled(handle)


def test_a_pool_that_two_tasks_share_serves_the_other_after_a_cancel() -> None:
    gate = Gate()
    with ThreadPool(2) as pool:
        first = ja.task(lambda: pool.map(gate.sleep, range(10), chunksize=1), show=False).submit()
        assert gate.begun.acquire(timeout=20)
        second = ja.task(lambda: sum(pool.map(abs, range(10))), show=False).submit()
        first.cancel()
        assert cancelled(first)
        assert second.result(20) == 45


def test_a_plain_thread_is_not_ended_and_the_task_not_completed_without_it() -> None:
    gate, done = Gate(), []

    def helper() -> None:
        for number in range(3):
            gate.pass_through()
            time.sleep(0.06)
            done.append(number)

    def work() -> int:
        thread = threading.Thread(target=helper)
        thread.start()
        thread.join()
        ja.current().raise_if_cancelled()
        return len(done)

    handle = ja.task(work, show=False).submit()
    assert gate.begun.acquire(timeout=20)
    handle.cancel()
    gate.open.set()
    assert cancelled(handle)
    assert done == [0, 1, 2]


def test_a_worker_of_a_queue_goes_on_so_that_the_queue_can_be_joined() -> None:
    gate, work_queue = Gate(), queue.Queue[int]()

    def worker() -> None:
        while True:
            work_queue.get()
            gate.pass_through()
            time.sleep(0.06)
            work_queue.task_done()

    def work() -> None:
        threading.Thread(target=worker, daemon=True).start()
        for number in range(3):
            work_queue.put(number)
        work_queue.join()

    handle = ja.task(work, show=False).submit()
    assert gate.begun.acquire(timeout=20)
    handle.cancel()
    gate.open.set()
    assert handle.wait(20)


def test_work_that_a_cancel_cut_short_is_never_completed() -> None:
    gate = Gate()

    def work() -> str:
        with ThreadPoolExecutor(1) as pool:
            wait_for([pool.submit(gate.sleep)])
            return "as if it had all its items"

    handle = ja.task(work, show=False).submit()
    assert gate.begun.acquire(timeout=20)
    handle.cancel()
    assert cancelled(handle)


QUIET = """
import sys, threading
import jupyter_agent as ja
begun = threading.Event()
def helper():
    begun.set()
    while True:
        ja.current().raise_if_cancelled()
def work():
    thread = threading.Thread(target=helper)
    thread.start()
    thread.join()
    return "without what the thread had to do"
handle = ja.task(work).submit()
begun.wait(60)
handle.cancel()
handle.wait(60)
print(handle.state)
"""


def test_a_thread_that_asks_for_the_cancel_ends_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUIET],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert (done.stdout, done.returncode) == ("cancelled\n", 0), done.stderr
    assert "Traceback" not in done.stderr


async def waits_for_ever() -> None:
    ja.current().metric("begun", 1)
    try:
        await asyncio.sleep(LONG)
    finally:
        await asyncio.sleep(0)
        ja.current().log("cleaned up")


def test_a_loop_that_a_plain_function_runs_is_cancelled_as_asyncio_cancels() -> None:
    handle = ja.task(lambda: asyncio.run(waits_for_ever()), show=False, grace=LONG).submit()
    until(lambda: bool(handle.metrics))
    handle.cancel()
    assert cancelled(handle)
    assert handle.logs() == "cleaned up\n"


@pytest.mark.parametrize("on", ["process", "detached"])
def test_what_sleeps_in_a_pool_wakes_in_a_process_too(on: Any, paths: DataPaths) -> None:
    def work() -> None:
        try:
            with ThreadPoolExecutor(1) as pool:
                sleeping = pool.submit(time.sleep, LONG)
                until(sleeping.running)
                ja.current().metric("begun", 1)
                wait_for([sleeping])
        finally:
            print("cleaned up")

    with no_workers_left(paths):
        handle = ja.task(work, on=on, show=False, grace=LONG).submit()
        until(lambda: bool(handle.metrics), 60)
        handle.cancel()
        assert handle.wait(60)
        assert (handle.state, handle.logs()) == ("cancelled", "cleaned up\n")
