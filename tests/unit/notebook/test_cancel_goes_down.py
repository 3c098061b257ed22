"""A cancel reaches what a task waits for: children, items of a map, `time.sleep`; but not its clean-up."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.runtime.local_task import local_tasks
from jupyter_agent.runtime.stopping import sleep as sleep_module
from jupyter_agent.system.graces import GRACE
from tests.support.runtime import own_producer, run_script, until  # noqa: F401

LONG = 600.0


def forever() -> None:
    while True:
        time.sleep(LONG)


def child_of(name: str) -> ja.TaskHandle:
    until(lambda: any(task.options.name == name for task in local_tasks.all()))
    handle = task_named(name)
    until(lambda: handle.state == "running", 60)
    return handle


def task_named(name: str) -> ja.TaskHandle:
    (found,) = [task for task in local_tasks.all() if task.options.name == name]
    return ja.attach(found.id)


def cancelled(handle: ja.TaskHandle) -> bool:
    return handle.wait(20) and handle.state == "cancelled"


@pytest.mark.parametrize("on", ["thread", "process"])
@pytest.mark.parametrize("ask", ["result", "wait", "exception"])
def test_a_parent_that_waits_for_its_child_ends_with_it(on: Any, ask: str) -> None:
    def parent() -> object:
        return getattr(ja.task(forever, on=on, name="child").submit(), ask)()

    handle = ja.submit(parent)
    child = child_of("child")
    handle.cancel()
    assert cancelled(handle)
    assert cancelled(child)


def test_a_timeout_of_the_parent_goes_down_too() -> None:
    handle = ja.task(lambda: ja.task(forever, name="child").submit().result(), timeout=0.3).submit()
    assert isinstance(handle.exception(20), ja.TaskTimeout)
    assert cancelled(task_named("child"))


def test_a_child_that_is_not_waited_for_is_cancelled_and_a_childs_cancel_is_an_error_of_the_parent() -> None:
    def parent() -> str:
        ja.task(forever, name="left").submit()
        other = ja.task(forever, name="other").submit()
        other.cancel()
        try:
            other.result()
        except Exception as error:
            ja.current().log(type(error).__name__)
        ja.current().progress(1)
        forever()
        return ""

    handle = ja.submit(parent)
    child = child_of("left")
    until(lambda: handle.progress is not None)
    handle.cancel()
    assert cancelled(handle)
    assert cancelled(child)
    assert handle.logs() == "CancelledTaskError\n"


def test_a_sleep_in_a_task_wakes_at_once() -> None:
    handle = ja.submit(forever)
    until(lambda: handle.state == "running")
    start = time.monotonic()
    handle.cancel()
    assert cancelled(handle)
    assert time.monotonic() - start < GRACE / 2  # long before the attempt would be forced


IMPORTED = """
from time import sleep
import jupyter_agent as ja

def work():
    sleep(600)

if __name__ == "__main__":
    for given in ((work,), (sleep, 600)):
        handle = ja.submit(*given)
        while handle.state == "queued":
            handle.wait(0.01)
        handle.cancel()
        print(handle.wait(10) and handle.state)
"""


def test_so_does_one_that_was_imported_by_its_name_or_submitted_before_the_first_task(tmp_path: Path) -> None:
    assert run_script(tmp_path, IMPORTED).stdout.split() == ["cancelled"] * 2


def test_a_clean_up_sleeps_and_waits_to_its_end() -> None:
    saved: list[object] = []

    def work() -> None:
        try:
            ja.current().progress(1)
            forever()
        finally:
            before = time.monotonic()
            time.sleep(0.3)
            saved.append(time.monotonic() - before >= 0.3)
            saved.append(ja.submit(lambda: "saved").result())

    handle = ja.submit(work)
    until(lambda: handle.progress is not None)
    handle.cancel()
    assert cancelled(handle)
    assert saved == [True, "saved"]


@pytest.mark.parametrize("on", ["thread", "process"])
def test_a_cancelled_map_stops_its_items(on: Any, tmp_path: Path) -> None:
    handle = ja.map(note_and_wait, [str(tmp_path / "a"), str(tmp_path / "b")], on=on, limit=2)
    until(lambda: len(list(tmp_path.glob("[ab]"))) == 2, 60)
    start = time.monotonic()
    handle.cancel()
    assert cancelled(handle)
    assert time.monotonic() - start < 15


def note_and_wait(path: str) -> None:
    Path(path).touch()
    time.sleep(LONG)


def test_sleep_outside_tasks_is_the_builtins(monkeypatch: pytest.MonkeyPatch) -> None:
    ja.submit(lambda: None).result(20)
    assert time.sleep is sleep_module.sleep
    for wrong in (-1, "x", None):
        with pytest.raises((ValueError, TypeError)):
            time.sleep(wrong)  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(time.sleep)) is time.sleep
    content = pickle.dumps([sleep_module._builtin, len, [].append])
    code = f"import pickle, time; assert pickle.loads({content!r})[0] is time.sleep"
    subprocess.run([sys.executable, "-c", code], check=True)
    with ThreadPoolExecutor() as pool:
        pool.submit(time.sleep, 0.06).result(20)
