"""Tasks of this process beside a real server: what it says of them, and what it asks of them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import jupyter_agent as ja
from jupyter_agent.errors import NotNow
from jupyter_agent.notebook.journal_client import list_tasks
from jupyter_agent.producer.producer import current_producer
from tests.support.producers import wait_until_up
from tests.support.runtime import own_producer, until  # noqa: F401
from tests.support.servers import Server

StartServer = Callable[[], Server]


@pytest.fixture
def holder(server: StartServer) -> Server:
    """A server that holds the journal of this process."""
    started = server()
    assert wait_until_up(current_producer().forwarder, 20)
    return started


def ask(server: Server, handle: ja.TaskHandle, command: str, **args: object) -> int:
    body = {"command": command, "args": args}
    return server.ask(f"tasks/{handle.id}/commands", method="POST", body=body).status


def state(server: Server, handle: ja.TaskHandle) -> str | None:
    task = server.task(handle.id)
    return None if task is None else str(task["state"])


def test_the_server_tells_the_same_story(holder: Server) -> None:
    def work() -> int:
        for _ in ja.track(range(10)):
            ja.current().metric("loss", 0.5)
        print("said")
        return 3

    handle = ja.task(work, name="train").submit()
    assert handle.result(10) == 3
    assert current_producer().flush(10)
    task = holder.task(handle.id)
    assert (task["state"], task["name"], task["progress"]["done"]) == ("completed", "train", 10)
    assert task["metrics"]["loss"]["value"] == 0.5
    assert [(e.type, e.n) for e in handle.events()] == [(e["type"], e["n"]) for e in holder.events(handle.id)]


def has_ended(handle: ja.TaskHandle) -> bool:
    return handle.state.ended


def test_the_log_of_a_task_in_a_process_is_complete_as_soon_as_it_has_ended(holder: Server) -> None:
    """Its process tells this one of the end before the server has committed it."""
    for n in range(12):  # each is a race, which a quarter loses without the wait
        handle = ja.task(print, on="process", show=False).submit(n)
        until(partial(has_ended, handle), 30)
        assert handle.logs() == f"{n}\n"


def test_commands_over_http_cancel_retry_and_answer(holder: Server) -> None:
    handle = ja.submit(lambda: ja.current().ask("go on?"))
    until(lambda: (holder.task(handle.id) or {}).get("prompt"))
    assert ask(holder, handle, "input", text="yes") == 202
    assert handle.result(10) == "yes"
    until(lambda: state(holder, handle) == "completed")
    assert ask(holder, handle, "retry") == 202
    until(lambda: handle.attempt == 2 and state(holder, handle) == "running")
    assert ask(holder, handle, "cancel") == 202
    assert isinstance(handle.exception(10), ja.TaskCancelled)
    until(lambda: state(holder, handle) == "cancelled")


def test_a_cancel_over_http_reaches_a_worker(holder: Server) -> None:
    handle = ja.task(time.sleep, on="process").submit(60)
    until(lambda: state(holder, handle) == "running")
    assert ask(holder, handle, "cancel") == 202
    assert isinstance(handle.exception(20), ja.TaskCancelled)
    until(lambda: state(holder, handle) == "cancelled")
    assert handle.logs() == ""


def test_a_worker_that_was_killed_is_interrupted_everywhere(holder: Server) -> None:
    def die() -> None:
        import os
        import signal

        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    handle = ja.task(die, on="process").submit()
    assert isinstance(handle.exception(20), ja.TaskInterrupted)
    until(lambda: state(holder, handle) == "interrupted")
    until(lambda: holder.lines(handle.id) == ["last words\n"])


ELSEWHERE = """
import jupyter_agent as ja, time
def work():
    ja.current().checkpoint("half")
    print("ready", flush=True)
    said = ja.current().receive()
    for _ in ja.track(range(60)):
        if said == "wait": time.sleep(1)
    return said
ja.task(work, name="elsewhere", key="job").submit().wait()
"""


@pytest.fixture
def other(holder: Server, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    script = tmp_path / "elsewhere.py"
    script.write_text(ELSEWHERE)
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def found() -> ja.TaskHandle:
    until(lambda: ja.tasks(name="elsewhere", state="running"))
    return ja.attach(ja.tasks(name="elsewhere")[0].id)


def test_a_task_of_another_process_is_spoken_to_waited_for_and_read(other: subprocess.Popen[bytes]) -> None:
    handle = found()
    assert not handle.wait(0.01)
    handle.send("hello")
    assert handle.result(20) == "hello"
    assert handle.logs() == "ready\n"
    assert handle.progress is not None
    assert not handle.cancel()
    with pytest.raises(NotNow):
        handle.send("again")


def test_a_task_of_another_process_is_cancelled(other: subprocess.Popen[bytes]) -> None:
    handle = found()
    handle.send("wait")
    until(lambda: handle.progress is not None)
    assert handle.cancel()
    assert isinstance(handle.exception(20), ja.TaskCancelled)


def test_a_key_goes_on_here_when_the_process_there_was_killed(other: subprocess.Popen[bytes]) -> None:
    function = ja.task(lambda: ja.current().restore(), name="elsewhere", key="job")
    there = found()
    assert function.submit().id == there.id
    other.kill()
    until(lambda: there.state == "interrupted")
    here = function.submit()
    assert here.id == there.id
    assert here.result(10) == "half"
    assert here.attempt == 2
    assert current_producer().flush(10)
    assert [e.flag for e in here.events()] == [None] * len(here.events())


SUBMIT = """
import os, sys, time
import jupyter_agent as ja
from jupyter_agent.producer.producer import current_producer
def work():
    with open(sys.argv[1], "a") as file:
        file.write(f"{os.getpid()}\\n")
    return os.getpid()
deadline = time.monotonic() + 30
while not current_producer().forwarder.is_up:
    assert time.monotonic() < deadline
    time.sleep(0.01)
print("ready", flush=True)
sys.stdin.readline()
print(ja.task(work, key="once").submit().result(60), flush=True)
"""


def test_of_processes_that_submit_a_key_at_once_one_runs_it(holder: Server, tmp_path: Path) -> None:
    (tmp_path / "submit.py").write_text(SUBMIT)
    command = [sys.executable, str(tmp_path / "submit.py"), str(tmp_path / "ran")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    submitters = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    try:
        for process in submitters:
            assert process.stdout.readline() == "ready\n"
        for process in submitters:
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[0] for process in submitters]
    finally:
        for process in submitters:
            process.kill()
    assert said == [(tmp_path / "ran").read_text()] * 3
    assert len(ja.tasks(limit=5)) == 1


def test_a_server_that_goes_and_comes_back_is_no_trouble_for_a_task(holder: Server) -> None:
    go = threading.Event()

    def work() -> None:
        print("before")
        go.wait()
        print("after")

    handle = ja.submit(work)
    until(lambda: state(holder, handle) == "running")
    holder.kill()
    go.set()
    assert handle.exception(10) is None
    holder.restart()
    until(lambda: state(holder, handle) == "completed")
    assert handle.logs() == "before\nafter\n"


def test_a_list_may_be_longer_than_a_page(holder: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_agent.protocol.http.PAGE", 3)
    for number in range(8):
        ja.task(print, name=f"task {number}").submit().wait(10)
    assert current_producer().flush(10)
    names = [task.name for task in list_tasks(current_producer(), limit=7)]
    assert names == [f"task {number}" for number in range(7, 0, -1)]
    assert len(list_tasks(current_producer(), limit=100)) == 8
    assert len(list_tasks(current_producer(), name="task 3", limit=100)) == 1
