"""With what, what and where: the parameters and the provenance of tasks of every kind, on a real server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_agent.core.secrets import MASK
from jupyter_agent.system.host import host
from tests.support.builders import until
from tests.support.kernels import execute
from tests.support.servers import Server, Servers
from tests.support.workers import no_workers_left

CELL = """
import os
import jupyter_agent as ja
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
def train(data, epochs=12, *, lr=3e-4, api_key=None):
    print("pid", os.getpid())
runs = [
    ja.task(train, on=on, show=False).submit("a.csv", api_key="hunter2")
    for on in ("thread", "process", "detached", ThreadPoolExecutor(1))
]
for run in runs:
    run.result(60)
ja.task(train, on=ProcessPoolExecutor(1), show=False, name="pooled").submit("a.csv").result(60)
ja.map(len, ["a", "b"], name="mapped").result(60)
for _ in ja.track(range(2), name="loop"):
    pass
get_ipython().run_line_magic("load_ext", "jupyter_agent")
get_ipython().run_cell_magic("task", "cell", "1 + 1")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("provenance"))
    server = servers.start()
    with no_workers_left(server.paths):
        yield server
        servers.close()


@pytest.fixture(scope="module")
def of_the_kernel(server: Server) -> list[Any]:
    execute(server, server.start_kernel(), CELL)
    ended: list[Any] = until(partial(_all_ended, server, 8), 60)
    return ended


def _all_ended(server: Server, count: int) -> list[Any] | None:
    tasks: list[Any] = server.ask("tasks").json["tasks"]
    ended = [task for task in tasks if task["ended"] is not None]
    return ended if len(ended) >= count else None


def added(server: Server, target: object, **more: Any) -> Any:
    answer = server.ask("tasks", method="POST", body={"target": target, **more})
    assert answer.status == 201, answer.body
    return until(partial(_ended, server, answer.json["id"]), 60)


def _ended(server: Server, task_id: str) -> Any:
    task = server.task(task_id)
    return task if task and task["ended"] else None


def printed_pid(server: Server, task: Any) -> int:
    return int("".join(server.lines(task["id"])).split()[1])


@pytest.mark.parametrize("on", ["thread", "process", "detached", "ThreadPoolExecutor"])
def test_a_function_says_its_arguments_and_the_process_that_runs_it(
    server: Server, of_the_kernel: list[Any], on: str
) -> None:
    (task,) = [task for task in of_the_kernel if task["on"] == on and task["name"] == "train"]
    assert task["kind"] == "function"
    assert list(task["params"].items()) == [
        ("data", "a.csv"), ("epochs", "12"), ("lr", "3e-4"), ("api_key", MASK),
    ]  # fmt: skip
    assert (task["host"], task["pid"]) == (host(), printed_pid(server, task))


def test_a_process_of_a_pool_says_itself_where_it_runs(server: Server, of_the_kernel: list[Any]) -> None:
    (task,) = [task for task in of_the_kernel if task["name"] == "pooled"]
    assert (task["on"], task["host"], task["pid"]) == (
        "ProcessPoolExecutor",
        host(),
        printed_pid(server, task),
    )


def test_no_secret_is_in_the_data_folder(server: Server, of_the_kernel: list[Any]) -> None:
    calls = server.paths.calls  # the pickled arguments themselves, which the worker needs
    kept = [path for path in server.paths.root.rglob("*") if path.is_file() and calls not in path.parents]
    assert [path.name for path in kept if path.suffix == ".sqlite"]
    assert [path for path in kept if b"hunter2" in path.read_bytes()] == []


def test_loops_cells_and_maps_are_told_apart(of_the_kernel: list[Any]) -> None:
    told = {task["name"]: (task["kind"], task["on"], task["params"]) for task in of_the_kernel}
    assert told["loop"] == ("loop", "foreground", {})
    assert told["cell"] == ("cell", "foreground", {})
    assert told["mapped"] == ("function", "thread", {"items": "2"})


def test_commands_modules_and_notebooks_say_what_was_passed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def load(path, token='x'):\n    print(path)\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("size")])
    notebook.cells.insert(0, nbformat.v4.new_code_cell("size = 1", metadata={"tags": ["parameters"]}))
    nbformat.write(notebook, tmp_path / "report.ipynb")
    command = added(server, [sys.executable, "-c", "pass", "--token", "hunter2"])
    assert (command["kind"], command["on"]) == ("command", "detached")
    assert command["params"]["command"].endswith(f"-c pass --token '{MASK}'")
    assert "hunter2" not in command["name"]
    module = added(server, "steps:load", parameters={"path": "a", "token": "hunter2"}, cwd=str(tmp_path))
    assert (module["kind"], module["params"]) == ("module", {"path": "a", "token": MASK})
    report = added(server, "report.ipynb", parameters={"size": 3}, cwd=str(tmp_path))
    assert (report["kind"], report["params"], report["state"]) == ("notebook", {"size": "3"}, "completed")
    assert all(task["pid"] and task["host"] == host() for task in (command, module, report))


def test_a_task_of_a_schedule_names_it(server: Server) -> None:
    body = {"target": [sys.executable, "-c", "pass"], "schedule": {"at": "2999-01-01T00:00"}}
    ident = server.ask("schedules", method="POST", body=body).json["id"]
    ran = server.ask(f"schedules/{ident}/commands", method="POST", body={"command": "run"})
    assert ran.status == 202
    (firing,) = server.ask(f"schedules/{ident}/firings").json["firings"]
    assert until(partial(_ended, server, firing["task"]), 60)["schedule"] == ident
