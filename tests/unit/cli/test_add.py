"""``jupyter agent tasks add``, and what becomes of detached tasks where no server runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_agent.cli.main import run
from jupyter_agent.core.events import TaskState
from jupyter_agent.detached.run_spec import load_run_spec
from jupyter_agent.detached.work_queue import waiting_work_items
from jupyter_agent.detached.worker_slots import WorkerLimits, acquire_worker_slot, save_limits
from jupyter_agent.journal.one_shot import worker_stop
from jupyter_agent.producer.spool_folder import read_spool_header
from jupyter_agent.system.locks import FileLock
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import PACKAGE_ROOT, TASK, state, story, until
from tests.support.fake_server import FakeHolder, FakeServer
from tests.support.pty import in_terminal
from tests.support.workers import no_workers_left, worker_pid, workers_of

Capture = pytest.CaptureFixture[str]
ADD = ["tasks", "add", "--json"]
CLI = (sys.executable, "-W", "error", "-m", "jupyter_agent.cli", "tasks", "add", "--watch", "--", "true")


@pytest.fixture
def busy(paths: DataPaths) -> Iterator[FileLock]:
    """The only worker slot is taken, until it is released."""
    save_limits(paths, WorkerLimits(1))
    with no_workers_left(paths):
        slot = acquire_worker_slot(paths)
        assert slot is not None
        yield slot
        slot.release()


@pytest.fixture
def fake(paths: DataPaths) -> Iterator[FakeHolder]:
    holder = FakeHolder(paths)
    with holder as server:
        holder.append(story(end=False)[:2])
        until(lambda: server.journal.task(TASK))
        yield holder


def answer(capsys: Capture, *words: str, status: int = 0) -> Any:
    """What the command says as JSON."""
    capsys.readouterr()
    assert run(words) == status
    return json.loads(capsys.readouterr().out)


def refused(capsys: Capture, *words: str) -> tuple[int, str]:
    capsys.readouterr()
    status = run(words)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1, captured.err
    return status, captured.err


def test_a_task_is_queued_with_its_options_and_the_callers_environment(
    paths: DataPaths, busy: FileLock, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELLS_OWN", "1")
    monkeypatch.setenv("NOT_UTF8", "caf\udce9")
    options = ["--name", "roots", "--tag", "a", "--tag", "b", "--retries", "2", "--timeout", "9.5"]
    task = answer(capsys, *ADD, "math:sqrt", "-p", "x=2", *options)
    assert (task["state"], task["name"], task["tags"], task["key"]) == ("queued", "roots", ["a", "b"], None)
    call = load_run_spec(paths, task["id"])
    assert call is not None
    assert (call.cwd, call.python, call.env["SHELLS_OWN"]) == (str(tmp_path), sys.executable, "1")
    assert "NOT_UTF8" not in call.env
    assert (call.retries, call.timeout, call.target.parameters) == (2, 9.5, {"x": "2"})  # type: ignore[union-attr]
    assert [order.task for order in waiting_work_items(paths)] == [task["id"]]


def test_a_task_that_waits_says_so_and_how_to_watch_it(busy: FileLock, capsys: Capture) -> None:
    assert run(["tasks", "add", "--", "echo", "--watch"]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("Queued echo --watch (")
    assert second == "It waits for a worker: all are busy."
    assert third == f"Watch it with: jupyter agent tasks watch {first[-28:-2]}"


def test_a_key_attaches_to_a_queued_task(busy: FileLock, capsys: Capture) -> None:
    task = answer(capsys, *ADD, "--key", "nightly", "--", "true")
    assert answer(capsys, *ADD, "--key", "nightly", "--", "false")["id"] == task["id"]
    assert run(["tasks", "add", "--key", "nightly", "--", "false"]) == 0
    output = capsys.readouterr().out
    assert f"Nothing was started: the key is that of true ({task['id']}), which is queued." in output


def test_a_queued_task_is_cancelled_and_retried_without_a_server(
    paths: DataPaths, busy: FileLock, capsys: Capture
) -> None:
    task = answer(capsys, *ADD, "--", "true")["id"]
    assert refused(capsys, "tasks", "retry", task)[0] == 1
    assert run(["tasks", "cancel", task]) == 0
    assert answer(capsys, "tasks", "show", task, "--json")["state"] == "cancelled"
    assert not list(waiting_work_items(paths))
    assert run(["tasks", "retry", task]) == 0
    shown = answer(capsys, "tasks", "show", task, "--json")
    assert (shown["state"], shown["attempt"]) == ("queued", 2)
    assert [order.attempt for order in waiting_work_items(paths)] == [2]


def test_a_key_continues_what_was_cancelled(paths: DataPaths, busy: FileLock, capsys: Capture) -> None:
    task = answer(capsys, *ADD, "--key", "nightly", "--", "true")["id"]
    assert run(["tasks", "cancel", task]) == 0
    capsys.readouterr()
    assert run(["tasks", "add", "--key", "nightly", "--", "true"]) == 0
    assert f"Queued attempt 2 of true ({task}), which has the same key." in capsys.readouterr().out


def test_every_attempt_of_a_task_is_watched(paths: DataPaths, busy: FileLock, capsys: Capture) -> None:
    busy.release()
    command = ("sh", "-c", "echo once more; exit 1")
    assert run(["tasks", "add", "--watch", "--name", "flaky", "--retries", "1", "--", *command]) == 1
    output = capsys.readouterr().out
    assert output.startswith("Queued flaky (")
    assert output.count("flaky | once more\n") == 2
    until(lambda: not workers_of(paths))


def test_what_runs_without_a_server_is_watched_to_its_outcome(
    paths: DataPaths, busy: FileLock, capsys: Capture
) -> None:
    busy.release()
    assert run(["tasks", "add", "--watch", "--", "sh", "-c", "echo one; exit 3"]) == 1
    output = capsys.readouterr().out
    assert " | one" in output
    assert "failed: CommandFailed: sh exited with status 3" in output
    until(lambda: not workers_of(paths))


def test_a_watched_function_shows_its_result(paths: DataPaths, busy: FileLock, capsys: Capture) -> None:
    busy.release()
    assert run(["tasks", "add", "--watch", "platform:python_implementation"]) == 0
    assert capsys.readouterr().out.endswith(" | completed: 'CPython'\n")
    until(lambda: not workers_of(paths))


def test_a_running_worker_is_cancelled_without_a_server(
    paths: DataPaths, busy: FileLock, capsys: Capture
) -> None:
    busy.release()
    task = answer(capsys, *ADD, "--", "sleep", "60")
    worker_pid(paths, task["producer"])
    assert run(["tasks", "cancel", task["id"]]) == 0
    shown = answer(capsys, "tasks", "show", task["id"], "--json")
    assert (shown["state"], shown["cancel_requested"]) == ("cancelled", True)
    assert not workers_of(paths)


def test_a_worker_that_does_not_obey_is_killed_and_its_task_cancelled(
    paths: DataPaths, busy: FileLock, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_stop, "OVERTIME", 0.2)
    busy.release()
    task = answer(capsys, *ADD, "--grace", "0", "--", "sleep", "60")
    os.kill(worker_pid(paths, task["producer"]), signal.SIGSTOP)
    assert run(["tasks", "cancel", task["id"]]) == 0
    assert answer(capsys, "tasks", "show", task["id"], "--json")["state"] == "cancelled"
    assert not workers_of(paths)


SAVES = "trap 'sleep 2; touch saved; exit' TERM; touch begun; while :; do sleep 0.01; done"
DEAF = "trap '' TERM; touch begun; while :; do sleep 0.01; done"


def test_a_cancel_leaves_a_slow_clean_up_to_the_background_and_a_second_one_ends_it(
    paths: DataPaths, busy: FileLock, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(worker_stop, "PATIENCE", 0.1)
    monkeypatch.chdir(tmp_path)
    busy.release()
    task = answer(capsys, *ADD, "--grace", "300", "--", "sh", "-c", DEAF)
    until((tmp_path / "begun").exists, 60)
    assert run(["tasks", "cancel", task["id"]]) == 0
    capsys.readouterr()
    shown = answer(capsys, "tasks", "show", task["id"], "--json")
    assert (shown["state"], shown["cancel_requested"], shown["grace"]) == ("running", True, 300)
    assert run(["tasks", "show", task["id"]]) == 0
    assert "left to clean up" in capsys.readouterr().out
    assert run(["tasks", "cancel", task["id"]]) == 0
    assert "at once" in capsys.readouterr().out
    until(lambda: answer(capsys, "tasks", "show", task["id"], "--json")["state"] == "cancelled", 30)
    assert answer(capsys, "tasks", "show", task["id"], "--json")["reason"] == "killed by a second cancel"


def test_what_does_not_stop_is_killed_in_the_background(
    paths: DataPaths, busy: FileLock, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_stop, "PATIENCE", 0.1)
    busy.release()
    task = answer(capsys, *ADD, "--grace", "0.5", "--", "sleep", "60")
    os.kill(worker_pid(paths, task["producer"]), signal.SIGSTOP)
    assert run(["tasks", "cancel", task["id"]]) == 0
    capsys.readouterr()
    until(lambda: answer(capsys, "tasks", "show", task["id"], "--json")["state"] == "cancelled", 30)
    reason = answer(capsys, "tasks", "show", task["id"], "--json")["reason"]
    assert reason == "did not stop in 0.5 s, killed"


def test_a_cancelled_command_cleans_up_in_its_time(
    paths: DataPaths, busy: FileLock, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    busy.release()
    task = answer(capsys, *ADD, "--", "sh", "-c", SAVES)
    until((tmp_path / "begun").exists, 60)
    assert run(["tasks", "cancel", task["id"]]) == 0
    assert (tmp_path / "saved").exists()
    capsys.readouterr()
    shown = answer(capsys, "tasks", "show", task["id"], "--json")
    assert (shown["state"], shown["reason"]) == ("cancelled", None)


def test_a_worker_of_another_machine_is_left_alone(
    paths: DataPaths, busy: FileLock, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pid is another process's here."""
    busy.release()
    task = answer(capsys, *ADD, "--", "sleep", "60")
    worker_pid(paths, task["producer"])
    header = read_spool_header(paths.spools / task["producer"])
    elsewhere = replace(header, pid=os.getpid(), host="elsewhere")
    monkeypatch.setattr(worker_stop, "read_spool_header", lambda _folder: elsewhere)
    status, words = refused(capsys, "tasks", "cancel", task["id"])
    assert status == 1
    assert f"task {task['id']} runs on elsewhere; cancel it there" in words


def test_a_worker_that_cannot_start_is_one_sentence(
    paths: DataPaths, busy: FileLock, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    busy.release()
    assert run(["tasks", "add", "--json", "--", "true"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["state"] == "failed"
    wanted = "jupyter agent: true: its worker ended with status 3 before it began: no such module\n"
    assert captured.err == wanted


def test_the_agent_is_named_in_jupyters_configuration(
    paths: DataPaths, busy: FileLock, capsys: Capture, own_environment: Path
) -> None:
    status, words = refused(capsys, "tasks", "add", "Summarise this")
    assert status == 2
    assert "c.JupyterAgent.agent" in words
    config = own_environment / "config" / "jupyter_server_config.py"
    config.parent.mkdir()
    config.write_text("c.JupyterAgent.agent = 'mine:solve'\n")
    task = answer(capsys, *ADD, "Summarise this")
    call = load_run_spec(paths, task["id"])
    assert call is not None
    assert (call.target.function, call.target.text) == ("mine:solve", "Summarise this")  # type: ignore[union-attr]
    config.write_text("1 / 0\n")
    status, words = refused(capsys, "tasks", "add", "Summarise this")
    assert status == 2
    assert "jupyter_server_config cannot be read" in words


def test_a_server_of_this_machine_gets_the_callers_environment(
    fake: FakeHolder, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(capsys, *ADD, "a.ipynb", "-p", "n=5", "--kernel", "python3")["id"] == TASK
    (body,) = fake.fake.submitted
    assert (body["cwd"], body["python"]) == (str(tmp_path), sys.executable)
    assert "HOME" in body["env"]
    assert (body["target"], body["parameters"], body["kernel"]) == ("a.ipynb", {"n": 5}, "python3")


def test_a_server_elsewhere_gets_none_of_them(
    fake: FakeHolder, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_URL", f"{fake.fake.url}?token={FakeServer.token}")
    assert answer(capsys, *ADD, "--", "true")["id"] == TASK
    assert fake.fake.submitted == [{"target": ["true"]}]


def test_a_folder_that_is_gone_is_one_sentence(
    paths: DataPaths, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    status, words = refused(capsys, "tasks", "add", "--", "true")
    assert status == 2
    assert "the current folder does not exist any more" in words


def test_what_the_server_refuses_is_wrong_use(fake: FakeHolder, capsys: Capture) -> None:
    status, words = refused(capsys, "tasks", "add", "nonsense")
    assert status == 2
    assert "'nonsense' cannot be run" in words
    assert "see 'jupyter agent tasks add --help'" in words


def test_the_server_says_that_a_key_attached(fake: FakeHolder, capsys: Capture) -> None:
    assert run(["tasks", "add", "--key", "k", "--", "true"]) == 0
    assert "Nothing was started: the key is that of train" in capsys.readouterr().out


def test_ctrl_c_on_a_terminal_can_cancel_and_goes_on_watching(fake: FakeHolder) -> None:
    with in_terminal(*CLI, PYTHONPATH=str(PACKAGE_ROOT)) as terminal:
        terminal.until("running")
        terminal.type(b"\x03")
        terminal.until("Detach or cancel? [d/c]")
        terminal.type(b"what\nc\n")
        until(lambda: fake.fake.commands == [(TASK, "cancel", {})])
        fake.append([state(3, TaskState.CANCELLED)])
        assert terminal.end() == 1


@pytest.mark.parametrize("typed", [b"\x03", b"d\n"])
def test_ctrl_c_on_a_terminal_can_leave(fake: FakeHolder, typed: bytes) -> None:
    with in_terminal(*CLI, PYTHONPATH=str(PACKAGE_ROOT)) as terminal:
        terminal.until("running")
        terminal.type(b"\x03")
        terminal.until("Detach or cancel? [d/c]")
        terminal.type(typed)
        terminal.until("Detached: train continues.")
        assert terminal.end() == 130
    assert fake.fake.commands == []


def test_ctrl_c_elsewhere_leaves(fake: FakeHolder) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(CLI, env=environment, text=True, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        wait_for_line(process.stdout.readline, "running")
        process.send_signal(signal.SIGINT)
        assert "Detached: train continues." in process.stderr.read()
    assert process.returncode == 130
    assert fake.fake.commands == []


def wait_for_line(read: Callable[[], str], wanted: str) -> None:
    while wanted not in (line := read()):
        assert line, f"no line had {wanted!r}"
