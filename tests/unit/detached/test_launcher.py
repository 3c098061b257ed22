"""The launcher: which items it starts workers for, and what it reports of those that do not start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_agent.detached import launcher as launcher_module
from jupyter_agent.detached.launcher import NO_SLOT, Launcher
from jupyter_agent.detached.run_spec import save_run_spec
from jupyter_agent.detached.work_queue import (
    enqueue_work_item,
    log_path,
    waiting_work_items,
)
from jupyter_agent.detached.work_state import is_waiting
from jupyter_agent.detached.worker_slots import (
    WorkerLimits,
    acquire_worker_slot,
    save_limits,
)
from jupyter_agent.notebook.detached_submit import DetachedStarter
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.system.files import create_private, make_private
from jupyter_agent.system.ids import new_id
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
    save_run_spec(paths, TASK, run_spec(program(tmp_path / "python", f"exit {NO_SLOT}")))
    enqueue_work_item(paths, work_item())
    launcher, reasons = make_launcher(paths)
    other, _ = make_launcher(paths)
    create = create_private

    def meanwhile(path: Path) -> Any:
        monkeypatch.setattr(launcher_module, "create_private", create)
        assert other.launch() == 1
        return create(path)

    monkeypatch.setattr(launcher_module, "create_private", meanwhile)
    launcher.launch()
    assert reasons == []
    assert len(list(waiting_work_items(paths))) == 1
    for one in (launcher, other):
        reap(one)


def test_an_item_that_another_launcher_has_begun_to_start_comes_last(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "4")
    python = program(tmp_path / "python", f"echo $4 >> {tmp_path}/started; exit {NO_SLOT}")
    save_run_spec(paths, TASK, run_spec(python))
    begun, fresh = work_item(), work_item()
    for one in (begun, fresh):
        enqueue_work_item(paths, one)
    make_private(paths.workers)
    create_private(log_path(paths, begun.producer)).close()
    launcher, _ = make_launcher(paths)
    assert launcher.launch(limit=1) == 1
    reap(launcher)
    create_private(log_path(paths, fresh.producer)).close()
    assert launcher.launch(limit=1) == 1  # whoever began may be gone
    reap(launcher)
    assert (tmp_path / "started").read_text().split() == [fresh.producer, begun.producer]


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
