"""Retries: a failed task is queued again and starts after a delay, with the reason recorded."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import State, decode_data
from jupyter_agent.errors import NotNow
from jupyter_agent.runtime.engines import delay
from jupyter_agent.runtime.local_task import LocalTask, local_tasks
from tests.support.runtime import emitted, own_producer, recovered, run_script, states, until  # noqa: F401


class Clock:
    """A clock and a random number that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.chance = 0.5

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(delay, "MONOTONIC", lambda: made.now)
    monkeypatch.setattr(delay, "RANDOM", lambda: made.chance)
    return made


class Flaky:
    """Fails *times* times, then returns its attempt's number."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> int:
        if self.left:
            self.left -= 1
            raise OSError("not yet")
        return ja.current().attempt


def here(handle: ja.TaskHandle) -> LocalTask:
    task = local_tasks.get(handle.id)
    assert task is not None
    return task


def waits(handle: ja.TaskHandle, attempt: int) -> None:
    """Wait until attempt *attempt* is queued and its delay has begun."""
    task = here(handle)
    until(lambda: task.fold.attempt == attempt and isinstance(task.attempt.engine, delay.RetryDelay))  # type: ignore[union-attr]
    assert handle.state == "queued"


def reasons(handle: ja.TaskHandle) -> list[str | None]:
    found = [decode_data(event) for event in emitted(handle.id, "state")]
    return [data.reason for data in found if isinstance(data, State) and data.state == "queued"]


def test_each_attempt_waits_twice_as_long_and_records_why(clock: Clock) -> None:
    handle = ja.task(Flaky(3), retries=3).submit()
    for attempt, seconds in ((2, 0.5), (3, 1.0), (4, 2.0)):
        waits(handle, attempt)
        clock.pass_(seconds - 0.01)
        here(handle).attempt.sample()  # type: ignore[union-attr]
        assert handle.state == "queued"
        assert here(handle).fold.reason == reasons(handle)[-1]
        clock.pass_(0.01)
    assert handle.result(10) == 4
    assert reasons(handle) == [
        None,
        "attempt 2 of 4 in 0.5s, after OSError: not yet",
        "attempt 3 of 4 in 1.0s, after OSError: not yet",
        "attempt 4 of 4 in 2.0s, after OSError: not yet",
    ]
    assert states(handle.id) == ["queued", "running", "failed"] * 3 + ["queued", "running", "completed"]


def test_after_the_last_attempt_it_has_failed(clock: Clock) -> None:
    clock.chance = 0.0
    handle = ja.task(Flaky(5), retries=2).submit()
    assert handle.exception(10).type == "OSError"  # type: ignore[union-attr]
    assert handle.attempt == 3


def test_a_cancel_during_the_delay_works_at_once(clock: Clock) -> None:
    flaky = Flaky(1)
    handle = ja.task(flaky, retries=3).submit()
    waits(handle, 2)
    assert handle.cancel()
    assert handle.state == "cancelled"
    with pytest.raises(ja.TaskCancelled):
        handle.result(0)
    clock.pass_(100)
    here(handle).attempt.engine.poll()  # type: ignore[union-attr]
    assert states(handle.id)[-2:] == ["queued", "cancelled"]
    assert flaky.left == 0


def test_a_process_that_ends_during_the_delay_does_not_start_the_task_any_more(clock: Clock) -> None:
    flaky = Flaky(1)
    handle = ja.task(flaky, retries=3).submit()
    waits(handle, 2)
    assert local_tasks.abandon_all() == [here(handle)]
    clock.pass_(100)
    here(handle).attempt.engine.poll()  # type: ignore[union-attr]
    assert states(handle.id)[-2:] == ["failed", "queued"]


def test_a_script_that_ends_during_the_delay_leaves_it_interrupted(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import time, jupyter_agent as ja\n"
        "from jupyter_agent.runtime.engines import delay\n"
        "delay.RANDOM = lambda: 1000.0\n"
        "handle = ja.task(lambda: {}[0], retries=9).submit()\n"
        "while handle.attempt < 2: time.sleep(0.001)\n",
    )
    assert "task lambda has not ended and will be interrupted with this process" in done.stderr
    states = [event["data"]["state"] for event in recovered(tmp_path) if event["type"] == "state"]
    assert states == ["queued", "running", "failed", "queued", "interrupted"]


def test_a_manual_retry_has_to_wait_and_then_has_all_retries_again(clock: Clock) -> None:
    flaky = Flaky(1)
    handle = ja.task(flaky, retries=1).submit()
    waits(handle, 2)
    with pytest.raises(NotNow, match="is queued; it has not ended yet"):
        handle.retry()
    clock.pass_(1)
    assert handle.result(10) == 2
    flaky.left = 1
    handle.retry()
    waits(handle, 4)
    clock.pass_(1)
    assert handle.result(10) == 4
    assert reasons(handle)[-1] == "attempt 4 of 4 in 0.5s, after OSError: not yet"


def test_a_manual_retry_that_comes_first_is_the_only_one(clock: Clock) -> None:
    handle = ja.task(Flaky(1), retries=1).submit()
    waits(handle, 2)
    failed = here(handle).attempt
    assert failed is not None
    handle.cancel()
    handle.retry()
    assert handle.result(10) == 3
    here(handle)._retry_later(failed)
    assert handle.attempt == 3


def test_two_threads_that_poll_start_it_once(clock: Clock) -> None:
    started: list[int] = []

    def fail() -> None:
        started.append(1)
        raise KeyError(0)

    handle = ja.task(fail, retries=1).submit()
    waits(handle, 2)
    waiting = here(handle).attempt.engine  # type: ignore[union-attr]
    clock.pass_(1)
    for _ in range(3):
        waiting.poll()  # type: ignore[union-attr]
    handle.wait(10)
    assert started == [1, 1]


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.mark.parametrize("where", ["thread", "executor", "coroutine"])
def test_it_runs_where_it_ran_before(where: str, clock: Clock, pool: Executor) -> None:
    flaky = Flaky(1)

    async def coroutine() -> int:
        return flaky()

    function: Callable[[], Any] = coroutine if where == "coroutine" else flaky
    handle = ja.task(function, on=pool if where == "executor" else "thread", retries=1).submit()
    waits(handle, 2)
    clock.pass_(1)
    assert handle.result(10) == 2


def test_a_worker_process_is_started_after_the_delay(clock: Clock, tmp_path: Path) -> None:
    def work() -> int:
        if ja.current().attempt == 1:
            raise OSError("not yet")
        return os.getpid()

    handle = ja.task(work, on="process", retries=1).submit()
    waits(handle, 2)
    clock.pass_(1)
    assert handle.result(30) != os.getpid()
    assert states(handle.id) == ["queued", "queued"]


def test_a_cancel_during_the_delay_of_a_worker_starts_none(clock: Clock) -> None:
    handle = ja.task(lambda: dict[int, int]()[0], on="process", retries=1).submit()
    waits(handle, 2)
    handle.cancel()
    assert handle.state == "cancelled"


def test_a_coroutine_on_the_loop_waits_without_holding_the_loop(clock: Clock) -> None:
    flaky = Flaky(2)

    async def work() -> int:
        await asyncio.sleep(0)
        return flaky()

    async def main() -> tuple[int, list[str]]:
        handle = ja.task(work, on="loop", retries=2).submit()
        seen: list[str] = []
        while handle.attempt < 2:
            await asyncio.sleep(0.001)
        seen.append(str(handle.state))
        clock.pass_(10)
        while handle.attempt < 3:
            await asyncio.sleep(0.001)
        clock.pass_(10)
        return await handle, seen

    assert asyncio.run(main()) == (3, ["queued"])


def test_a_blocking_wait_on_the_loop_lets_it_run_the_next_attempt(tmp_path: Path) -> None:
    """The wait begins during the delay, on the very loop that the attempt needs."""
    done = run_script(
        tmp_path,
        "import asyncio, jupyter_agent as ja\n"
        "from jupyter_agent.runtime.engines import delay\n"
        "delay.RANDOM = lambda: 0.1\n"
        "left = [1]\n"
        "async def work():\n"
        "    if left: left.pop(); raise OSError('not yet')\n"
        "    return ja.current().attempt\n"
        "async def main():\n"
        "    handle = ja.task(work, on='loop', retries=1).submit()\n"
        "    while handle.attempt < 2: await asyncio.sleep(0.001)\n"
        "    print(handle.result(30))\n"
        "asyncio.run(main())\n",
    )
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_an_executor_that_is_shut_down_during_the_delay_fails_the_attempt(clock: Clock) -> None:
    pool = ThreadPoolExecutor(1)
    handle = ja.task(Flaky(1), on=pool, retries=1).submit()
    waits(handle, 2)
    pool.shutdown()
    clock.pass_(1)
    assert handle.exception(10).type == "RuntimeError"  # type: ignore[union-attr]
    assert handle.attempt == 2


def test_jitter_does_not_draw_from_the_users_random_generator(tmp_path: Path) -> None:
    import random

    random.seed(7)
    expected = random.random()
    random.seed(7)
    for _ in range(3):
        delay.RANDOM()
    assert random.random() == expected


def test_a_process_killed_during_the_delay_leaves_it_interrupted(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import time, jupyter_agent as ja\n"
        "from jupyter_agent.runtime.engines import delay\n"
        "delay.RANDOM = lambda: 1000.0\n"
        "handle = ja.task(lambda: {}[0], name='killed', retries=9).submit()\n"
        "while handle.attempt < 2: time.sleep(0.001)\n"
        "print('waits', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waits\n"
        process.kill()
    assert [(task.name, task.state, task.attempt) for task in ja.tasks()] == [("killed", "interrupted", 2)]


def test_nothing_of_a_delay_is_left_at_the_end(clock: Clock) -> None:
    handle = ja.task(Flaky(1), retries=1).submit()
    waits(handle, 2)
    clock.pass_(1)
    handle.wait(10)
    assert here(handle).producer._samplers == {}
