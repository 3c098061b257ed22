"""Processes that end in order while a task logs: nothing is lost, and the end is the last event."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from random import Random
from time import time_ns

import pytest

from tests.faults.ending_scripts import LATE, SCRIPTS, WITHOUT_DESCRIPTORS
from tests.faults.ends import (
    KERNELS,
    Seen,
    check,
    check_last,
    check_lines,
    end_kernel,
    end_script,
    run_script,
)
from tests.support.builders import until
from tests.support.runtime import recovered
from tests.support.servers import Server, environment

pytestmark = pytest.mark.timeout(120)
CHANCE = Random(int(os.environ.get("FAULTS_SEED", time_ns())))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_ends_while_its_task_logs_loses_no_line(
    shared: Server, tmp_path: Path, name: str
) -> None:
    end_script(shared, name, Seen(tmp_path / "seen"), CHANCE.randrange(1, 100))


@pytest.mark.parametrize(
    "name",
    ["the last line", "a slow exit handler after ours", "a task in a process", "a finalizer that logs"],
)
def test_without_a_server_neither(tmp_path: Path, name: str) -> None:
    seen, end = Seen(tmp_path / "seen"), SCRIPTS[name]
    run_script(end, seen, environment(tmp_path, tmp_path / "agent"), CHANCE.randrange(1, 100))
    events = recovered(tmp_path, seen.task)
    check(events, seen.lines, end.state, end.reason)
    check_last(events, end)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_ends_while_its_task_logs_loses_no_line(
    shared: Server, tmp_path: Path, name: str
) -> None:
    _, took = end_kernel(shared, name, Seen(tmp_path / "seen"), CHANCE.randrange(1, 100))
    assert took < 5


@pytest.mark.parametrize("served", [True, False])
def test_a_thread_that_outlives_its_task_and_the_main_thread_loses_no_line(
    shared: Server, tmp_path: Path, served: bool
) -> None:
    seen = Seen(tmp_path / "seen")
    agent = shared.agent if served else tmp_path / "agent"
    run_script(LATE, seen, environment(shared.home if served else tmp_path, agent), 5)
    if served:
        _wait_until_recovered(shared, seen)
    events = shared.events(seen.task) if served else recovered(tmp_path, seen.task)
    check_lines(events, seen.lines)
    assert [e["data"]["state"] for e in events if e["type"] == "state"] == ["queued", "running", "completed"]


def _wait_until_recovered(server: Server, seen: Seen) -> None:
    spools = server.paths.spools
    until(lambda: not any(_mentions(path, seen.task) for path in spools.glob("*/*.seg")))


def _mentions(segment: Path, task: str) -> bool:
    """Return False for one that was removed meanwhile: that comes last, when all in it is in the journal."""
    with suppress(FileNotFoundError):
        return task.encode() in segment.read_bytes()
    return False


def test_a_script_that_closes_all_descriptors_is_told_and_loses_no_line(
    shared: Server, tmp_path: Path
) -> None:
    seen = Seen(tmp_path / "seen")
    run_script(WITHOUT_DESCRIPTORS, seen, environment(shared.home, shared.agent), 100)
    assert seen.lines >= 1500
    _wait_until_recovered(shared, seen)
    check_lines(shared.events(seen.task), seen.lines)
    assert shared.task(seen.task)["state"] == "interrupted"
