"""Detached tasks where there is no server: orders, slots, and workers that are real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

import jupyter_agent as ja
from jupyter_agent.core.events import About, TaskState
from jupyter_agent.core.task import Task
from jupyter_agent.detached import launcher as launch
from jupyter_agent.detached.function_pickle import pickle_call
from jupyter_agent.detached.launcher import NO_SLOT, Launcher
from jupyter_agent.detached.leftovers import sweep_workers
from jupyter_agent.detached.run_spec import RunSpec, load_run_spec, save_run_spec
from jupyter_agent.detached.targets import PickledTarget
from jupyter_agent.detached.work_queue import (
    WorkItem,
    claim_work_item,
    claimed_work_items,
    enqueue_work_item,
    log_path,
    waiting_work_items,
    withdraw_work_item,
)
from jupyter_agent.detached.work_state import is_waiting
from jupyter_agent.detached.worker_slots import (
    WorkerLimits,
    acquire_worker_slot,
    free_worker_slots,
    load_limits,
    save_limits,
)
from jupyter_agent.errors import CannotTravel, NotNow
from jupyter_agent.journal.operations.detached_tasks import enqueue_task, requeue_task
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.notebook import idempotency as keys
from jupyter_agent.notebook import remote_task as remote
from jupyter_agent.notebook.detached_submit import DetachedStarter
from jupyter_agent.notebook.remote_task import RemoteTask
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.files import create_private, make_private
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.worker.detached import main
from tests.support.builders import TASK
from tests.support.runtime import emitted, own_producer, states, until  # noqa: F401
from tests.support.workers import kill_worker, no_workers_left, worker_pid, workers_of


@pytest.fixture
def detached(paths: DataPaths) -> Iterator[DataPaths]:
    with no_workers_left(paths):
        yield paths


def order(*, created: float = 0.0, **changes: Any) -> WorkItem:
    return WorkItem(
        TASK,
        changes.pop("attempt", 1),
        changes.pop("producer", None) or new_id(),
        "default",
        created,
        **changes,
    )


def call(python: Path | str, cwd: Path | None = None) -> RunSpec:
    return RunSpec(
        PickledTarget("work"), About("work"), str(python), str(cwd or Path.cwd()), dict(os.environ)
    )


def program(path: Path, text: str) -> Path:
    """A program that stands for the interpreter of a worker."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def is_running(pid: int) -> bool:
    """Whether a process has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class TestOrders:
    def test_an_order_is_taken_once(self, paths: DataPaths) -> None:
        one = order()
        enqueue_work_item(paths, one)
        assert is_waiting(paths, one.producer)
        assert claim_work_item(paths, one.producer) == one
        assert claim_work_item(paths, one.producer) is None
        assert not withdraw_work_item(paths, one.producer)
        assert claimed_work_items(paths) == [replace(one, leader=os.getpid())]

    @pytest.mark.parametrize("suffix", ["log", "stop"])
    def test_what_nobody_is_left_to_remove_is_swept_away(self, paths: DataPaths, suffix: str) -> None:
        waits, runs, over = order(), order(), order()
        enqueue_work_item(paths, waits)
        make_private(paths.spools / runs.producer)
        make_private(paths.workers)
        for one in (waits, runs, over):
            (paths.workers / f"{one.producer}.{suffix}").touch()
        sweep_workers(paths)
        kept = {path.stem for path in paths.workers.glob(f"*.{suffix}")}
        assert kept == {waits.producer, runs.producer}

    def test_one_that_was_withdrawn_cannot_be_taken(self, paths: DataPaths) -> None:
        one = order()
        enqueue_work_item(paths, one)
        assert withdraw_work_item(paths, one.producer)
        assert claim_work_item(paths, one.producer) is None
        assert list(waiting_work_items(paths)) == []

    def test_of_many_who_want_it_one_gets_it(self, paths: DataPaths) -> None:
        one = order()
        enqueue_work_item(paths, one)
        got: list[object] = []
        begin = threading.Barrier(8)

        def want(number: int) -> None:
            begin.wait()
            take = claim_work_item if number % 2 else withdraw_work_item
            got.append(take(paths, one.producer))

        threads = [threading.Thread(target=want, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(bool(answer) for answer in got) == 1

    def test_they_wait_in_the_order_in_which_they_were_placed(self, paths: DataPaths) -> None:
        placed = [order() for _ in range(20)]
        for one in reversed(placed):
            enqueue_work_item(paths, one)
        assert list(waiting_work_items(paths)) == placed

    def test_a_file_that_is_no_order_is_passed_over(self, paths: DataPaths) -> None:
        one = order()
        enqueue_work_item(paths, one)
        (paths.orders / f"{new_id()}.json").write_text("{")
        assert list(waiting_work_items(paths)) == [one]


class TestSlots:
    def test_there_are_as_many_as_were_asked_for(
        self, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "2")
        first, second = acquire_worker_slot(paths), acquire_worker_slot(paths)
        assert first is not None
        assert second is not None
        assert acquire_worker_slot(paths) is None
        assert free_worker_slots(paths) == 0
        first.release()
        assert free_worker_slots(paths) == 1
        second.release()

    def test_a_server_says_how_many_and_the_environment_may_say_otherwise(
        self, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save_limits(paths, WorkerLimits(3, 1 << 30))
        assert load_limits(paths) == WorkerLimits(3, 1 << 30)
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "5")
        assert load_limits(paths) == WorkerLimits(5, 1 << 30)
        for nonsense in ("0", "many", "-1", "²", "99999999"):
            monkeypatch.setenv("JUPYTER_AGENT_WORKERS", nonsense)
            assert load_limits(paths).workers == 3


class TestLauncher:
    def launcher(self, paths: DataPaths, **more: Any) -> tuple[Launcher, list[str]]:
        told: list[str] = []
        return Launcher(paths, lambda _order, why: told.append(why), clock=lambda: 100.0, **more), told

    def reap(self, launcher: Launcher) -> None:
        def idle() -> bool:
            launcher.reap()
            return not launcher.busy

        until(idle)

    def test_a_worker_that_cannot_start_is_told_of_with_its_last_words(
        self, paths: DataPaths, tmp_path: Path
    ) -> None:
        save_run_spec(paths, TASK, call(program(tmp_path / "python", "echo the cable is out >&2; exit 3")))
        enqueue_work_item(paths, order())
        launcher, told = self.launcher(paths)
        assert launcher.launch() == 1
        self.reap(launcher)
        assert told == ["its worker ended with status 3 before it began: the cable is out"]
        assert list(waiting_work_items(paths)) == []

    @pytest.mark.parametrize("what", ["python", "cwd"])
    def test_what_is_not_there_is_named(self, paths: DataPaths, tmp_path: Path, what: str) -> None:
        gone = tmp_path / "gone"
        here = Path(sys.executable)
        save_run_spec(paths, TASK, call(gone if what == "python" else here, gone if what == "cwd" else None))
        enqueue_work_item(paths, order())
        launcher, told = self.launcher(paths)
        launcher.launch()
        assert told == [f"its worker could not be started: {gone}: No such file or directory"]
        assert list(paths.workers.glob("*.log")) == []

    def test_a_worker_without_a_slot_is_tried_again(self, paths: DataPaths, tmp_path: Path) -> None:
        save_run_spec(paths, TASK, call(program(tmp_path / "python", f"exit {NO_SLOT}")))
        enqueue_work_item(paths, order())
        launcher, told = self.launcher(paths)
        for _ in range(2):
            assert launcher.launch() == 1
            self.reap(launcher)
        assert told == []

    def test_it_starts_no_more_than_there_are_slots(
        self, paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "2")
        gate = tmp_path / "gate"
        waits = f"while [ ! -e {gate} ]; do sleep 0.01; done; exit {NO_SLOT}"
        save_run_spec(paths, TASK, call(program(tmp_path / "python", waits)))
        for _ in range(5):
            enqueue_work_item(paths, order())
        launcher, _ = self.launcher(paths)
        assert launcher.launch() == 2
        assert launcher.launch() == 0
        gate.touch()
        self.reap(launcher)

    def test_what_is_young_or_not_due_or_waits_for_another_is_left(self, paths: DataPaths) -> None:
        save_run_spec(paths, TASK, call("/bin/false"))
        first = order(created=99.5)
        for one in (first, order(not_before=200.0), order(after=first.producer)):
            enqueue_work_item(paths, one)
        launcher, _ = self.launcher(paths)
        assert launcher.launch(settled=1.0) == 0
        strict, _ = self.launcher(paths, wants=lambda _one: False)
        assert strict.launch() == 0
        assert launcher.launch() == 1
        self.reap(launcher)

    def test_one_of_before_the_clock_was_set_back_is_not_left(self, paths: DataPaths) -> None:
        save_run_spec(paths, TASK, call("/bin/false"))
        enqueue_work_item(paths, order(created=3700.0))
        launcher, _ = self.launcher(paths)
        assert launcher.launch(settled=1.0) == 1
        self.reap(launcher)

    def test_a_worker_is_told_how_many_there_are_whatever_its_callers_environment_says(
        self, paths: DataPaths, tmp_path: Path
    ) -> None:
        save_limits(paths, WorkerLimits(3))
        python = program(tmp_path / "python", f"echo $JUPYTER_AGENT_WORKERS $4 > {tmp_path}/told; exit 0")
        save_run_spec(paths, TASK, replace(call(python), env={"JUPYTER_AGENT_WORKERS": "1"}))
        enqueue_work_item(paths, order())
        launcher, _ = self.launcher(paths)
        launcher.launch()
        self.reap(launcher)
        assert (tmp_path / "told").read_text() == "1 3\n"

    def test_a_process_starts_its_own_later_when_the_worker_that_should_have_done_so_was_killed(
        self, paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "1")
        slot = acquire_worker_slot(paths)
        assert slot is not None
        save_run_spec(paths, TASK, call("/bin/false"))
        one = order()
        enqueue_work_item(paths, one)
        starter = DetachedStarter(current_producer())
        starter.start(one.producer)
        assert is_waiting(paths, one.producer)
        slot.release()
        until(lambda: not is_waiting(paths, one.producer))

    def test_one_that_another_launcher_starts_at_the_same_moment_is_left_to_that(
        self, paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save_run_spec(paths, TASK, call(program(tmp_path / "python", f"exit {NO_SLOT}")))
        enqueue_work_item(paths, order())
        launcher, told = self.launcher(paths)
        other, _ = self.launcher(paths)
        create = create_private

        def meanwhile(path: Path) -> Any:
            monkeypatch.setattr(launch, "create_private", create)
            assert other.launch() == 1
            return create(path)

        monkeypatch.setattr(launch, "create_private", meanwhile)
        launcher.launch()
        assert told == []
        assert len(list(waiting_work_items(paths))) == 1
        for one in (launcher, other):
            self.reap(one)

    def test_what_another_launcher_has_begun_to_start_comes_last(
        self, paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "4")
        python = program(tmp_path / "python", f"echo $3 >> {tmp_path}/started; exit {NO_SLOT}")
        save_run_spec(paths, TASK, call(python))
        begun, fresh = order(), order()
        for one in (begun, fresh):
            enqueue_work_item(paths, one)
        make_private(paths.workers)
        create_private(log_path(paths, begun.producer)).close()
        launcher, _ = self.launcher(paths)
        assert launcher.launch(most=1) == 1
        self.reap(launcher)
        create_private(log_path(paths, fresh.producer)).close()
        assert launcher.launch(most=1) == 1  # whoever began may be gone
        self.reap(launcher)
        assert (tmp_path / "started").read_text().split() == [fresh.producer, begun.producer]

    def test_a_worker_that_ends_starts_one_whatever_slots_it_sees(
        self, paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "4")
        gate, slot = tmp_path / "gate", acquire_worker_slot(paths)
        assert slot is not None
        waits = f"echo up >> {tmp_path}/started; while [ ! -e {gate} ]; do sleep 0.01; done; exit {NO_SLOT}"
        save_run_spec(paths, TASK, call(program(tmp_path / "python", waits)))
        for _ in range(4):
            enqueue_work_item(paths, order())
        slot.release()
        assert main(new_id()) == 0  # its order was withdrawn
        assert len(list(paths.workers.glob("*.log"))) == 1
        gate.touch()

    def test_a_call_that_is_gone_is_told_of(self, paths: DataPaths) -> None:
        enqueue_work_item(paths, order())
        launcher, told = self.launcher(paths)
        launcher.launch()
        assert told == ["what it should run is not there any more"]


class TestRetries:
    """A worker whose attempt failed, in the moment before it queues the next one."""

    @pytest.fixture
    def failed(self, paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
        monkeypatch.setattr(remote, "SNAPSHOT_AGE", 60.0)
        one = order(attempt=2)
        enqueue_work_item(paths, one)
        spool = Spool.create(paths, header_for(one.producer, "default", 0.0))
        assert claim_work_item(paths, one.producer) is not None
        yield Task(TASK, attempt=2, key="k", state=TaskState.FAILED, producer=one.producer)
        spool.close()

    def with_retries(self, paths: DataPaths, retries: int) -> RunSpec:
        one = replace(call("/bin/false"), retries=retries, about=About("work", key="k"))
        save_run_spec(paths, TASK, one)
        return one

    def session(self, task: Task) -> JournalSession:
        return cast(JournalSession, SimpleNamespace(journal=SimpleNamespace(tasks=lambda key: [task])))

    def test_it_is_not_retried_by_hand_too(self, paths: DataPaths, failed: Task) -> None:
        self.with_retries(paths, 1)
        with pytest.raises(NotNow, match="is being tried again by itself"):
            requeue_task(self.session(failed), paths, "default", failed, "somebody")

    def test_its_key_means_the_attempt_to_come(self, paths: DataPaths, failed: Task) -> None:
        wanted = self.with_retries(paths, 1)
        assert enqueue_task(self.session(failed), paths, "default", wanted) == (failed, False)

    def test_its_key_means_that_in_a_notebook_too(
        self, paths: DataPaths, failed: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.with_retries(paths, 1)
        monkeypatch.setattr(keys, "list_tasks", lambda *_, **__: [failed])
        with keys.reserve_key(current_producer(), "k") as found:
            assert isinstance(found, ja.TaskHandle)

    def test_who_waits_for_it_waits_on(self, paths: DataPaths, failed: Task) -> None:
        self.with_retries(paths, 1)
        assert not RemoteTask(current_producer(), TASK, failed).wait(0.0)

    @pytest.mark.parametrize("why", ["last attempt", "cancelled", "other end", "worker gone"])
    def test_else_it_is_over(self, paths: DataPaths, failed: Task, why: str) -> None:
        self.with_retries(paths, 0 if why == "last attempt" else 1)
        failed.cancel_requested = why == "cancelled"
        if why == "other end":
            failed.state = TaskState.INTERRUPTED
        if why == "worker gone":
            failed.producer = new_id()
        assert RemoteTask(current_producer(), TASK, failed).wait(0.0)


class TestPickling:
    def test_what_cannot_travel_is_named_with_the_way_to_it(self) -> None:
        lock = threading.Lock()

        def uses() -> object:
            return lock

        said: dict[str, Callable[[], object]] = {
            "argument 1['a'][1] (lock)": lambda: pickle_call(print, ({"a": [1, threading.Lock()]},), {}),
            "argument 'where' (generator)": lambda: pickle_call(print, (), {"where": (i for i in "")}),
            "the variable 'lock' that it uses (lock)": lambda: pickle_call(uses, (), {}),
        }
        for where, attempt in said.items():
            with pytest.raises(CannotTravel) as caught:
                attempt()
            assert where in str(caught.value)
            assert "on='thread'" in str(caught.value)
            assert "\n" not in str(caught.value)

    def test_a_submit_that_cannot_travel_leaves_nothing(self, detached: DataPaths) -> None:
        with pytest.raises(CannotTravel):
            ja.task(print, on="detached").submit(threading.Lock())
        assert not detached.orders.exists()
        assert not detached.calls.exists()


class TestWorkers:
    def test_it_says_all_that_it_said_and_its_children_said(
        self, detached: DataPaths, tmp_path: Path
    ) -> None:
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

    def test_a_failure_comes_with_its_traceback(self, detached: DataPaths) -> None:
        def work() -> None:
            raise ValueError("no such colour")

        with pytest.raises(ja.TaskFailed, match="no such colour") as caught:
            ja.task(work, on="detached").submit().result(60)
        assert 'raise ValueError("no such colour")' in caught.value.traceback or "in work" in str(
            caught.value
        )

    def test_one_that_was_killed_goes_on_from_its_checkpoint_by_its_key(
        self, detached: DataPaths, tmp_path: Path
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

    def test_what_one_that_was_killed_has_started_is_ended_but_no_session_of_its_own(
        self, detached: DataPaths
    ) -> None:
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
            for pid in filter(is_running, (child, own)):
                os.kill(pid, signal.SIGKILL)
        assert list(detached.workers.glob("[!.]*.json")) == []

    def test_what_one_that_ended_by_itself_has_started_goes_on(self, detached: DataPaths) -> None:
        def work() -> int:
            return subprocess.Popen(["sleep", "600"]).pid

        child = ja.task(work, on="detached", show=False).submit().result(60)
        try:
            until(lambda: not list(detached.workers.glob("[!.]*.json")))
            sweep_workers(detached)
            assert is_running(child)
        finally:
            os.kill(child, signal.SIGKILL)

    def test_sigterm_from_elsewhere_interrupts_it(self, detached: DataPaths) -> None:
        def work() -> None:
            print("up")
            time.sleep(60)

        handle = ja.task(work, on="detached").submit()
        until(lambda: "up" in handle.logs(), 60)
        producer = handle.events()[-1].producer
        os.kill(worker_pid(detached, producer), signal.SIGTERM)
        assert isinstance(handle.exception(60), ja.TaskInterrupted)
        assert b"SIGTERM" in bytes(handle.events()[-1].data)

    def test_sigterm_while_its_result_is_kept_comes_too_late(
        self, detached: DataPaths, tmp_path: Path
    ) -> None:
        begun, go_on = tmp_path / "begun", tmp_path / "go_on"

        class Large:
            def __reduce__(self) -> tuple[type[int], tuple[int]]:
                begun.touch()
                while not go_on.exists():
                    time.sleep(0.01)
                return int, (5,)

        handle = ja.task(Large, on="detached").submit()
        until(begun.exists, 60)
        os.kill(worker_pid(detached, handle.events()[-1].producer), signal.SIGTERM)
        go_on.touch()
        assert handle.result(60) == 5

    def test_one_that_has_to_end_itself_says_so_and_starts_the_next(
        self, detached: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "1")
        handle = ja.task(os.system, on="detached", timeout=0.1, retries=1).submit("sleep 60")
        until(lambda: handle.state == "running", 60)
        next_one = order()  # of another process
        save_run_spec(detached, TASK, call(program(tmp_path / "python", f"touch {tmp_path}/started")))
        enqueue_work_item(detached, next_one)
        assert isinstance(handle.exception(60), ja.TaskTimeout)
        assert (handle.state, handle.attempt) == ("failed", 1)
        until((tmp_path / "started").exists, 60)

    def test_retries_happen_in_the_worker(self, detached: DataPaths) -> None:
        def work() -> int:
            if ja.current().attempt < 2:
                raise OSError("not yet")
            return ja.current().attempt

        assert ja.task(work, on="detached", retries=1).submit().result(60) == 2

    def test_sigterm_ends_its_pause_though_whoever_started_it_ignores_that(self, detached: DataPaths) -> None:
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
            if is_running(worker):  # it may have kept the end of an attempt when it was told before
                os.kill(worker, signal.SIGTERM)
            return handle.state == "interrupted"

        until(is_over, 60)

    def test_memory_beyond_the_limit_fails_it(
        self, detached: DataPaths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save_limits(detached, WorkerLimits(1, 512 << 20))
        with pytest.raises(ja.TaskFailed, match="MemoryError"):
            ja.task(lambda: len(bytearray(1 << 30)), on="detached").submit().result(60)

    def test_more_than_there_are_slots_run_one_after_the_other_without_a_server(
        self, detached: DataPaths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "1")
        job = ja.task(lambda n: (n, time.time()), on="detached", show=False)
        ends = [handle.result(60) for handle in [job.submit(n) for n in range(3)]]
        assert [n for n, _ in sorted(ends, key=lambda end: end[1])] == [0, 1, 2]

    @pytest.mark.parametrize(
        ("trouble", "end"), [(KeyboardInterrupt(), "cancelled"), (OSError("no room"), "failed")]
    )
    def test_one_that_was_stopped_while_it_was_submitted_does_not_stay_queued(
        self, paths: DataPaths, monkeypatch: pytest.MonkeyPatch, trouble: BaseException, end: str
    ) -> None:
        def hit(there: DataPaths, order: WorkItem) -> None:
            enqueue_work_item(there, order)
            raise trouble

        monkeypatch.setattr("jupyter_agent.notebook.detached_submit.enqueue_work_item", hit)
        with pytest.raises(type(trouble)):
            ja.task(time.sleep, on="detached", show=False).submit(60)
        assert states(emitted()[0].task) == ["queued", end]
        assert list(waiting_work_items(paths)) == []

    def test_it_survives_the_process_that_submitted_it(self, detached: DataPaths, tmp_path: Path) -> None:
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
