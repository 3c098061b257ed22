"""Idempotency keys: the same key is the same task, from any process and at any time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.core.task import Task, current_for_key
from jupyter_agent.detached import key_lock
from jupyter_agent.errors import ServerUnreachable
from jupyter_agent.notebook import idempotency, magic
from jupyter_agent.producer.producer import Producer, current_producer
from jupyter_agent.runtime.local_task import local_tasks
from jupyter_agent.system.locks import is_locked
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import OTHER_TASK, TASK, python
from tests.support.runtime import emitted, interrupt, own_producer, run_script, until  # noqa: F401

SUBMIT = """
import os, sys
import jupyter_agent as ja
def work():
    with open(sys.argv[1], "a") as file:
        file.write(f"{os.getpid()}\\n")
    return os.getpid()
if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    print(ja.task(work, key="once").submit().result(60), flush=True)
"""


def interrupted(function: Callable[[], object], key: str) -> ja.TaskHandle:
    """A task of this process with that key, interrupted while it waited."""
    go = threading.Event()

    def work() -> None:
        function()
        go.wait()

    handle = ja.task(work, key=key).submit()
    until(lambda: handle.state == "running")
    interrupt(local_tasks.get(handle.id))
    go.set()
    return handle


@pytest.fixture
def submitters(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are about to submit the same key."""
    script = tmp_path / "submit.py"
    script.write_text(SUBMIT)
    command = [sys.executable, str(script), str(tmp_path / "ran")]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_of_processes_that_submit_a_key_at_once_one_runs_it(
    submitters: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    for process in submitters:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=60)[0] for process in submitters]
    assert printed == [(tmp_path / "ran").read_text()] * 3


def test_what_another_process_has_continued_is_not_started_again_here(tmp_path: Path) -> None:
    mine = interrupted(lambda: ja.current().checkpoint("half"), "job")
    there = run_script(
        tmp_path,
        "import jupyter_agent as ja\n"
        "task = ja.task(lambda: ja.current().restore(), key='job').submit()\n"
        "print(task.id, task.result(30), task.attempt)\n",
    )
    assert there.stdout.split() == [mine.id, "half", "2"]
    again = ja.task(lambda: "begun again", key="job").submit()
    assert (again.id, again.attempt, again.result(30)) == (mine.id, 2, "half")


def test_a_task_that_was_deleted_frees_its_key(tmp_path: Path) -> None:
    first = ja.task(lambda: 1, key="job").submit()
    assert first.result(10) == 1
    assert ja.task(lambda: 2, key="job").submit().result(10) == 1
    delete = [sys.executable, "-m", "jupyter_agent.cli", "tasks", "delete", first.id]
    subprocess.run(delete, check=True, capture_output=True)
    second = ja.task(lambda: 2, key="job").submit()
    assert second.id != first.id
    assert second.result(10) == 2


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_key_continues_a_failed_or_cancelled_task(state: str) -> None:
    def work() -> object:
        context = ja.current()
        done = context.restore(0)
        context.checkpoint(done + 1)
        if context.attempt == 1:
            raise ValueError("not yet") if state == "failed" else ja.TaskCancelled("by hand")
        return done

    function = ja.task(work, key="job")
    first = function.submit()
    first.wait(10)
    assert first.state == state
    second = function.submit()
    assert (second.id, second.result(10), second.attempt) == (first.id, 1, 2)


def test_a_completed_task_without_its_result_explains_how_to_run_it_again() -> None:
    function = ja.task(threading.Lock, key="job")
    assert function.submit().wait(10)
    with pytest.raises(
        ja.ResultNotStored,
        match=r"was not kept .*; to run it again, delete the task or use another key than 'job'",
    ):
        function.submit().result(10)


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (5, r"key=5 is int; a key is text"),
        (b"x", r"key=b'x' is bytes; a key is text"),
        ("", r"key='' cannot be a key: use 1 to 1,000 characters that can be printed"),
        ("a\nb", r"key='a\\nb' cannot be a key"),
        ("\ud800", "cannot be a key"),
        ("k" * 1001, "cannot be a key"),
    ],
)
def test_an_invalid_key_is_an_error(key: object, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        ja.task(print, key=key)  # type: ignore[call-overload]


def test_an_invalid_key_of_a_cell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert magic._options("train --key ''") is None
    assert capsys.readouterr().out.startswith("%%task: key='' cannot be a key: use 1 to 1,000 characters")
    assert magic._options("train --key nightly") is not None


HOLD = """
import sys
from pathlib import Path
from jupyter_agent.system.locks import FileLock
lock = FileLock.acquire(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
"""


def lock_of(paths: DataPaths, key: str) -> Path:
    """The file of the key's lock."""
    with key_lock.hold_key(paths, key):
        [lock] = (paths.root / "keys").iterdir()
    return lock


def test_a_process_that_holds_a_key_does_not_block_others_for_ever(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(key_lock, "LOCK_TIMEOUT", 0.05)
    with python(HOLD, lock_of(paths, "job")) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert ja.task(lambda: 3, key="job").submit().result(10) == 3
    assert "another process holds the lock of key 'job'" in caplog.text


def test_a_key_is_held_until_the_server_has_the_started_task(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = lock_of(paths, "job")
    producer = current_producer()
    seen: list[tuple[bool, list[str]]] = []

    def flush(_: float) -> bool:
        seen.append((is_locked(lock), [event.type for event in emitted()]))
        return True

    with monkeypatch.context() as patch:
        patch.setattr(producer, "locate", lambda: "a server")
        patch.setattr(producer, "flush", flush)
        patch.setattr(idempotency, "list_tasks", lambda *_, **__: [])
        with idempotency.reserve_key(producer, "job") as found:
            assert found is None
            producer.emit(TASK, 1, "state", State(TaskState.QUEUED, about=About("train", key="job")))
    assert seen == [(True, ["state"])]
    assert not is_locked(lock)


class SlowServer:
    """A server that stores what *producer* emitted when it is told to: up to which number."""

    def __init__(self, producer: Producer, patch: pytest.MonkeyPatch) -> None:
        self.stored = 0
        self.waiting: list[int | None] = []
        self._changed = threading.Condition()
        patch.setattr(producer, "locate", lambda: "a server")
        patch.setattr(producer, "flush", self.flush)
        patch.setattr(idempotency, "list_tasks", lambda *_, **__: [])
        patch.setattr(idempotency, "COMMIT_TIMEOUT", 0.0)
        patch.setattr(idempotency, "_STEP", 30.0)

    def flush(self, timeout: float, *, upto: int | None = None) -> bool:
        with self._changed:
            if upto is None:
                return False
            self.waiting.append(upto)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self.stored >= upto, timeout)

    def wait_for(self, count: int) -> None:
        """Wait until so many submits have been left to a thread."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.waiting) >= count, 10)

    def store(self, upto: int | None) -> None:
        with self._changed:
            self.stored = upto or 0
            self._changed.notify_all()


def test_a_key_is_held_on_while_a_slow_server_has_not_stored_the_started_task(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submit returns meanwhile. A second one of this process has the same lock, until both are stored."""
    lock, producer = lock_of(paths, "job"), current_producer()
    about = State(TaskState.QUEUED, about=About("train", key="job"))
    with monkeypatch.context() as patch:
        server = SlowServer(producer, patch)
        for count, task in enumerate((TASK, OTHER_TASK), 1):
            with idempotency.reserve_key(producer, "job"):
                producer.emit(task, 1, "state", about)
            server.wait_for(count)
            assert is_locked(lock)
        first, second = server.waiting
        server.store(first)
        ended = [one for one in threading.enumerate() if one.name == "jupyter-agent-key"]
        until(lambda: sum(one.is_alive() for one in ended) == 1)
        assert is_locked(lock), "the second one is not stored yet"
        server.store(second)
        until(lambda: not is_locked(lock))


def test_a_key_is_held_on_until_there_is_no_server_any_more(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server, others read what this process has stored."""
    lock, producer = lock_of(paths, "job"), current_producer()
    with monkeypatch.context() as patch:
        server = SlowServer(producer, patch)
        patch.setattr(idempotency, "_STEP", 0.01)
        with idempotency.reserve_key(producer, "job"):
            producer.emit(TASK, 1, "state", State(TaskState.QUEUED, about=About("train", key="job")))
        server.wait_for(1)
        assert is_locked(lock)
        patch.setattr(producer, "locate", lambda: None)
        until(lambda: not is_locked(lock))


def test_without_the_journal_a_key_means_what_this_process_knows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def silent(*_: object, **__: object) -> list[Task]:
        raise ServerUnreachable("no server answers")

    monkeypatch.setattr(idempotency, "list_tasks", silent)
    first = ja.task(lambda: ja.current().attempt, key="job").submit()
    assert first.result(10) == 1
    assert ja.task(lambda: 5, key="job").submit().id == first.id
    other = interrupted(lambda: None, "other")
    assert ja.task(lambda: ja.current().attempt, key="other").submit().result(10) == 2
    assert other.attempt == 2
    assert "exists: no server answers" in caplog.text


@pytest.mark.parametrize(
    ("states", "chosen"),
    [
        ("cancelled running completed", 1),
        ("failed completed interrupted", 1),
        ("failed cancelled completed queued", 3),
        ("failed interrupted", 0),
        ("completed completed", 0),
        ("", None),
    ],
)
def test_of_several_tasks_a_key_means_the_active_or_completed_one(states: str, chosen: int | None) -> None:
    tasks = [Task(str(at), state=TaskState(word)) for at, word in enumerate(states.split())]
    assert current_for_key(tasks) == (None if chosen is None else tasks[chosen])
