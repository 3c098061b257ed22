"""The launcher: which items it starts workers for, and what it reports of those that do not start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_agent.detached.launcher import NO_SLOT, Launcher
from jupyter_agent.detached.run_spec import save_run_spec
from jupyter_agent.detached.work_queue import (
    claim_work_item,
    enqueue_work_item,
    waiting_work_items,
)
from jupyter_agent.detached.work_state import WorkState, is_waiting, state_of
from jupyter_agent.detached.worker_slots import (
    WorkerLimits,
    acquire_worker_slot,
    save_limits,
)
from jupyter_agent.notebook.detached_submit import DetachedStarter
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.locks import FileLock
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.worker.detached import main
from tests.support.builders import TASK
from tests.support.detached import program, run_spec, work_item
from tests.support.runtime import own_producer, until  # noqa: F401


def make_launcher(paths: DataPaths, **more: Any) -> tuple[Launcher, list[str]]:
    reasons: list[str] = []
    return Launcher(paths, lambda _item, why: reasons.append(why), clock=lambda: 100.0, **more), reasons


def reap(launcher: Launcher) -> None:
    def idle() -> bool:
        launcher.reap()
        return not launcher.busy

    until(idle)


def test_a_worker_that_cannot_start_is_reported_with_its_last_line(paths: DataPaths, tmp_path: Path) -> None:
    save_run_spec(paths, TASK, run_spec(program(tmp_path / "python", "echo the cable is out >&2; exit 3")))
    enqueue_work_item(paths, work_item())
    launcher, reasons = make_launcher(paths)
    assert launcher.launch() == 1
    reap(launcher)
    assert reasons == ["its worker ended with status 3 before it began: the cable is out"]
    assert list(waiting_work_items(paths)) == []


@pytest.mark.parametrize("what", ["python", "cwd"])
def test_what_is_not_there_is_named(paths: DataPaths, tmp_path: Path, what: str) -> None:
    gone = tmp_path / "gone"
    here = Path(sys.executable)
    save_run_spec(paths, TASK, run_spec(gone if what == "python" else here, gone if what == "cwd" else None))
    enqueue_work_item(paths, work_item())
    launcher, reasons = make_launcher(paths)
    launcher.launch()
    assert reasons == [f"its worker could not be started: {gone}: No such file or directory"]
    assert list(paths.workers.glob("*.log")) == []


def test_a_worker_without_a_slot_is_tried_again(paths: DataPaths, tmp_path: Path) -> None:
    save_run_spec(paths, TASK, run_spec(program(tmp_path / "python", f"exit {NO_SLOT}")))
    enqueue_work_item(paths, work_item())
    launcher, reasons = make_launcher(paths)
    for _ in range(2):
        assert launcher.launch() == 1
        reap(launcher)
    assert reasons == []


def test_it_starts_no_more_than_there_are_slots(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "2")
    gate = tmp_path / "gate"
    waits = f"while [ ! -e {gate} ]; do sleep 0.01; done; exit {NO_SLOT}"
    save_run_spec(paths, TASK, run_spec(program(tmp_path / "python", waits)))
    for _ in range(5):
        enqueue_work_item(paths, work_item())
    launcher, _ = make_launcher(paths)
    assert launcher.launch() == 2
    assert launcher.launch() == 0
    gate.touch()
    reap(launcher)


def test_an_item_that_is_young_or_not_due_or_blocked_is_left(paths: DataPaths) -> None:
    save_run_spec(paths, TASK, run_spec("/bin/false"))
    first = work_item(created=99.5)
    for one in (first, work_item(not_before=200.0), work_item(after=first.producer)):
        enqueue_work_item(paths, one)
    launcher, _ = make_launcher(paths)
    assert launcher.launch(settled=1.0) == 0
    strict, _ = make_launcher(paths, wants=lambda _one: False)
    assert strict.launch() == 0
    assert launcher.launch() == 1
    reap(launcher)


def test_an_item_enqueued_before_the_clock_was_set_back_is_started(paths: DataPaths) -> None:
    save_run_spec(paths, TASK, run_spec("/bin/false"))
    enqueue_work_item(paths, work_item(created=3700.0))
    launcher, _ = make_launcher(paths)
    assert launcher.launch(settled=1.0) == 1
    reap(launcher)


def test_a_worker_gets_the_launchers_limit_not_that_of_its_callers_environment(
    paths: DataPaths, tmp_path: Path
) -> None:
    save_limits(paths, WorkerLimits(3))
    python = program(tmp_path / "python", f"echo $JUPYTER_AGENT_WORKERS $5 > {tmp_path}/limits; exit 0")
    save_run_spec(paths, TASK, replace(run_spec(python), env={"JUPYTER_AGENT_WORKERS": "1"}))
    enqueue_work_item(paths, work_item())
    launcher, _ = make_launcher(paths)
    launcher.launch()
    reap(launcher)
    assert (tmp_path / "limits").read_text() == "1 3\n"


def test_a_process_starts_its_own_later_when_the_worker_that_should_have_done_so_was_killed(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "1")
    slot = acquire_worker_slot(paths)
    assert slot is not None
    save_run_spec(paths, TASK, run_spec("/bin/false"))
    one = work_item()
    enqueue_work_item(paths, one)
    starter = DetachedStarter(current_producer())
    starter.start(one.producer)
    assert is_waiting(paths, one.producer)
    slot.release()
    until(lambda: not is_waiting(paths, one.producer))


def test_of_two_launchers_at_the_same_moment_one_starts_the_worker(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = f"while [ ! -e {tmp_path}/gate ]; do sleep 0.01; done; exit {NO_SLOT}"
    save_run_spec(paths, TASK, run_spec(program(tmp_path / "python", waits)))
    enqueue_work_item(paths, work_item())
    launcher, reasons = make_launcher(paths)
    other, _ = make_launcher(paths)
    acquire = FileLock.acquire

    def meanwhile(path: Path) -> Any:
        monkeypatch.setattr(FileLock, "acquire", acquire)
        assert other.launch() == 1
        return acquire(path)

    monkeypatch.setattr(FileLock, "acquire", meanwhile)
    assert launcher.launch() == 0
    assert reasons == []
    assert len(list(waiting_work_items(paths))) == 1
    (tmp_path / "gate").touch()
    for one in (launcher, other):
        reap(one)


class Starts:
    """Workers that say that they have started, and wait for a gate; then they found no slot."""

    def __init__(self, paths: DataPaths, folder: Path) -> None:
        self._started, self._gate = folder / "started", folder / "gate"
        waits = f"while [ ! -e {self._gate} ]; do sleep 0.01; done; exit {NO_SLOT}"
        python = program(folder / "python", f"echo $4 >> {self._started}; {waits}")
        save_run_spec(paths, TASK, run_spec(python))
        self.items = [work_item() for _ in range(3)]
        for item in self.items:
            enqueue_work_item(paths, item)

    def numbers(self, count: int) -> list[int]:
        """The items for which workers were started, once there are *count*."""
        producers = [item.producer for item in self.items]
        until(lambda: self._started.exists() and len(self._started.read_text().split()) >= count)
        return [producers.index(producer) for producer in self._started.read_text().split()]

    def open_gate(self) -> None:
        self._gate.touch()


def test_a_worker_that_another_launcher_is_starting_takes_a_slot(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "2")
    starts = Starts(paths, tmp_path)
    launcher, other = make_launcher(paths)[0], make_launcher(paths)[0]
    assert launcher.launch(limit=1) == 1
    assert other.launch() == 1
    assert other.launch() == launcher.launch() == 0
    assert sorted(starts.numbers(2)) == [0, 1]
    starts.open_gate()
    for one in (launcher, other):
        reap(one)


def test_an_item_whose_worker_found_no_slot_is_the_next_again_for_every_launcher(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before the launcher that has started that worker has seen its end."""
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "1")
    starts = Starts(paths, tmp_path)
    launcher, other = make_launcher(paths)[0], make_launcher(paths)[0]
    assert launcher.launch() == 1
    assert starts.numbers(1) == [0]
    starts.open_gate()
    until(lambda: state_of(paths, starts.items[0].producer) is WorkState.WAITING)
    assert other.launch() == 1
    assert starts.numbers(2) == [0, 0]
    for one in (launcher, other):
        reap(one)


def test_a_slot_is_taken_once_by_a_worker_that_has_it_and_has_claimed_its_item(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "2")
    save_run_spec(paths, TASK, run_spec("/bin/false"))
    running = work_item()
    for one in (running, work_item()):
        enqueue_work_item(paths, one)
    spool = Spool.create(paths, header_for(running.producer, "default", 0.0))
    slot = acquire_worker_slot(paths)
    assert slot is not None
    assert claim_work_item(paths, running.producer) is not None
    launcher, _ = make_launcher(paths)
    assert launcher.launch() == 1
    reap(launcher)
    spool.close()
    slot.release()


def test_a_worker_that_ends_starts_one_however_many_slots_are_free(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "4")
    gate, slot = tmp_path / "gate", acquire_worker_slot(paths)
    assert slot is not None
    waits = f"echo up >> {tmp_path}/started; while [ ! -e {gate} ]; do sleep 0.01; done; exit {NO_SLOT}"
    save_run_spec(paths, TASK, run_spec(program(tmp_path / "python", waits)))
    for _ in range(4):
        enqueue_work_item(paths, work_item())
    slot.release()
    assert main(new_id()) == 0  # its order was withdrawn
    assert len(list(paths.workers.glob("*.log"))) == 1
    gate.touch()


def test_a_missing_run_spec_is_reported(paths: DataPaths) -> None:
    enqueue_work_item(paths, work_item())
    launcher, reasons = make_launcher(paths)
    launcher.launch()
    assert reasons == ["its run spec was deleted"]
