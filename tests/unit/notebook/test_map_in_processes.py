"""Items of a map in processes: the grace of the map is theirs, whatever ends it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import jupyter_agent as ja
from jupyter_agent.runtime.local_task import local_tasks
from tests.support.local_kernel import Kernel
from tests.support.runtime import own_producer, until  # noqa: F401


def saves(folder: str, number: int) -> None:
    try:
        (Path(folder) / f"begun-{number}").touch()
        time.sleep(600)
    finally:
        time.sleep(1.0)
        (Path(folder) / f"saved-{number}").touch()


def ignores(folder: str, number: int) -> None:
    while True:
        try:
            (Path(folder) / f"begun-{number}-{os.getpid()}").touch()
            time.sleep(600)
        except BaseException:
            (Path(folder) / f"told-{number}").touch()


def begin(work: Callable[..., object], folder: Path, grace: float | None = None) -> ja.TaskHandle:
    handle = ja.map(work, [str(folder)] * 9, range(9), on="process", limit=2, grace=grace)
    until(lambda: len(list(folder.glob("begun-*"))) == 2, 60)
    return handle


def cancelled(handle: ja.TaskHandle) -> str:
    error = handle.exception(60)
    assert handle.state == "cancelled"
    return str(error)


def names(folder: Path, what: str) -> list[str]:
    return sorted(path.name for path in folder.glob(f"{what}-*"))


def test_the_items_that_run_clean_up_after_a_cancel_and_no_other_begins(tmp_path: Path) -> None:
    handle = begin(saves, tmp_path)
    handle.cancel()
    cancelled(handle)
    assert names(tmp_path, "saved") == ["saved-0", "saved-1"]
    assert names(tmp_path, "begun") == ["begun-0", "begun-1"]


def test_they_do_when_the_task_that_started_the_map_takes_too_long(tmp_path: Path) -> None:
    def parent() -> None:
        handle = begin(saves, tmp_path)
        task = local_tasks.get(ja.current().id)
        assert task is not None
        assert task.attempt is not None
        task.attempt.started = time.monotonic() - 1000  # its time is over when the items have begun
        handle.result()

    handle = ja.task(parent, timeout=100, show=False).submit()
    assert isinstance(handle.exception(60), ja.TaskTimeout)
    until(lambda: names(tmp_path, "saved") == ["saved-0", "saved-1"])


def test_items_that_ignore_it_are_killed_after_the_grace_of_the_map(tmp_path: Path) -> None:
    handle = begin(ignores, tmp_path, grace=0.5)
    handle.cancel()
    assert cancelled(handle).endswith("did not stop in 0.5 s")
    assert_none_runs(tmp_path)


def test_a_second_cancel_ends_them_at_once(tmp_path: Path) -> None:
    handle = begin(ignores, tmp_path, grace=600)
    handle.cancel()
    until(lambda: len(names(tmp_path, "told")) == 2)
    handle.cancel()
    assert cancelled(handle).endswith("stopped by a second cancel")
    assert_none_runs(tmp_path)


def test_a_second_cancel_of_the_task_that_waits_for_the_map_ends_them_at_once(tmp_path: Path) -> None:
    maps: list[ja.TaskHandle] = []

    def parent() -> None:
        maps.append(ja.map(ignores, [str(tmp_path)] * 9, range(9), on="process", limit=2, grace=600))
        try:
            maps[0].result()
        finally:
            maps[0].wait()

    handle = ja.task(parent, grace=600, show=False).submit()
    until(lambda: len(names(tmp_path, "begun")) == 2, 60)
    handle.cancel()
    until(lambda: len(names(tmp_path, "told")) == 2)
    handle.cancel()
    assert cancelled(maps[0]).endswith("stopped by a second cancel")
    assert_none_runs(tmp_path)


def test_the_others_clean_up_when_one_process_dies(tmp_path: Path) -> None:
    handle = ja.map(dies_or_saves, [str(tmp_path)] * 2, range(2), on="process", limit=2)
    assert isinstance(handle.exception(60), ja.TaskFailed)
    assert names(tmp_path, "saved") == ["saved-1"]


def the_last_one_dies(folder: str, number: int) -> None:
    """Process numbers go up."""
    (Path(folder) / f"begun-{os.getpid()}").touch()
    until(lambda: len(names(Path(folder), "begun")) == 2, 60)
    if os.getpid() == max(int(name.removeprefix("begun-")) for name in names(Path(folder), "begun")):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600)


def test_the_map_fails_when_the_process_dies_that_was_started_last(tmp_path: Path) -> None:
    handle = ja.map(the_last_one_dies, [str(tmp_path)] * 2, range(2), on="process", limit=2)
    error = handle.exception(60)
    assert isinstance(error, ja.TaskFailed)
    assert error.type == "BrokenProcessPool"  # says the pool, where it has noticed, or else the map


def dies_or_saves(folder: str, number: int) -> None:
    if number:
        saves(folder, number)
    until((Path(folder) / "begun-1").exists, 60)
    os.kill(os.getpid(), signal.SIGKILL)


def forks(folder: str, number: int) -> None:
    """A child that is forked has Python's own signal handlers, and a program has them too."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    child.terminate()
    child.join()
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (Path(folder) / f"child-{number}").write_text(f"{child.exitcode} {told.stdout.strip()}")


def test_children_of_an_item_have_pythons_own_handlers(tmp_path: Path) -> None:
    ja.map(forks, [str(tmp_path)], range(1), on="process").result(60)
    assert (tmp_path / "child-0").read_text() == f"{-signal.SIGTERM} True"


def test_an_option_that_is_not_possible_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="grace=-1"):
        ja.map(saves, [""], range(1), on="process", grace=-1)


def test_the_stop_button_of_another_cell_leaves_the_items_alone(kernel: Kernel, tmp_path: Path) -> None:
    kernel.cell(
        f"import pathlib\nfolder = pathlib.Path({str(tmp_path)!r})\n"
        "def item(n):\n"
        "    (folder / f'begun-{n}').touch()\n"
        "    while not (folder / 'over').exists():\n"
        "        time.sleep(.01)\n"
        "    return n\n"
        "handle = ja.map(item, range(2), on='process', limit=2)"
    )
    until(lambda: len(names(tmp_path, "begun")) == 2, 60)
    request = kernel.start_cell("print('in')\ntime.sleep(600)")
    kernel.wait_for(lambda m: m["content"].get("text") == "in\n")
    kernel.manager.interrupt_kernel()
    assert kernel.reply(request)["ename"] == "KeyboardInterrupt"
    (tmp_path / "over").touch()
    request = kernel.start_cell("print(handle.result(60))")
    assert kernel.reply(request, 60)["status"] == "ok"
    assert "[0, 1]" in kernel.text_of(request)


def assert_none_runs(folder: Path) -> None:
    for name in names(folder, "begun"):
        pid = int(name.rpartition("-")[2])
        until(lambda pid=pid: not Path(f"/proc/{pid}").exists())  # type: ignore[misc]
