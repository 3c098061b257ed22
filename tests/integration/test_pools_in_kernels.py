"""A pool in a kernel, on a real server: its tasks are seen, answered and cancelled there, and end truly."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import until
from tests.support.kernels import execute
from tests.support.servers import Server, Servers

CELL = """
import os, time
kernel = os.getpid()
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import jupyter_agent as ja
pool = ProcessPoolExecutor(1, mp_context=get_context({how!r}))
def work(path):
    print("begun by", os.getpid(), "of", kernel)
    ja.current().display("shown")
    ja.current().progress(1, 2)
    ja.current().metric("loss", 0.5)
    while not os.path.exists(path + ".go"):
        time.sleep(0.02)
    open(path, "w").close()
    return "done"
run = ja.task(work, on=pool, name={name!r}).submit({path!r})
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("pools"))
    try:
        yield servers.start()
    finally:
        servers.close()


def begun(server: Server, path: Path, how: str) -> tuple[Any, int, int]:
    """A task that runs in a pool of a new kernel; the pids of its process and of the kernel."""
    kernel = server.start_kernel()
    name = f"{path.name} {how}"
    execute(server, kernel, CELL.format(how=how, name=name, path=str(path)))
    task = until(partial(_printed, server, name), 60)
    words = "".join(server.lines(task["id"])).split()
    return task, int(words[2]), int(words[4])


def _printed(server: Server, name: str) -> Any:
    found = [task for task in server.ask("tasks").json["tasks"] if task["name"] == name]
    return found[0] if found and found[0]["metrics"] and found[0]["progress"] else None


def _ended(server: Server, task_id: str) -> Any:
    task = server.task(task_id)
    return task if task["ended"] else None


def ends(server: Server, task_id: str) -> list[str]:
    states = [event["data"]["state"] for event in server.events(task_id, "state")]
    return [state for state in states if state not in ("queued", "running")]


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_the_server_sees_it_live_and_its_cancel_reaches_it(server: Server, tmp_path: Path, how: str) -> None:
    task, pid, _ = begun(server, tmp_path / "cancelled", how)
    assert (task["state"], task["on"], task["pid"]) == ("running", "ProcessPoolExecutor", pid)
    assert (task["progress"]["done"], task["metrics"]["loss"]["value"]) == (1, 0.5)
    shown = [event["data"]["data"]["text/plain"] for event in server.events(task["id"], "display")]
    assert shown == ["'shown'"]
    answer = server.ask(f"tasks/{task['id']}/commands", method="POST", body={"command": "cancel"})
    assert answer.status == 202
    until(partial(_ended, server, task["id"]), 20)
    assert ends(server, task["id"]) == ["cancelled"]
    assert not (tmp_path / "cancelled").exists()


def test_the_end_is_true_when_the_kernel_dies(server: Server, tmp_path: Path) -> None:
    """The pool's process goes on until it is done, or the kernel's restart kills it: only one end is true."""
    path = tmp_path / "orphan"
    task, _, kernel = begun(server, path, "fork")
    os.kill(kernel, signal.SIGKILL)
    path.with_name("orphan.go").touch()
    ended = until(partial(_ended, server, task["id"]), 40)
    expected = "completed" if ended["state"] == "completed" else "interrupted"
    assert ends(server, task["id"]) == [expected]
    assert path.exists() or expected == "interrupted"
