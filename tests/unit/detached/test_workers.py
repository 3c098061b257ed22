"""Detached tasks without a server, run by workers that are real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.detached.leftovers import sweep_workers
from jupyter_agent.detached.run_spec import load_run_spec, save_run_spec
from jupyter_agent.detached.work_queue import (
    WorkItem,
    claimed_work_items,
    enqueue_work_item,
    waiting_work_items,
)
from jupyter_agent.detached.worker_slots import (
    WorkerLimits,
    acquire_worker_slot,
    save_limits,
)
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK
from tests.support.detached import program, run_spec, work_item
from tests.support.processes import kill_own
from tests.support.runtime import emitted, own_producer, recovered, states, until  # noqa: F401
from tests.support.workers import kill_worker, no_workers_left, worker_pid, workers_of


@pytest.fixture
def detached(paths: DataPaths) -> Iterator[DataPaths]:
    with no_workers_left(paths):
        yield paths


def is_running(pid: int) -> bool:
    """Whether a process has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_its_output_and_that_of_its_children_is_logged(detached: DataPaths, tmp_path: Path) -> None:
    def work(n: int) -> dict[str, Any]:
        print("hello", n)
        os.system("echo a child; echo its trouble >&2")
        for _ in ja.track(range(n)):
            ja.current().metric("loss", 0.5)
        return {"n": n, "cwd": os.getcwd(), "seen": os.environ["SEEN"]}

    os.environ["SEEN"] = "by the caller"
    try:
        handle = ja.task(work, on="detached", name="train").submit(3)
    finally:
        del os.environ["SEEN"]
    assert handle.result(60) == {"n": 3, "cwd": os.getcwd(), "seen": "by the caller"}
    assert {"hello 3", "a child", "its trouble"} <= set(handle.logs().splitlines())
    assert (handle.name, handle.state, handle.attempt) == ("train", "completed", 1)
    assert handle.progress is not None
    assert handle.progress.done == 3
    until(lambda: not workers_of(detached))
    assert claimed_work_items(detached) == []


def test_a_failure_comes_with_its_traceback(detached: DataPaths) -> None:
    def work() -> None:
        raise ValueError("no such colour")

    with pytest.raises(ja.TaskFailed, match="no such colour") as caught:
        ja.task(work, on="detached").submit().result(60)
    assert 'raise ValueError("no such colour")' in caught.value.traceback or "in work" in str(caught.value)


def test_one_that_was_killed_resumes_from_its_checkpoint_by_its_key(
    detached: DataPaths, tmp_path: Path
) -> None:
    flag = tmp_path / "go"

    def train(epochs: int) -> list[float]:
        losses: list[float] = ja.current().restore([])
        for epoch in range(len(losses), epochs):
            losses.append(1 / (epoch + 1))
            ja.current().checkpoint(losses)
            print("epoch", epoch)
            while epoch == 3 and not flag.exists():
                time.sleep(0.01)
        return losses

    job = ja.task(train, on="detached", key="training")
    first = job.submit(10)
    until(lambda: "epoch 3" in first.logs(), 60)
    kill_worker(detached, next(e.producer for e in first.events() if e.type == "checkpoint"))
    assert isinstance(first.exception(60), ja.TaskInterrupted)
    flag.touch()
    again = job.submit(10)
    assert (again.id, again.result(60)) == (first.id, [1 / n for n in range(1, 11)])
    assert again.attempt == 2
    assert job.submit(10).result(60) == again.result()  # it is done: nothing runs again
    assert job.submit(10).attempt == 2


def test_children_of_a_killed_worker_are_ended_unless_in_a_session_of_their_own(detached: DataPaths) -> None:
    def work() -> None:
        for own in (False, True):
            child = subprocess.Popen(["sleep", "600"], start_new_session=own)
            ja.current().metric("own" if own else "child", child.pid)
        time.sleep(600)

    handle = ja.task(work, on="detached", show=False).submit()
    until(lambda: len(handle.metrics) == 2, 60)
    metrics = {name: metric.value for name, metric in handle.metrics.items()}
    child, own = (int(metrics[name] or 0) for name in ("child", "own"))
    try:
        kill_worker(detached, handle.events()[-1].producer)
        assert is_running(child)
        assert isinstance(handle.exception(60), ja.TaskInterrupted)
        until(lambda: not is_running(child))
        assert is_running(own)
    finally:
        kill_own(child)
        kill_own(own)
    assert list(detached.workers.glob("[!.]*.json")) == []


def test_children_of_a_worker_that_ended_by_itself_go_on(detached: DataPaths) -> None:
    def work() -> int:
        return subprocess.Popen(["sleep", "600"]).pid

    child = ja.task(work, on="detached", show=False).submit().result(60)
    try:
        until(lambda: not list(detached.workers.glob("[!.]*.json")))
        sweep_workers(detached)
        assert is_running(child)
    finally:
        kill_own(child)


def test_sigterm_from_elsewhere_interrupts_it(detached: DataPaths) -> None:
    def work() -> None:
        print("up")
        time.sleep(60)

    handle = ja.task(work, on="detached").submit()
    until(lambda: "up" in handle.logs(), 60)
    producer = handle.events()[-1].producer
    os.kill(worker_pid(detached, producer), signal.SIGTERM)
    assert isinstance(handle.exception(60), ja.TaskInterrupted)
    assert b"SIGTERM" in bytes(handle.events()[-1].data)


def test_sigterm_while_its_result_is_saved_is_ignored(detached: DataPaths, tmp_path: Path) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"

    class Large:
        def __reduce__(self) -> tuple[type[int], tuple[int]]:
            begun.touch()
            while not go_on.exists():
                time.sleep(0.01)
            return int, (5,)

    handle: ja.TaskHandle = ja.task(Large, on="detached").submit()
    until(begun.exists, 60)
    os.kill(worker_pid(detached, handle.events()[-1].producer), signal.SIGTERM)
    go_on.touch()
    assert handle.result(60) == 5


def test_one_that_has_to_end_itself_records_it_and_starts_the_next(
    detached: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "1")
    handle = ja.task(os.system, on="detached", timeout=0.1, retries=1, grace=0.3).submit("sleep 60")
    next_one = work_item()  # of another process, for the slot that the first one has
    save_run_spec(detached, TASK, run_spec(program(tmp_path / "python", f"touch {tmp_path}/started")))
    enqueue_work_item(detached, next_one)
    assert isinstance(handle.exception(60), ja.TaskTimeout)
    assert (handle.state, handle.attempt) == ("failed", 1)
    until((tmp_path / "started").exists, 60)


def test_retries_happen_in_the_worker(detached: DataPaths) -> None:
    def work() -> int:
        if ja.current().attempt < 2:
            raise OSError("not yet")
        return ja.current().attempt

    assert ja.task(work, on="detached", retries=1).submit().result(60) == 2


def test_sigterm_ends_its_retry_delay_though_its_starter_ignores_sigterm(detached: DataPaths) -> None:
    def work() -> None:
        raise OSError("not yet")

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as a worker does that ends
    try:
        handle = ja.task(work, on="detached", retries=20, show=False).submit()
    finally:
        signal.signal(signal.SIGTERM, before)
    until(lambda: handle.attempt >= 2, 60)
    worker = worker_pid(detached, handle.events()[-1].producer)

    def is_over() -> bool:
        if is_running(worker):  # it ignored the signal if it was saving the end of an attempt
            os.kill(worker, signal.SIGTERM)
        return handle.state == "interrupted"

    until(is_over, 60)


def test_memory_beyond_the_limit_fails_it(detached: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    save_limits(detached, WorkerLimits(1, 512 << 20))
    with pytest.raises(ja.TaskFailed, match="MemoryError"):
        ja.task(lambda: len(bytearray(1 << 30)), on="detached").submit().result(60)


def test_more_than_there_are_slots_run_one_after_the_other_without_a_server(
    detached: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "1")
    job = ja.task(lambda n: (n, time.time()), on="detached", show=False)
    ends = [handle.result(60) for handle in [job.submit(n) for n in range(3)]]
    assert [n for n, _ in sorted(ends, key=lambda end: end[1])] == [0, 1, 2]


@pytest.mark.parametrize(
    ("trouble", "end"), [(KeyboardInterrupt(), "cancelled"), (OSError("no room"), "failed")]
)
def test_one_that_was_stopped_while_it_was_submitted_does_not_stay_queued(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch, trouble: BaseException, end: str
) -> None:
    def hit(there: DataPaths, item: WorkItem) -> None:
        enqueue_work_item(there, item)
        raise trouble

    monkeypatch.setattr("jupyter_agent.notebook.detached_submit.enqueue_work_item", hit)
    with pytest.raises(type(trouble)):
        ja.task(time.sleep, on="detached", show=False).submit(60)
    assert states(emitted()[0].task) == ["queued", end]
    assert list(waiting_work_items(paths)) == []


DIES = "import os, signal\nfrom jupyter_agent.producer.producer import current_producer\n"
KILL = "os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize(
    "how", [f"current_producer(); {KILL}", f"os.rename = lambda *_: {KILL}; current_producer()"]
)
def test_one_that_was_killed_before_its_claim_is_replaced_at_once(
    detached: DataPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "1")
    slot = acquire_worker_slot(detached)
    assert slot is not None
    handle = ja.task(lambda: 5, on="detached", show=False).submit()
    (item,) = waiting_work_items(detached)
    environ = os.environ | {"JUPYTER_AGENT_PRODUCER": item.producer}
    killed = subprocess.run([sys.executable, "-c", DIES + how], env=environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(detached.spools.glob(f"*{item.producer}"))
    slot.release()
    assert handle.result(20) == 5
    until(lambda: not workers_of(detached))
    stored = [e["data"]["state"] for e in recovered(tmp_path, handle.id) if e["type"] == "state"]
    assert stored == ["queued", "running", "completed"]


def test_it_survives_the_process_that_submitted_it(detached: DataPaths, tmp_path: Path) -> None:
    script = tmp_path / "submit.py"
    script.write_text(
        "import jupyter_agent as ja, time\n"
        "run = ja.task(lambda: time.sleep(0.5) or 'done', on='detached').submit()\n"
        "print(run.id, flush=True)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert ja.attach(done.stdout.strip()).result(60) == "done"
    kept = load_run_spec(detached, done.stdout.strip())
    assert kept is not None
    assert (detached.calls / done.stdout.strip() / "call.json").stat().st_mode & 0o077 == 0
