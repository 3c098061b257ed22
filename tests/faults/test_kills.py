"""kill -9 and SIGSTOP of real processes at seeded moments: every line once, one end.

The seed is new each time (``FAULTS_SEED`` sets it); what fails says how to run it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kernels import Written, assert_story, script
from servers import Server, Servers
from support import until

from tests.faults.kills import kernels, workers
from tests.faults.restarts import restarts
from tests.faults.standing import stops
from tests.faults.tally import Say, Tally

pytestmark = pytest.mark.timeout(120)
SEED = int(os.environ.get("FAULTS_SEED", time.time_ns() // 1_000_000 % 1_000_000_000))


def assert_whole(tally: Tally) -> None:
    """Nothing was broken; what was is told with the command that does it again."""
    assert not tally.broken, "\n\n".join(tally.broken)
    assert tally.lost == tally.doubled == 0


@pytest.mark.parametrize(("part", "count"), [(kernels, 8), (workers, 4), (stops, 5)])
def test_processes_that_are_killed_or_stand_still_lose_and_double_nothing(
    fresh: Servers,
    tmp_path: Path,
    part: Callable[[Server, list[int], Say, Path], Tally],
    count: int,
) -> None:
    tally = part(fresh.start(), list(range(SEED, SEED + count)), print, tmp_path)
    assert_whole(tally)
    assert tally.runs == count


def test_servers_that_are_killed_again_and_again_lose_and_double_nothing(
    fresh: Servers, tmp_path: Path
) -> None:
    tally = restarts(fresh, list(range(SEED, SEED + 3)), print, tmp_path)
    assert_whole(tally)
    assert tally.runs == 3


def test_a_server_that_is_killed_while_it_takes_spools_in_doubles_nothing(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    server.stop()
    stories: list[Written] = []
    for number in range(3):
        with script(server, tmp_path / f"lines-{number}", count=5000, pause=0) as (process, written):
            written.wait(4000, 30)
            process.kill()
            process.wait()
        stories.append(written)
    server.start(wait=False)
    until(lambda: server.slot is not None)
    server.kill()
    server.restart()
    for written in stories:
        until(lambda written=written: server.task(written.task))
        assert_story(server, written, "completed" if written.ended else "interrupted")
