"""The time to clean up after a cancel: the same for every kind of task, and what ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import Event, Stopping, decode_data
from jupyter_agent.detached.worker_slots import WorkerLimits, load_grace, save_limits
from jupyter_agent.errors import BadTarget
from jupyter_agent.runtime.local_task import local_tasks
from jupyter_agent.runtime.stopping import course, report
from jupyter_agent.system.graces import GRACE
from jupyter_agent.system.paths import DataPaths
from tests.support.local_kernel import Kernel
from tests.support.runtime import emitted, own_producer, recovered, spooled, until  # noqa: F401
from tests.support.workers import no_workers_left, worker_pid

KINDS = ["thread", "process", "detached"]
CLEAN_UP = 2.4
"""Seconds: longer than the two after which a thread is interrupted, and than a forced end took before."""


@pytest.fixture(autouse=True)
def workers_end(paths: DataPaths) -> Iterator[None]:
    with no_workers_left(paths):
        yield


def saves_at_its_end(folder: str, begin: Callable[[], None] = lambda: None) -> None:
    try:
        (Path(folder) / "begun").touch()
        begin()  # from here on, it may be stopped
        time.sleep(600)
    finally:
        end = time.monotonic() + CLEAN_UP
        while time.monotonic() < end:
            time.sleep(0.01)
        (Path(folder) / "saved").touch()


def is_late_and_saves(folder: str) -> None:
    """Its time is over when it has begun: what comes before takes as long as the machine is busy."""
    saves_at_its_end(folder, be_late)


def be_late() -> None:
    task = local_tasks.get(ja.current().id)
    assert task is not None
    assert task.attempt is not None
    task.attempt.started = time.monotonic() - 1000


def ignores_everything(folder: str) -> None:
    """Also what is raised just before a ``try`` or just after it."""
    while True:
        with contextlib.suppress(BaseException):
            while True:
                try:
                    (Path(folder) / "begun").touch()
                    time.sleep(0.05)
                except BaseException:
                    continue


def begin(work: Callable[..., Any], folder: Path, **options: Any) -> ja.TaskHandle:
    handle = ja.task(work, show=False, **options).submit(str(folder))
    until((folder / "begun").exists, 60)
    return handle


def reason_of(handle: ja.TaskHandle) -> str:
    error = handle.exception(30)
    assert isinstance(error, (ja.TaskCancelled, ja.TaskTimeout))
    return str(error)


@pytest.mark.parametrize("on", KINDS)
def test_a_cancelled_task_of_any_kind_has_time_to_save(on: str, tmp_path: Path) -> None:
    handle = begin(saves_at_its_end, tmp_path, on=on)
    handle.cancel()
    assert isinstance(handle.exception(30), ja.TaskCancelled)
    assert (tmp_path / "saved").exists()
    assert "did not stop" not in reason_of(handle)


@pytest.mark.parametrize("on", KINDS)
def test_a_task_that_is_too_slow_has_the_same_time(on: str, tmp_path: Path) -> None:
    handle = begin(is_late_and_saves, tmp_path, on=on, timeout=100)
    assert isinstance(handle.exception(30), ja.TaskTimeout)
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize("on", ["process", "detached"])
def test_what_ignores_the_cancel_is_killed_after_its_grace_and_says_so(on: str, tmp_path: Path) -> None:
    handle = begin(ignores_everything, tmp_path, on=on, grace=0.3)
    handle.cancel()
    assert reason_of(handle).endswith("did not stop in 0.3 s, killed")


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_second_cancel_ends_it_at_once(on: str, tmp_path: Path) -> None:
    handle = begin(ignores_everything, tmp_path, on=on, grace=300)
    handle.cancel()
    assert not handle.wait(0.3)
    handle.cancel()
    assert reason_of(handle).endswith("killed by a second cancel")


def notices_both(folder: str) -> None:
    try:
        (Path(folder) / "begun").touch()
        time.sleep(600)
    finally:
        try:
            (Path(folder) / "cleans").touch()
            time.sleep(600)
        finally:
            (Path(folder) / "hastened").touch()


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_second_cancel_reaches_the_clean_up_before_it_is_killed(on: str, tmp_path: Path) -> None:
    handle = begin(notices_both, tmp_path, on=on, grace=300)
    handle.cancel()
    until((tmp_path / "cleans").exists, 60)
    handle.cancel()
    assert reason_of(handle).endswith("killed by a second cancel")
    assert (tmp_path / "hastened").exists()


def worker_of(handle: ja.TaskHandle) -> tuple[Path, int]:
    """Return the file that says how the worker is to stop, and its pid."""
    root = Path(os.environ["JUPYTER_AGENT_DIR"])
    producer = ja.attach(handle.id)._source.snapshot().producer or ""
    return root / "workers" / f"{producer}.stop", worker_pid(DataPaths(root), producer)


def ask_by_signal(order: Path, pid: int, content: bytes) -> None:
    """Cancel as the command line does without a server, which waits for the end."""
    order.write_bytes(content)
    os.kill(pid, signal.SIGTERM)


def test_a_signal_that_repeats_a_cancel_is_no_second_one(tmp_path: Path) -> None:
    handle = begin(saves_at_its_end, tmp_path, on="detached")
    order, pid = worker_of(handle)  # looked for once: that takes as long as the machine is busy
    for _ in range(3):
        ask_by_signal(order, pid, b"")
        time.sleep(0.2)  # signals that come at the same time are one
    assert isinstance(handle.exception(30), ja.TaskCancelled)
    assert (tmp_path / "saved").exists()


def test_a_second_cancel_of_a_thread_does_not_wait_for_its_clean_up(tmp_path: Path) -> None:
    def work(folder: str) -> None:
        try:
            (Path(folder) / "begun").touch()
            time.sleep(600)
        finally:
            for _ in range(60_000):
                time.sleep(0.01)

    handle = begin(work, tmp_path, grace=300)
    handle.cancel()
    assert not handle.wait(0.3)
    handle.cancel()
    assert reason_of(handle).endswith("stopped by a second cancel")


def test_a_second_cancel_goes_down(tmp_path: Path) -> None:
    """The parent waits in its clean-up for the child, which has ten minutes for its own."""

    def child(folder: str) -> None:
        ignores_everything(folder)

    def parent(folder: str) -> None:
        inner = ja.task(child, name="child", on="process", grace=600, show=False).submit(folder)
        try:
            inner.result()
        finally:
            inner.wait()

    handle = begin(parent, tmp_path, grace=600)
    (inner,) = [task for task in local_tasks.all() if task.options.name == "child"]
    handle.cancel()
    assert not inner.completion.wait(0.3)
    handle.cancel()
    assert inner.completion.wait(20)
    assert reason_of(ja.attach(inner.id)).endswith("killed by a second cancel")


def tracks(folder: str) -> None:
    try:
        for step in ja.track(range(10_000_000)):
            if step == 10:
                (Path(folder) / "begun").touch()
            time.sleep(0.001)
    finally:
        end = time.monotonic() + CLEAN_UP
        while time.monotonic() < end:
            time.sleep(0.001)
        (Path(folder) / "saved").touch()


@pytest.mark.parametrize("work", [saves_at_its_end, tracks])
def test_a_task_in_an_executor_has_the_same_time(work: Callable[[str], None], tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        handle = begin(work, tmp_path, on=pool)
        handle.cancel()
        assert isinstance(handle.exception(30), ja.TaskCancelled)
    assert (tmp_path / "saved").exists()


def test_a_coroutine_may_clean_up_too(tmp_path: Path) -> None:
    async def work(folder: str) -> None:
        try:
            (Path(folder) / "begun").touch()
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(CLEAN_UP)
            (Path(folder) / "saved").touch()

    handle = begin(work, tmp_path)
    handle.cancel()
    assert isinstance(handle.exception(30), ja.TaskCancelled)
    assert (tmp_path / "saved").exists()


def stopping_of(events: list[Event]) -> list[Stopping]:
    found = [decode_data(event) for event in events if event.type == "stopping"]
    return [one for one in found if isinstance(one, Stopping)]


def test_a_thread_that_cannot_be_killed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "LOOK_INTERVAL", 0.1)
    over = tmp_path / "over"

    def work(folder: str) -> None:
        (Path(folder) / "begun").touch()
        while not over.exists():
            try:
                time.sleep(0.05)
            except BaseException:
                continue

    handle = begin(work, tmp_path, grace=2.5)
    handle.cancel()
    until(lambda: any(one.note for one in stopping_of(emitted(handle.id))))
    over.touch()
    handle.wait(20)
    first, last = stopping_of(emitted(handle.id))[0], stopping_of(emitted(handle.id))[-1]
    assert first.why == "cancel"
    assert first.seconds is not None
    assert 0 < first.seconds <= 2.5
    assert last.note is not None
    assert last.note.startswith("a thread cannot be killed")
    assert last.seconds == 0


def test_a_timeout_says_why_it_stops(tmp_path: Path) -> None:
    handle = begin(saves_at_its_end, tmp_path, timeout=0.2)
    handle.wait(20)
    (said, *_) = stopping_of(emitted(handle.id))
    assert (said.why, said.note) == ("timeout", "it ran longer than its timeout of 0.2 s")


def test_what_stops_soon_says_nothing_of_it(tmp_path: Path) -> None:
    def work(folder: str) -> None:
        (Path(folder) / "begun").touch()
        time.sleep(600)

    handle = begin(work, tmp_path)
    handle.cancel()
    handle.wait(20)
    assert stopping_of(emitted(handle.id)) == []


def waits_in_c(folder: str) -> None:
    release = os.open(Path(folder) / "release", os.O_RDWR)
    (Path(folder) / "begun").touch()
    try:
        select.select([release], [], [])
    finally:
        select.select([release], [], [])


@pytest.mark.parametrize("on", KINDS)
def test_a_cancel_that_cannot_bite_names_the_line_it_waits_in(on: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "release")
    handle = begin(waits_in_c, tmp_path, on=on)
    handle.cancel()
    until(lambda: stopping_of(spooled_events(tmp_path, handle.id)), 60)
    (tmp_path / "release").write_text("go on")
    first = waits_in_c.__code__.co_firstlineno
    line = first + (4 if on == "thread" else 6)  # a signal ends the first wait
    said = stopping_of(spooled_events(tmp_path, handle.id))[0]
    assert said.where == f"in `select.select`, test_grace.py, line {line}"
    assert said.since is not None
    assert handle.wait(60)


def spooled_events(folder: Path, task: str) -> list[Event]:
    return [event for event in spooled(folder) if event.task == task]


@pytest.mark.parametrize(
    ("grace", "sentence"),
    [
        (-1, "grace=-1.0: a grace is a number of seconds from 0 to 86,400, such as 15"),
        (float("nan"), "grace=nan: a grace is a number of seconds from 0 to 86,400, such as 15"),
        (1e9, "grace=1000000000.0: a grace is a number of seconds from 0 to 86,400, such as 15"),
        ("15", "grace='15' is not a number of seconds, such as 15 or 0.5"),
        (True, "grace=True is not a number of seconds, such as 15 or 0.5"),
    ],
)
def test_a_grace_that_is_not_possible_is_one_sentence(grace: Any, sentence: str) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        ja.task(max, grace=grace)
    assert str(error.value) == sentence
    with pytest.raises((ValueError, TypeError)) as error:
        ja.task(max).options(grace=grace)
    assert str(error.value) == sentence


def test_the_setting_and_what_goes_before_it(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_grace(paths, None) == GRACE == 15
    save_limits(paths, WorkerLimits(2, 0, 7.0))
    assert load_grace(paths, None) == 7
    monkeypatch.setenv("JUPYTER_AGENT_GRACE", "3.5")
    assert load_grace(paths, None) == 3.5
    assert load_grace(paths, 0) == 0
    monkeypatch.setenv("JUPYTER_AGENT_GRACE", "long")
    with pytest.raises(BadTarget, match="JUPYTER_AGENT_GRACE='long': a grace is a number of seconds"):
        load_grace(paths, None)


def test_a_stop_has_its_steps_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("jupyter_agent.runtime.stopping.course.time.monotonic", lambda: now)
    stop = course.StopCourse(15.0)
    assert stop.due() is None
    stop.begin("cancel")
    assert (stop.left, stop.due()) == (15.0, None)
    now = 102.0
    assert (stop.due(), stop.due()) == (course.Step.INTERRUPT, None)
    now = 114.9
    assert stop.due() is None
    assert stop.how_it_ended(kills=True) is None
    now = 115.0
    assert (stop.due(), stop.due(), stop.left) == (course.Step.FORCE, None, 0.0)
    assert stop.how_it_ended(kills=True) == "did not stop in 15 s, killed"
    assert stop.how_it_ended(kills=False) == "did not stop in 15 s"
    now = 116.0
    assert stop.due() is course.Step.FORCE


@pytest.mark.parametrize("on", KINDS)
def test_a_function_of_a_notebook_names_its_cell(on: str, kernel: Kernel, tmp_path: Path) -> None:
    """It waits until its place was said, however long that takes."""
    os.mkfifo(tmp_path / "end")
    kernel.cell(f"import os, select, pathlib, time, jupyter_agent as ja\nfolder = {str(tmp_path)!r}")
    kernel.cell(IN_A_CELL)
    kernel.cell(f"task = ja.task(waits, on={on!r}, show=False).submit(folder)")
    until((tmp_path / "begun").exists, 60)
    request = kernel.start_cell(UNTIL_IT_IS_SAID)
    kernel.reply(request, 90)
    assert "in `select.select`, cell [3], line" in kernel.text_of(request)


IN_A_CELL = """
def waits(folder):
    end = os.open(folder + '/end', os.O_RDWR)
    pathlib.Path(folder, 'begun').touch()
    try:
        select.select([end], [], [])
    finally:
        select.select([end], [], [])
"""

UNTIL_IT_IS_SAID = """
def said():
    return [bytes(event.data) for event in task.events() if event.type == 'stopping']

task.cancel()
while not task.state.ended and not any(b'select.select' in one for one in said()):
    time.sleep(0.05)
print(said())
pathlib.Path(folder, 'end').write_bytes(b'x')
task.wait(30)
"""


def test_a_coroutine_that_blocks_the_loop_names_its_line(kernel: Kernel) -> None:
    request = kernel.start_cell(
        "import asyncio, os, select, threading, jupyter_agent as ja\n"
        "pipe, _ = os.pipe()\n"
        "async def blocks():\n"
        "    threading.Timer(0.1, cancel).start()\n"
        "    select.select([pipe], [], [], 1.5)\n"
        "def cancel():\n"
        "    task.cancel()\n"
        "task = ja.task(blocks, on='loop', show=False).submit()\n"
        "await asyncio.sleep(2)\n"
        "print([bytes(e.data) for e in task.events() if e.type == 'stopping'])"
    )
    kernel.reply(request, 60)
    assert "in `select.select`, cell [2], line 5" in kernel.text_of(request)


def test_a_cell_that_is_cancelled_has_the_same_time(kernel: Kernel) -> None:
    kernel.cell(
        "import threading, time, jupyter_agent as ja\n"
        "from jupyter_agent.runtime.local_task import local_tasks\n"
        "def cancel():\n"
        "    [task] = [one for one in local_tasks.all() if not one.fold.state.ended]\n"
        "    task.cancel()\n"
    )
    request = kernel.start_cell(
        "%%task\n"
        "threading.Timer(0.3, cancel).start()\n"
        "try:\n"
        "    time.sleep(600)\n"
        "finally:\n"
        "    time.sleep(2.4)\n"
        "    print('saved')"
    )
    assert kernel.reply(request, 60)["ename"] == "Stopped"
    assert "saved" in kernel.text_of(request)
