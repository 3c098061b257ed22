"""`on="process"`: a child process, whose end is recorded whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import Event, State, decode_data
from jupyter_agent.core.task import Task, fold
from jupyter_agent.producer.producer import adopt_spool, current_producer
from jupyter_agent.producer.spool import Spool
from jupyter_agent.runtime.engines import delay
from jupyter_agent.runtime.engines.child_spec import ChildSpec
from jupyter_agent.runtime.engines.process import ProcessEngine
from jupyter_agent.runtime.local_task import local_tasks
from jupyter_agent.system.paths import DataPaths
from tests.support.runtime import own_producer, recovered, run_script, spooled, states, until  # noqa: F401


def folded(folder: Path, task_id: str) -> Task:
    """The task folded from all spools: the parent's and the worker's."""
    return fold(task_id, events_of(folder, task_id))


def events_of(folder: Path, task_id: str) -> list[Event]:
    return sorted((e for e in spooled(folder) if e.task == task_id), key=lambda e: e.time)


def running(handle: ja.TaskHandle) -> None:
    until(lambda: handle.state == "running")


def test_a_worker_emits_by_its_own_spool_and_the_parent_sees_it_all(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def work(n: int) -> dict[str, int]:
        for _ in ja.track(range(n)):
            pass
        ja.current().metric("loss", 0.25)
        print("from the worker")
        return {"pid": os.getpid()}

    handle = ja.task(work, on="process").submit(7)
    pid = handle.result(60)["pid"]
    assert pid != os.getpid()
    assert handle.progress.done == 7  # type: ignore[union-attr]
    assert handle.metrics["loss"].value == 0.25
    events = events_of(tmp_path, handle.id)
    first = decode_data(events[0])
    assert isinstance(first, State)
    assert {e.producer for e in events} == {current_producer().id, first.producer}
    assert states(handle.id) == ["queued"]
    assert folded(tmp_path, handle.id).state == "completed"
    assert capfd.readouterr().out == "from the worker\n"


def test_what_a_worker_raises_fails_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delay, "RANDOM", lambda: 0.0)
    handle = ja.task(lambda: dict[int, int]()[0], on="process", retries=1).submit()
    error = handle.exception(60)
    assert isinstance(error, ja.TaskFailed)
    assert error.type == "KeyError"
    assert handle.attempt == 2
    assert folded(tmp_path, handle.id).attempt == 2


@pytest.mark.alone
def test_a_cancel_ends_a_blocking_call_in_a_worker_at_once(tmp_path: Path) -> None:
    handle = ja.task(time.sleep, on="process").submit(60)
    running(handle)
    start = time.monotonic()
    handle.cancel()
    assert isinstance(handle.exception(20), ja.TaskCancelled)
    assert time.monotonic() - start < 3
    assert folded(tmp_path, handle.id).state == "cancelled"


def test_a_cancel_of_work_that_has_begun_without_a_word_yet_lets_it_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, heard = tmp_path / "begun", threading.Event()
    on_report = ProcessEngine._on_report

    def on_late_report(engine: ProcessEngine, line: bytes) -> None:
        heard.wait(60)
        on_report(engine, line)

    monkeypatch.setattr(ProcessEngine, "_on_report", on_late_report)

    def work() -> None:
        begun.touch()
        try:
            time.sleep(60)
        finally:
            (tmp_path / "cleaned").touch()

    handle = ja.task(work, on="process").submit()
    until(begun.exists)
    handle.cancel()
    heard.set()
    assert isinstance(handle.exception(30), ja.TaskCancelled)
    assert (tmp_path / "cleaned").exists()


def test_a_cancel_before_a_child_has_the_work_begins_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawned, go_on = threading.Event(), threading.Event()
    spec = ProcessEngine._spec

    def late_spec(engine: ProcessEngine, *args: Any) -> ChildSpec:
        spawned.set()
        go_on.wait(60)
        return spec(engine, *args)

    monkeypatch.setattr(ProcessEngine, "_spec", late_spec)
    handle = ja.task((tmp_path / "begun").touch, on="process").submit()
    assert spawned.wait(30)
    handle.cancel()
    assert handle.state == "cancelled"
    child = next(one for one in threading.enumerate() if one.name == "jupyter-agent-process-touch")
    go_on.set()
    child.join(30)
    assert not (tmp_path / "begun").exists()


def test_a_cancel_while_the_result_is_kept_comes_too_late(tmp_path: Path) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"

    class Large:
        def __reduce__(self) -> tuple[type[int], tuple[int]]:
            begun.touch()
            while not go_on.exists():
                time.sleep(0.01)
            return int, (5,)

    handle: ja.TaskHandle = ja.task(Large, on="process").submit()
    until(begun.exists)
    handle.cancel()
    go_on.touch()
    assert handle.result(30) == 5


def test_a_timeout_holds_in_a_worker(tmp_path: Path) -> None:
    handle = ja.task(time.sleep, on="process", timeout=0.2).submit(60)
    assert isinstance(handle.exception(30), ja.TaskTimeout)
    assert folded(tmp_path, handle.id).error is not None


def test_code_that_never_returns_to_python_is_killed_after_the_grace(tmp_path: Path) -> None:
    def stuck() -> None:
        import ctypes

        ctypes.PyDLL(None).sleep(60)  # keeps the interpreter's lock

    handle = ja.task(stuck, on="process", grace=0.2).submit()
    running(handle)
    handle.cancel()
    assert isinstance(handle.exception(20), ja.TaskCancelled)
    assert folded(tmp_path, handle.id).state == "cancelled"


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_a_worker_that_dies_leaves_an_interrupted_task(how: str, tmp_path: Path) -> None:
    def die() -> None:
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL) if how == "kill" else os._exit(3)

    handle = ja.task(die, on="process").submit()
    with pytest.raises(ja.TaskInterrupted, match="SIGKILL" if how == "kill" else "status 3"):
        handle.result(30)
    task = folded(tmp_path, handle.id)
    assert task.state == "interrupted"
    assert task.logs == 1
    assert events_of(tmp_path, handle.id)[-1].producer == task.producer != current_producer().id
    assert [e.flag for e in events_of(tmp_path, handle.id)] == [None] * task.events


def test_an_answer_reaches_the_worker() -> None:
    handle = ja.task(lambda: ja.current().ask("go on?"), on="process").submit()
    until(lambda: handle._snapshot().prompt is not None)
    handle.send("yes")
    assert handle.result(20) == "yes"


def test_work_that_cannot_be_pickled_fails_the_task() -> None:
    import threading

    lock = threading.Lock()
    handle = ja.task(lambda: lock, on="process").submit()
    assert handle.exception(20).type == "TypeError"  # type: ignore[union-attr]


def test_a_result_that_cannot_be_pickled_is_only_a_repr() -> None:
    def work() -> object:
        import threading

        return threading.Lock()

    handle = ja.task(work, on="process").submit()
    with pytest.raises(ja.ResultNotStored, match="lock"):
        handle.result(30)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time, jupyter_agent as ja\n"
        "def work():\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n"
        "if __name__ == '__main__':\n    ja.task(work, on='process').submit().wait()\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert alive(worker)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not alive(worker))


def test_a_process_that_ends_ends_its_workers_as_interrupted(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import time, jupyter_agent as ja\n"
        "if __name__ == '__main__':\n"
        "    h = ja.task(time.sleep, on='process').submit(60)\n"
        "    while h.state == 'queued': time.sleep(0.01)\n"
        "    print(h.id)\n",
    )
    assert "task sleep has not ended and will be interrupted with this process" in done.stderr
    end = recovered(tmp_path, done.stdout.strip())[-1]["data"]
    assert end == {"state": "interrupted", "reason": "the process that started it ended"}


def test_a_worker_can_be_retried_by_a_person() -> None:
    handle = ja.task(os.getpid, on="process").submit()
    first = handle.result(30)
    handle.retry()
    assert handle.result(30) != first
    assert local_tasks.get(handle.id).fold.attempt == 2  # type: ignore[union-attr]


def test_a_worker_whose_end_a_holder_records_is_not_ended_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        print("ready", flush=True)
        time.sleep(60)

    def taken(_paths: object, _producer: str) -> None:
        """A holder came first: it is recovering the spool, or has done so."""

    monkeypatch.setattr("jupyter_agent.runtime.engines.death.adopt_spool", taken)
    handle = ja.task(work, on="process").submit()
    running(handle)
    until(lambda: "ready" in handle.logs())
    task = local_tasks.get(handle.id)
    assert task is not None
    task.attempt.engine._kill()  # type: ignore[union-attr]
    assert isinstance(handle.exception(30), ja.TaskInterrupted)
    assert handle.state == "interrupted"
    assert states(handle.id) == ["queued"]


def ends_of(folder: Path, task_id: str) -> list[tuple[str, str | None]]:
    """The ends of a task, as a holder has them once it has everything."""
    data = [event["data"] for event in recovered(folder, task_id) if event["type"] == "state"]
    return [(d["state"], d.get("reason")) for d in data if d["state"] not in ("queued", "running")]


def test_a_cancelled_worker_that_is_killed_has_one_end_when_a_holder_is_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck_now = tmp_path / "stuck"

    def stuck() -> None:
        import ctypes

        sleep = ctypes.PyDLL(None).sleep
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which might come just before the sleep
        stuck_now.touch()
        sleep(60)  # keeps the interpreter's lock

    def too_late(paths: DataPaths, producer: str) -> Spool | None:
        recovered(tmp_path)
        return adopt_spool(paths, producer)

    monkeypatch.setattr("jupyter_agent.runtime.engines.death.adopt_spool", too_late)
    handle = ja.task(stuck, on="process", grace=0.2).submit()
    running(handle)
    until(stuck_now.exists)
    handle.cancel()
    assert isinstance(handle.exception(20), ja.TaskCancelled)
    assert ends_of(tmp_path, handle.id) == [("cancelled", "did not stop in 0.2 s, killed")]


def test_a_worker_that_is_killed_between_its_end_and_its_report_has_one_end(tmp_path: Path) -> None:
    def work() -> int:
        from jupyter_agent.worker.child_engine import ChildEngine

        def report(engine: ChildEngine) -> None:
            if engine._attempt.task.fold.state.ended:
                os.kill(os.getpid(), signal.SIGKILL)

        ChildEngine.report = report  # type: ignore[method-assign, assignment]
        return 5

    handle = ja.task(work, on="process").submit()
    assert handle.result(20) == 5
    assert ends_of(tmp_path, handle.id) == [("completed", None)]


def test_a_worker_that_was_killed_is_found_by_its_key(tmp_path: Path) -> None:
    def work() -> object:
        ja.current().checkpoint("half")
        if ja.current().attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return ja.current().restore()

    function = ja.task(work, name="train", key="job", on="process")
    killed = function.submit()
    killed.wait(30)
    assert [task.name for task in ja.tasks()] == ["train"]
    again = function.submit()
    assert (again.id, again.result(30), again.attempt) == (killed.id, "half", 2)
