"""Running work is activity: what culls idle kernels and servers leaves them alone, for a bounded time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.support import kernels
from tests.support.builders import until
from tests.support.servers import Server, Servers, servers

CULLER = ("--MappingKernelManager.cull_idle_timeout=3", "--MappingKernelManager.cull_interval=1")
SHUTDOWN_TIMEOUT = 3
PROMPT_SHUTDOWN = """\
from jupyter_server.serverapp import ServerApp
from tornado.ioloop import PeriodicCallback

# Jupyter looks once a minute.
ServerApp.init_shutdown_no_activity = lambda app: PeriodicCallback(app.shutdown_no_activity, 500).start()
"""
THREAD = """\
import pathlib, time
import jupyter_agent as ja

@ja.task
def wait():
    while not pathlib.Path({stop!r}).exists():
        time.sleep(0.05)

run = wait.submit()
"""

DETACHED = THREAD.replace("@ja.task", '@ja.task(on="detached")').replace(
    "def wait():", "def wait():\n    import pathlib, time"
)


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Servers]:
    with servers(tmp_path / "servers") as some:
        yield some


def kernels_of(server: Server) -> set[str]:
    return {kernel["id"] for kernel in server.api("kernels").json}


def only_task(server: Server) -> dict[str, Any]:
    [task] = server.ask("tasks").json["tasks"]
    return dict(task)


def start_thread_task(server: Server, stop: Path) -> str:
    """A kernel without a page, whose task waits for the file *stop*; the kernel's id."""
    kernel = server.start_kernel()
    run_thread_task(server, kernel, stop)
    return kernel


def run_thread_task(server: Server, kernel: str, stop: Path) -> None:
    kernels.execute(server, kernel, THREAD.format(stop=str(stop)))
    until(lambda: any(task["state"] == "running" for task in server.ask("tasks").json["tasks"]))


def test_a_kernel_whose_task_runs_in_a_thread_outlives_idle_ones(factory: Servers, tmp_path: Path) -> None:
    server = factory.start(CULLER)
    stop = tmp_path / "stop"
    kernel = start_thread_task(server, stop)
    idle = server.start_kernel()  # its last activity is later than that of the other's cell
    until(lambda: idle not in kernels_of(server))
    assert kernel in kernels_of(server)
    assert only_task(server)["state"] == "running"
    stop.touch()
    until(lambda: kernel not in kernels_of(server))
    assert only_task(server)["state"] == "completed"


def test_a_kernel_with_a_shorter_timeout_of_its_own_outlives_it(factory: Servers, tmp_path: Path) -> None:
    server = factory.start(["--MappingKernelManager.cull_idle_timeout=3600", CULLER[1]])
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "short", "language": "python", "metadata": {"cull_idle_timeout": 3}}
    folder = server.home / "data" / "kernels" / "short"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    kernel, idle = (str(server.api("kernels", "POST", {"name": "short"}).json["id"]) for _ in range(2))
    run_thread_task(server, kernel, tmp_path / "stop")
    until(lambda: idle not in kernels_of(server))
    late = monotonic() + 5
    until(lambda: kernel not in kernels_of(server) or monotonic() > late)
    assert only_task(server)["state"] == "running"
    assert kernel in kernels_of(server)


def test_a_kernel_whose_task_is_detached_is_culled_and_the_task_runs_on(
    factory: Servers, tmp_path: Path
) -> None:
    server = factory.start(CULLER)
    kernel = server.start_kernel()
    kernels.execute(server, kernel, DETACHED.format(stop=str(tmp_path / "stop")))
    until(lambda: any(task["state"] == "running" for task in server.ask("tasks").json["tasks"]))
    until(lambda: kernel not in kernels_of(server))
    assert only_task(server)["state"] == "running"
    (tmp_path / "stop").touch()
    until(lambda: only_task(server)["state"] == "completed")


@pytest.mark.parametrize("hours", ["0", "0.0005"])
def test_after_its_hours_a_kernel_is_culled_with_its_task(
    factory: Servers, tmp_path: Path, hours: str
) -> None:
    server = factory.start([*CULLER, f"--JupyterAgent.keep_alive_hours={hours}"])
    kernel = start_thread_task(server, tmp_path / "stop")
    until(lambda: kernel not in kernels_of(server))
    until(lambda: only_task(server)["state"] == "interrupted")
    assert only_task(server)["reason"] == "its kernel was shut down"


def test_a_task_whose_kernel_is_restarted_is_told_so(factory: Servers, tmp_path: Path) -> None:
    server = factory.start()
    kernel = start_thread_task(server, tmp_path / "stop")
    assert server.api(f"kernels/{kernel}/restart", "POST").status == 200
    until(lambda: only_task(server)["state"] == "interrupted")
    assert only_task(server)["reason"] == "its kernel was restarted"


def test_a_server_stays_for_a_detached_task_and_goes_after_it(factory: Servers, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    options = [f"--ServerApp.shutdown_no_activity_timeout={SHUTDOWN_TIMEOUT}"]
    server = factory.start(options, config=PROMPT_SHUTDOWN)
    loop = f"while [ ! -e {stop} ]; do sleep 0.05; done"
    assert server.ask("tasks", method="POST", body={"target": ["sh", "-c", loop]}).status == 201
    late = monotonic() + 3 * SHUTDOWN_TIMEOUT
    until(lambda: server.process.poll() is not None or monotonic() > late)
    assert server.process.poll() is None
    assert only_task(server)["state"] == "running"
    stop.touch()
    assert server.process.wait(30) == 0


def test_reads_are_no_activity_and_a_submission_and_a_command_are(factory: Servers, tmp_path: Path) -> None:
    server = factory.start()

    def last_activity() -> str:
        return str(server.ask("status", root="api/").json["last_activity"])

    before = last_activity()
    for path in ("tasks", "health", "schedules", "forwards", ""):
        assert server.ask(path).status == 200
    assert last_activity() == before
    added = server.ask("tasks", method="POST", body={"target": ["sleep", "60"]})
    assert added.status == 201
    assert last_activity() > before
    before = last_activity()
    cancel = {"command": "cancel"}
    assert server.ask(f"tasks/{added.json['id']}/commands", method="POST", body=cancel).status == 202
    assert last_activity() > before
