"""Clocks that are set back, or forward, while producers and servers run: order never came from them."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from jupyter_agent.transport.discovery import remote_address
from tests.faults.readers import Reader, is_end
from tests.faults.work import wait_lines
from tests.support.builders import PACKAGE_ROOT, until
from tests.support.kernels import assert_story, script
from tests.support.servers import Server, Servers, loud

pytestmark = pytest.mark.timeout(60)

SETTABLE = """
import os, time
_real, _file = time.time, os.environ["CLOCK_FILE"]

def _set():
    with open(_file) as file:
        return _real() + float(file.read())

time.time = _set
"""
"""As `sitecustomize` it adds to a process's clock what a file says, in seconds."""

JUMPS = {"back an hour": [-3600], "forward a day and back": [86400, 0], "back and forth": [-60, 60, -1, 5]}


class Clock:
    """The clock of those processes that get `env`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(SETTABLE)
        self._file = folder / "offset"
        self.set(0)
        path = os.pathsep.join([str(folder), str(PACKAGE_ROOT)])
        self.env = {"CLOCK_FILE": str(self._file), "PYTHONPATH": path}

    def set(self, offset: float) -> None:
        """From now on the clock is so many seconds off."""
        new = self._file.with_name("new")
        new.write_text(str(offset))
        new.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.mark.parametrize("jumps", JUMPS.values(), ids=JUMPS)
def test_a_producer_whose_clock_is_set_tells_its_story_in_order(
    shared: Server, tmp_path: Path, clock: Clock, jumps: list[float]
) -> None:
    with script(shared, tmp_path / "lines", clock.env, count=300) as (process, written):
        for jump in jumps:
            wait_lines(written, 30)
            clock.set(jump)
        assert process.wait(30) == 0
    assert_story(shared, written, "completed", 15)
    times = [event["time"] for event in shared.events(written.task)]
    assert max(abs(after - before) for before, after in pairwise(times)) > 3
    assert [event["n"] for event in shared.events(written.task)] == list(range(1, len(times) + 1))
    assert not loud(shared.log_text())


def test_a_server_whose_clock_is_set_serves_everybody_as_before(
    fresh: Servers, tmp_path: Path, clock: Clock
) -> None:
    server = fresh.start(env=clock.env)
    start = server.ask("tasks?limit=1").json["cursor"]

    async def life() -> None:
        reader = Reader(remote_address(server.url, server.token), "*", start, enough=is_end)
        reading = asyncio.create_task(reader.run())
        with script(server, tmp_path / "lines") as (process, written):
            for jump in (-3600, 7200, -86400):
                await asyncio.to_thread(wait_lines, written, 50)
                clock.set(jump)
            await asyncio.to_thread(wait_lines, written, 50)
            process.kill()
            process.wait()
        async with asyncio.timeout(15):
            await reading
        await asyncio.to_thread(assert_story, server, written, "interrupted", 10)
        assert reader.restarts == 0
        logs = [n for _, n, kind, _ in reader.facts[written.task] if kind == "log"]
        assert logs == list(range(3, 3 + len(server.lines(written.task))))

    asyncio.run(life())
    assert not loud(server.log_text())


def test_two_processes_whose_clocks_differ_by_a_year_are_told_apart_by_their_lock_only(
    fresh: Servers, tmp_path: Path, clock: Clock
) -> None:
    """A producer of the past is no dead one, and one of the future no living one."""
    server = fresh.start()
    for year in (-31e6, 31e6):
        clock.set(year)
        with script(server, tmp_path / f"lines{year}", clock.env) as (process, written):
            wait_lines(written, 50)
            until(lambda: server.task(written.task))
            assert server.task(written.task)["state"] == "running"
            process.kill()
            process.wait()
        assert_story(server, written, "interrupted", 10)
    assert not loud(server.log_text())


@pytest.mark.parametrize("days", [40, -19_000], ids=["40 days ahead", "1970"])
def test_a_server_whose_clock_jumped_deletes_no_task(
    fresh: Servers, tmp_path: Path, clock: Clock, days: float
) -> None:
    """Neither one that ended by the right clock nor one that ended by the wrong one."""
    server = fresh.start(env=clock.env)
    for name, jump in (("before", 0.0), ("after", days * 86_400.0)):
        clock.set(jump)
        with script(server, tmp_path / name, clock.env, count=20) as (process, written):
            assert process.wait(30) == 0
        assert_story(server, written, "completed", 15)
    for jump in (days * 86_400.0, 0.0):
        server.stop()
        clock.set(jump)
        server.restart()
        said = f"the clock has moved by {days if jump else -days:+.1f} days"
        until(partial(_is_in_log, server, said))
        assert [task["state"] for task in server.ask("tasks").json["tasks"]] == ["completed"] * 2
    assert "JupyterAgent] deleted" not in server.log_text()


def _is_in_log(server: Server, sentence: str) -> bool:
    return sentence in server.log_text()
