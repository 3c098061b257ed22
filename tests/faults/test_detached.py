"""Detached tasks beside real servers that start, stop and are killed, and workers that are killed too."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.detached.work_queue import claimed_work_items, waiting_work_items
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.system.graces import OVERTIME
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import until
from tests.support.producers import wait_until_up
from tests.support.runtime import own_producer  # noqa: F401
from tests.support.servers import Server, Servers
from tests.support.workers import kill_worker, no_workers_left, workers_of

PID_CYCLE = 1 << 15
"""Process numbers go up, and begin again at a limit that is a multiple of this on Linux."""


@pytest.fixture
def holder(fresh: Servers, paths: DataPaths) -> Iterator[Server]:
    """A server of this process's user, with two worker slots, and no worker left at the end."""
    with no_workers_left(paths):
        server = fresh.start(
            env={"JUPYTER_AGENT_DIR": os.environ["JUPYTER_AGENT_DIR"]},
            extra_args=["--JupyterAgent.worker_limit=2"],
        )
        assert wait_until_up(current_producer().forwarder, 20)
        yield server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Servers]:
    from tests.support.servers import servers

    with servers(tmp_path / "servers") as factory:
        yield factory


def state(server: Server, task: str) -> str | None:
    found = server.task(task)
    return found and str(found["state"])


def ends(server: Server, task: str) -> list[str]:
    """The end states that the journal has, in order."""
    states = [e["data"]["state"] for e in server.events(task, "state")]
    return [one for one in states if one not in ("queued", "running")]


def command(server: Server, task: str, word: str) -> int:
    return server.ask(f"tasks/{task}/commands", method="POST", body={"command": word}).status


def submit(function: Callable[..., Any], *args: Any, **options: Any) -> ja.TaskHandle:
    return ja.task(function, on="detached", show=False, **options).submit(*args)


def train(epochs: int, pause: float, seen: str) -> list[float]:
    """A training whose losses depend on all the steps before; it says which epochs it ran."""
    reached: tuple[float, list[float]] = ja.current().restore((1.0, []))
    weight, losses = reached
    for epoch in ja.track(range(len(losses), epochs)):
        weight = weight * 0.9 + 0.01 * epoch
        losses.append(weight)
        ja.current().metric("loss", weight, epoch)
        ja.current().checkpoint((weight, losses))
        with Path(seen).open("a") as file:
            file.write(f"{ja.current().attempt}:{epoch}\n")
        time.sleep(pause)
    return losses


def test_a_training_killed_at_40_percent_goes_on_behind_a_new_server_to_the_same_result(
    holder: Server, paths: DataPaths, tmp_path: Path
) -> None:
    seen, plain = tmp_path / "seen", tmp_path / "plain"
    expected = train(50, 0.0, str(plain))
    first = submit(train, 50, 0.02, str(seen), key="training")
    until(lambda: seen.exists() and len(seen.read_text().splitlines()) >= 20, 60)
    kill_worker(paths, holder.task(first.id)["producer"])
    holder.stop()
    holder.restart()
    until(lambda: state(holder, first.id) == "interrupted")
    again = submit(train, 50, 0.02, str(seen), key="training")
    assert again.id == first.id
    assert again.result(60) == expected
    ran = [line.split(":") for line in seen.read_text().splitlines()]
    assert {attempt for attempt, _ in ran} == {"1", "2"}
    doubled = len(ran) - len({epoch for _, epoch in ran})
    assert doubled <= 1  # the epoch whose checkpoint was cut off
    assert ends(holder, first.id) == ["interrupted", "completed"]


def test_a_worker_outlives_its_server_and_the_next_one_finds_and_cancels_it(
    holder: Server, paths: DataPaths
) -> None:
    def work() -> None:
        for number in range(10_000):
            print("line", number)
            time.sleep(0.01)

    handle = submit(work)
    until(lambda: "line 3\n" in holder.lines(handle.id), 60)
    holder.kill()
    holder.restart()
    until(lambda: len(holder.lines(handle.id)) > 50)
    assert command(holder, handle.id, "cancel") == 202
    until(lambda: state(holder, handle.id) == "cancelled")
    said = "".join(holder.lines(handle.id)).splitlines()
    assert said == [f"line {number}" for number in range(len(said))]
    assert ends(holder, handle.id) == ["cancelled"]
    until(lambda: not workers_of(paths))


def test_a_cancel_ends_the_children_too(holder: Server, paths: DataPaths) -> None:
    def work() -> None:
        subprocess.run(["sleep", "60"], check=True)

    handle = submit(work)
    until(lambda: len(workers_of(paths)) > 1, 60)
    assert command(holder, handle.id, "cancel") == 202
    until(lambda: state(holder, handle.id) == "cancelled")
    until(lambda: not workers_of(paths))


def test_what_never_returns_to_python_is_killed_with_its_children(
    holder: Server, paths: DataPaths, tmp_path: Path
) -> None:
    def work(deaf: str) -> None:
        subprocess.Popen(["sleep", "60"])
        Path(deaf).touch()
        sum(range(10**13))  # keeps the interpreter's lock, and looks at no signal

    handle = submit(work, str(tmp_path / "deaf"), grace=2)
    until((tmp_path / "deaf").exists, 60)  # the server may not even have heard that it runs
    assert command(holder, handle.id, "cancel") == 202
    until(lambda: state(holder, handle.id) == "cancelled", OVERTIME + 30)
    assert holder.events(handle.id, "state")[-1]["data"]["reason"] == "did not stop in 2 s, killed"
    assert ends(holder, handle.id) == ["cancelled"]
    until(lambda: not workers_of(paths))
    until(lambda: claimed_work_items(paths) == [])


def test_one_that_waits_is_cancelled_and_one_that_ended_runs_again(holder: Server, paths: DataPaths) -> None:
    gate = paths.root / "gate"

    def wait(path: str) -> int:
        while not Path(path).exists():
            time.sleep(0.01)
        return ja.current().attempt

    running = [submit(wait, str(gate)) for _ in range(2)]
    until(lambda: all(state(holder, one.id) == "running" for one in running), 60)
    waiting = submit(wait, str(gate))
    assert command(holder, waiting.id, "cancel") == 202
    assert state(holder, waiting.id) == "cancelled"
    assert command(holder, waiting.id, "cancel") == 409
    gate.touch()
    assert [one.result(60) for one in running] == [1, 1]
    assert command(holder, waiting.id, "retry") == 202
    assert waiting.result(60) == 2
    assert ends(holder, waiting.id) == ["cancelled", "completed"]


def test_twenty_wait_their_turn_and_nothing_is_left_behind(holder: Server, paths: DataPaths) -> None:
    body = {"target": [sys.executable, "-S", "-c", "pass"]}
    queued = [holder.ask("tasks", method="POST", body=body | {"name": f"job-{n}"}).json for n in range(20)]
    until(lambda: holder.ask("tasks?state=completed&limit=1000").json["tasks"][19:], 100)
    tasks = [holder.task(task["id"]) for task in queued]
    workers = [task["pid"] for task in tasks]
    steps = [(later - one) % PID_CYCLE for one, later in pairwise(workers)]
    assert max(steps) < PID_CYCLE / 2  # launched in their order; which of two begins first is the system's
    until(lambda: not workers_of(paths))
    assert list(waiting_work_items(paths)) == claimed_work_items(paths) == []
    for task in tasks:
        assert holder.ask(f"tasks/{task['id']}", method="DELETE").status == 204
    assert list(paths.calls.iterdir()) == []
    assert {path.name for path in paths.spools.glob("[0-9A-Z]*")} == {current_producer().id}
