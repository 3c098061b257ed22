"""Tasks of other processes, with no server: a process of its own reads the journal and living spools."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

import jupyter_agent as ja
from jupyter_agent.errors import AgentError, RequestRefused, ServerUnreachable
from jupyter_agent.system.ids import new_id
from jupyter_agent.transport import one_shot_program
from jupyter_agent.transport.blocking_http import fetch
from jupyter_agent.transport.discovery import Address
from tests.support.runtime import own_producer, run_script, until  # noqa: F401

ENDED = """
import jupyter_agent as ja
def work():
    print("it said this")
    return {"answer": 42}
print(ja.task(work, name="elsewhere", key="nightly").submit().wait())
def fail():
    raise ValueError("no")
ja.task(fail, name="failing").submit().wait()
"""

KEYED = """
import jupyter_agent as ja, os, time
def work():
    ja.current().checkpoint("half")
    print("ready", flush=True)
    time.sleep(60)
ja.task(work, name="keyed", key="job").submit().wait()
"""


def by_name(name: str) -> ja.TaskHandle:
    return next(handle for handle in ja.tasks() if handle.name == name)


def test_ended_tasks_of_another_process_can_be_attached_to(tmp_path: Path) -> None:
    assert run_script(tmp_path, ENDED).stderr == ""
    handle = ja.attach(by_name("elsewhere").id)
    assert handle.state == "completed"
    assert handle.result(10) == {"answer": 42}
    assert handle.logs() == "it said this\n"
    assert re.fullmatch(rf"<Task elsewhere completed (just now|\d+s ago) {handle.id[-6:]}>", repr(handle))
    assert not handle.cancel()
    with pytest.raises(ja.TaskFailed, match="ValueError: no"):
        by_name("failing").result(10)


def test_the_list_is_a_table_of_the_newest(tmp_path: Path) -> None:
    run_script(tmp_path, ENDED)
    mine = ja.task(print, name="<mine>").submit()
    mine.wait(10)
    found = ja.tasks()
    assert [handle.name for handle in found] == ["<mine>", "failing", "elsewhere"]
    assert "&lt;mine&gt;" in found._repr_html_()
    assert [handle.name for handle in ja.tasks(state="failed")] == ["failing"]
    assert [handle.name for handle in ja.tasks(name="elsewhere")] == ["elsewhere"]
    assert len(ja.tasks(limit=1)) == 1


def test_a_completed_key_is_returned_and_not_run_again(tmp_path: Path) -> None:
    run_script(tmp_path, ENDED)
    handle: ja.TaskHandle = ja.task(os.getpid, key="nightly").submit()
    assert handle.result(10) == {"answer": 42}


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    script = tmp_path / "keyed.py"
    script.write_text(KEYED)
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_key_that_runs_elsewhere_is_attached_to_and_goes_on_here_when_that_died(
    worker: subprocess.Popen[bytes],
) -> None:
    function = ja.task(lambda: ja.current().restore("nothing"), name="keyed", key="job")
    there = function.submit()
    assert there.state == "running"
    assert not there.wait(0.01)
    worker.kill()
    worker.wait()
    until(lambda: there.state == "interrupted")
    with pytest.raises(ja.TaskInterrupted):
        there.result(10)
    here = function.submit()
    assert here.id == there.id
    assert here.result(10) == "half"
    assert here.attempt == 2


def test_an_unknown_id_is_one_sentence() -> None:
    with pytest.raises(ja.UnknownTask, match="no task"):
        ja.attach(new_id())


def test_a_command_that_cannot_reach_a_running_task_says_so(tmp_path: Path) -> None:
    script = tmp_path / "keyed.py"
    script.write_text(KEYED)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            until(lambda: ja.tasks(name="keyed"))
            handle = by_name("keyed")
            for call in (handle.cancel, lambda: handle.send("hello")):
                with pytest.raises(ja.NotNow, match=r"^no server is running, so '.*' cannot reach task"):
                    call()
            with pytest.raises(ja.NotNow, match="is running; cancel it before a retry"):
                handle.retry()
        finally:
            running.kill()


@pytest.mark.parametrize(("name", "words"), [("x" * (1 << 18), "too long"), ("a\0b", "null byte")])
def test_a_name_that_no_task_can_have_is_one_sentence(name: str, words: str) -> None:
    with pytest.raises(AgentError, match=rf"^the journal cannot be asked: .*{words}"):
        ja.tasks(name=name)


def test_a_journal_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_shot_program, "ANSWER_TIMEOUT", 0.01)
    with pytest.raises(AgentError, match=r"^the journal did not answer within 0 s"):
        ja.tasks()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"


class Stranger:
    """Answers each connection with *answer*; ``asked`` are the requests that came."""

    def __init__(self, answer: bytes) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve, name="stranger")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        socket.create_connection(self._socket.getsockname()).close()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                asked = connection.recv(1 << 16)
                if not asked:  # it is `__exit__`
                    return
                self.asked.append(asked)
                connection.sendall(self._answer)


@pytest.mark.parametrize("answer", [OK, b"220 mail.example.org ESMTP\r\n", b""])
def test_an_answer_that_breaks_off_or_is_none_is_one_sentence(answer: bytes) -> None:
    with Stranger(answer) as stranger, pytest.raises(ServerUnreachable, match="no server answers") as error:
        fetch(Address(stranger.url), "GET", "tasks")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["nonsense/", "ftp://127.0.0.1/", "http://12 7/", "http://h:port/", "http://\udcff/"]
)
def test_an_invalid_address_is_one_sentence(url: str) -> None:
    with pytest.raises(ServerUnreachable, match=r"not an http or https address|no server answers"):
        fetch(Address(url), "GET", "tasks")


def test_what_opens_a_server_goes_to_no_proxy_and_follows_no_redirect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Stranger(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        moved = f"HTTP/1.1 302 Found\r\nLocation: {proxy.url}\r\nContent-Length: 0\r\n\r\n"
        with Stranger(moved.encode()) as server, pytest.raises(RequestRefused, match="status 302"):
            fetch(Address(server.url, {"Jupyter-Agent-Key": "secret"}), "GET", "tasks")
        assert len(server.asked) == 1
    assert proxy.asked == []
