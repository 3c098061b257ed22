"""kill -9 and SIGSTOP of real processes at seeded moments: every line once, one end.

The seed is new each time (``FAULTS_SEED`` sets it); what fails says how to run it again.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from jupyter_agent.system.host import host
from tests.faults.kills import kernels, workers
from tests.faults.restarts import restarts
from tests.faults.standing import stops
from tests.faults.tally import Say, Tally
from tests.faults.work import wait_lines
from tests.support.builders import until
from tests.support.kernels import Written, assert_story, script
from tests.support.servers import Server, Servers
from tests.support.wire import wire

pytestmark = pytest.mark.timeout(120)
SEED = int(os.environ.get("FAULTS_SEED", time.time_ns() // 1_000_000 % 1_000_000_000))


def assert_whole(tally: Tally) -> None:
    """Nothing was broken; what was is told with the command that does it again."""
    assert not tally.broken, "\n\n".join(tally.broken)
    assert tally.lost == tally.doubled == 0


@pytest.mark.parametrize(("part", "count"), [(kernels, 6), (workers, 4), (stops, 4)])
def test_processes_that_are_killed_or_stand_still_lose_and_double_nothing(
    shared: Server,
    tmp_path: Path,
    part: Callable[[Server, list[int], Say, Path], Tally],
    count: int,
) -> None:
    tally = part(shared, list(range(SEED, SEED + count)), print, tmp_path)
    assert_whole(tally)
    assert tally.runs == count


def test_servers_that_are_killed_again_and_again_lose_and_double_nothing(
    fresh: Servers, tmp_path: Path
) -> None:
    tally = restarts(fresh, list(range(SEED, SEED + 2)), print, tmp_path)
    assert_whole(tally)
    assert tally.runs == 2


def test_a_server_that_is_killed_while_it_takes_spools_in_doubles_nothing(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    server.stop()
    stories: list[Written] = []
    for number in range(2):
        with script(server, tmp_path / f"lines-{number}", count=4000, pause=0) as (process, written):
            wait_lines(written, 3000)
            process.kill()
            process.wait()
        stories.append(written)
    server.start(wait=False)
    until(lambda: server.slot is not None)
    server.kill()
    server.restart()
    for written in stories:
        until(partial(server.task, written.task))
        assert_story(server, written, "completed" if written.ended else "interrupted")


def test_the_last_hello_of_a_dead_process_does_not_bring_its_task_back(
    shared: Server, tmp_path: Path
) -> None:
    """A process killed just after it has connected: its spool may be recovered before its hello is read."""
    with script(shared, tmp_path / "lines") as (process, written):
        written.wait()
        process.kill()
        process.wait()
    assert_story(shared, written, "interrupted")

    async def late() -> None:
        async with wire(shared) as socket:
            await socket.hello("producer", producer=written.producer, host=host())
            await socket.say({"type": "dance", "id": 1})
            await socket.get("error", id=1)  # whatever the hello led to is done

    asyncio.run(late())
    states = [event["data"]["state"] for event in shared.events(written.task, "state")]
    assert states == ["queued", "running", "interrupted"]
