"""kill -9 at random moments, and processes that stand still: every line once, one end.

The moments come from ``FAULTS_SEED`` (printed at the start of each test), or from the clock.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from kernels import Written, assert_story, script, stream_in_kernel
from servers import Servers, loud, loud_of_ours
from support import until

pytestmark = pytest.mark.timeout(120)
PRODUCERS = int(os.environ.get("FAULTS_PRODUCERS", "20"))
KERNELS = int(os.environ.get("FAULTS_KERNELS", "3"))
SERVERS = int(os.environ.get("FAULTS_SERVERS", "10"))


@pytest.fixture
def chance() -> random.Random:
    """Seeded chance; the seed is in the output of a test that fails."""
    seed = int(os.environ.get("FAULTS_SEED", time.time_ns() % 1_000_000))
    print(f"FAULTS_SEED={seed}")
    return random.Random(seed)


def test_producers_that_are_killed_at_any_moment_lose_and_double_nothing(
    fresh: Servers, tmp_path: Path, chance: random.Random
) -> None:
    server = fresh.start()
    stories = []
    for round_ in range(PRODUCERS):
        with script(server, tmp_path / f"lines-{round_}", pause=0.0005) as (process, written):
            written.wait(chance.randrange(1, 60))
            time.sleep(chance.random() * 0.1)
            process.kill()
            process.wait()
        stories.append(written)
    for written in stories:
        assert_story(server, written, "interrupted")
    until(lambda: not list((server.agent / "spools").iterdir()))
    assert not loud(server.log_text())


def test_a_kernel_that_is_killed_again_and_again_tells_each_story_whole(
    fresh: Servers, tmp_path: Path, chance: random.Random
) -> None:
    server = fresh.start()
    for round_ in range(KERNELS):
        kernel = server.start_kernel()
        written = stream_in_kernel(server, kernel, tmp_path / f"lines-{round_}", pause=0.001)
        written.wait(chance.randrange(10, 200))
        os.kill(written.pid, signal.SIGKILL)
        assert_story(server, written, "interrupted")
        server.api(f"kernels/{kernel}", "DELETE")
    assert not loud_of_ours(server.log_text())


def test_a_script_outlives_a_server_that_is_killed_again_and_again(
    fresh: Servers, tmp_path: Path, chance: random.Random
) -> None:
    server = fresh.start()
    with script(server, tmp_path / "lines", pause=0.001) as (process, written):
        for _ in range(SERVERS):
            written.wait(len(written.lines) + chance.randrange(1, 400))
            server.kill()
            time.sleep(chance.random() * 0.2)
            server.restart()
        written.wait(len(written.lines) + 50)
        process.kill()
        process.wait()
    assert_story(server, written, "interrupted")
    assert not loud(server.log_text())


def test_a_producer_that_stands_still_is_not_given_up_and_goes_on(fresh: Servers, tmp_path: Path) -> None:
    server = fresh.start()
    with script(server, tmp_path / "lines", count=600) as (process, written):
        written.wait()
        process.send_signal(signal.SIGSTOP)
        time.sleep(3)  # longer than the period of looking after producers
        assert server.task(written.task)["state"] == "running"
        process.send_signal(signal.SIGCONT)
        assert process.wait(30) == 0
    assert_story(server, written, "completed")


def test_a_server_that_stands_still_holds_nobody_up(fresh: Servers, tmp_path: Path) -> None:
    server = fresh.start()
    with script(server, tmp_path / "lines", count=1500) as (process, written):
        written.wait()
        os.kill(server.pid, signal.SIGSTOP)
        try:
            before = len(written.lines)
            written.wait(before + 500, 10)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert process.wait(30) == 0
    assert_story(server, written, "completed")
    assert not loud(server.log_text())


def test_a_server_that_is_killed_while_it_takes_spools_in_doubles_nothing(
    fresh: Servers, tmp_path: Path, chance: random.Random
) -> None:
    server = fresh.start()
    server.stop()
    stories: list[Written] = []
    for round_ in range(4):
        with script(server, tmp_path / f"lines-{round_}", count=5000, pause=0) as (process, written):
            written.wait(4000, 30)
            process.kill()
            process.wait()
        stories.append(written)
    for _ in range(3):
        server.start(wait=False)
        until(lambda: server.slot is not None)
        time.sleep(chance.random() * 0.1)
        server.kill()
    server.restart()
    for written in stories:
        until(lambda written=written: server.task(written.task))
        assert_story(server, written, "completed" if written.ended else "interrupted")
