"""Workers in use, what queued tasks wait for and what running ones use, over HTTP and by command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from jupyter_agent.cli.main import run
from tests.support.builders import until
from tests.support.kernels import execute
from tests.support.servers import Server, Servers, assert_problem
from tests.support.workers import no_workers_left

CODE = "block = bytearray(b'x') * 60_000_000\nwhile True: pass"
BUSY = [sys.executable, "-c", CODE]
CELL = """
import time, jupyter_agent as ja
block = bytearray(b"x") * 60_000_000
def wait():
    time.sleep(600)
def spin():
    block = bytearray(b"x") * 60_000_000
    while True:
        pass
ja.task(wait, on="thread", name="in a thread", show=False).submit()
ja.task(spin, on="process", name="in a process", show=False).submit()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("resources"))
    server = servers.start(["--JupyterAgent.worker_limit=1"])
    with no_workers_left(server.paths):
        yield server
        servers.close()


def add(server: Server, name: str) -> str:
    answer = server.ask("tasks", method="POST", body={"target": BUSY, "name": name})
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


def cancel(server: Server, task: str) -> None:
    server.ask(f"tasks/{task}/commands", method="POST", body={"command": "cancel", "args": {"now": True}})
    until(lambda: server.task(task)["ended"] is not None, 60)


def running(server: Server, task: str) -> Any:
    found = server.task(task)
    return found if found["state"] == "running" else None


def test_workers_in_use_and_what_a_task_waits_for(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    idle = {"running": 0, "limit": 1, "waiting": 0}  # once the server has saved its limits
    until(lambda: server.ask("health").json["workers"] == idle, 20)
    first = add(server, "first")
    until(partial(running, server, first), 60)
    second = add(server, "second")
    assert server.ask("health").json["workers"] == {"running": 1, "limit": 1, "waiting": 1}
    assert "workers" not in server.ask("health", token=None).json
    expected = {"why": "workers", "text": "waits for a worker: the worker is busy", "until": None}
    assert server.task(second)["waiting"] == expected
    listed = {task["id"]: task["waiting"] for task in server.ask("tasks").json["tasks"]}
    assert (listed[first], listed[second]) == (None, expected)
    monkeypatch.setenv("JUPYTER_AGENT_DIR", str(server.agent))
    assert run(["tasks", "show", second]) == 0
    assert "waits" in (shown := capsys.readouterr().out)
    assert "for a worker: the worker is busy" in shown
    cancel(server, first)
    assert until(partial(running, server, second), 60)["waiting"] is None
    cancel(server, second)


def test_a_detached_task_says_what_its_processes_use(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = add(server, "busy")
    until(partial(running, server, task), 60)

    def has_begun() -> Any:
        found = server.ask(f"tasks/{task}/resources").json
        return found if found["values"].get("sys/memory", 0) > 60_000_000 and found["processes"] > 1 else None

    found = until(has_begun, 60)
    assert found["scope"] == "task"
    assert until(lambda: server.ask(f"tasks/{task}/resources").json["values"]["sys/cpu"] > 0, 60)
    assert "sys/gpu" not in found["values"]
    assert "sys/cpu" not in server.task(task)["metrics"]
    assert {event["type"] for event in server.events(task)} == {"state"}, "nothing is in the journal"
    monkeypatch.setenv("JUPYTER_AGENT_DIR", str(server.agent))
    assert run(["tasks", "show", task]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("uses ")]
    assert "CPU " in line
    assert "MiB" in line
    cancel(server, task)
    ended = server.ask(f"tasks/{task}/resources")
    assert (ended.status, ended.json["values"]) == (200, {})
    assert_problem(server.ask("tasks/none/resources"), 404, "unknown_task")


def test_a_task_in_a_thread_has_the_figures_of_its_kernel(server: Server) -> None:
    execute(server, server.start_kernel(), CELL)

    def begun() -> Any:
        found = {one["name"]: one for one in server.ask("tasks?state=running").json["tasks"]}
        return found if {"in a thread", "in a process"} <= found.keys() else None

    tasks = until(begun, 60)
    of_kernel = server.ask(f"tasks/{tasks['in a thread']['id']}/resources").json
    assert of_kernel["scope"] == "kernel"
    assert of_kernel["values"]["sys/memory"] > 60_000_000
    own = until(lambda: server.ask(f"tasks/{tasks['in a process']['id']}/resources").json, 60)
    assert own["scope"] == "task"
    assert own["values"].keys() == {"sys/cpu", "sys/memory"}
    for task in tasks.values():
        cancel(server, task["id"])
