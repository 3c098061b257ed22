"""What a task in a process has started ends with it if it is stopped or dies, and not if it completes."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import jupyter_agent as ja
from jupyter_agent.runtime.local_task import local_tasks
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.system.process_table import has_ended, members
from tests.support.processes import kill_own
from tests.support.runtime import own_producer, recovered, until  # noqa: F401
from tests.support.workers import no_workers_left

GRANDCHILD = (
    "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
)

kept: list[Any] = []
"""What must not be collected while a task runs."""


def start_children() -> dict[str, int]:
    """A program, a program of a program, one that ignores SIGTERM, and a pool."""
    program = subprocess.Popen(["sleep", "600"])
    parent = subprocess.Popen([sys.executable, "-c", GRANDCHILD], stdout=subprocess.PIPE, text=True)
    deaf = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done"], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert deaf.stdout is not None
    grandchild = int(parent.stdout.readline())
    deaf.stdout.readline()
    pool = multiprocessing.get_context("fork").Pool(1)
    kept.extend([program, parent, deaf, pool])
    found = {"program": program.pid, "parent": parent.pid, "grandchild": grandchild, "deaf": deaf.pid}
    return found | {"pool": pool.apply(os.getpid)}


def note(folder: str, found: dict[str, Any]) -> None:
    (Path(folder) / "new").write_text(json.dumps(found))
    (Path(folder) / "new").rename(Path(folder) / "started")


def heeds(folder: str) -> None:
    note(folder, start_children())
    time.sleep(600)


def ignores(folder: str) -> None:
    note(folder, start_children())
    ignores_all()


def ignores_all() -> None:
    while True:
        with contextlib.suppress(BaseException):
            while True:
                try:
                    time.sleep(0.05)
                except BaseException:
                    continue


def be_late() -> None:
    """Have the timeout pass now: what comes before this takes as long as the machine is busy."""
    task = local_tasks.get(ja.current().id)
    assert task is not None
    assert task.attempt is not None
    task.attempt.started = time.monotonic() - 1000


def is_late_and_ignores(folder: str) -> None:
    found = start_children()
    be_late()
    note(folder, found)
    ignores_all()


def keeps_the_lock(folder: str) -> None:
    note(folder, start_children())
    ctypes.PyDLL(None).sleep(600)


def dies(folder: str) -> None:
    note(folder, start_children())
    os.kill(os.getpid(), signal.SIGKILL)


def starts_one_at_its_very_end(folder: str) -> None:
    """As the thread of a pool may do that replaces workers: behind all that the process ends itself."""
    leave = os._exit

    def start() -> None:
        deaf = subprocess.Popen(["sh", "-c", "trap '' TERM; echo; exec sleep 600"], stdout=subprocess.PIPE)
        assert deaf.stdout is not None
        deaf.stdout.readline()
        kept.append(deaf)
        note(folder, {"late": deaf.pid})

    def start_and_leave(status: int) -> None:
        start()
        leave(status)

    atexit.register(start)
    mock.patch.object(os, "_exit", start_and_leave).start()


def is_late_and_starts_one(folder: str) -> None:
    starts_one_at_its_very_end(folder)
    be_late()
    time.sleep(600)


def is_late_and_ignores_and_starts_one(folder: str) -> None:
    starts_one_at_its_very_end(folder)
    be_late()
    ignores_all()


def ignore_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def replaces_workers(folder: str) -> None:
    """A pool whose workers end all the time; nothing ends the pool but its process."""
    pool = multiprocessing.get_context("fork").Pool(3, maxtasksperchild=1)
    kept.append(pool)
    works = pool.imap_unordered(abs, range(10**6))
    next(works)
    note(folder, {"leader": os.getpid()})
    for _ in works:
        pass


def replaces_deaf_workers(folder: str) -> None:
    """A pool whose workers are replaced when they are killed, and only then."""
    pool = multiprocessing.get_context("fork").Pool(3, ignore_sigterm, maxtasksperchild=1)
    kept.append(pool)
    pool.map(abs, range(3))
    note(folder, {"leader": os.getpid()})
    pool.map(time.sleep, [600] * 100, chunksize=1)


def completes(folder: str) -> None:
    note(folder, {"worker": os.getpid(), "program": subprocess.Popen(["sleep", "600"]).pid})


def completes_beside_a_fork(folder: str) -> None:
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    note(folder, {"worker": os.getpid(), "fork": child})


def shares_memory(folder: str) -> None:
    """A tracker, which ignores SIGTERM, removes the memory when all that could use it have ended."""
    memory = SharedMemory(create=True, size=100)
    kept.append(memory)
    note(folder, {"memory": memory.name.lstrip("/")})
    ignores_all()


def started(folder: Path) -> dict[str, Any]:
    until((folder / "started").exists, 60)
    found: dict[str, Any] = json.loads((folder / "started").read_text())
    return found


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Path]:
    """A folder in which the task says what it has started; what is left of that is ended."""
    yield tmp_path
    if (tmp_path / "started").exists():
        for pid in started(tmp_path).values():
            if isinstance(pid, int):
                kill_own(pid)


def all_ended(folder: Path) -> bool:
    return all(map(has_ended, started(folder).values()))


@pytest.mark.parametrize("work", [heeds, ignores, keeps_the_lock])
def test_a_cancel_ends_what_it_has_started(work: Any, children: Path) -> None:
    handle = ja.task(work, on="process", grace=0.3, show=False).submit(str(children))
    started(children)
    handle.cancel()
    assert isinstance(handle.exception(30), ja.TaskCancelled)
    until(lambda: all_ended(children))


def test_a_timeout_ends_what_it_has_started(children: Path) -> None:
    handle = ja.task(is_late_and_ignores, on="process", grace=0.3, timeout=100).submit(str(children))
    assert isinstance(handle.exception(60), ja.TaskTimeout)
    until(lambda: all_ended(children))


def test_one_that_is_killed_leaves_nothing(children: Path) -> None:
    handle = ja.task(dies, on="process", show=False).submit(str(children))
    assert isinstance(handle.exception(30), ja.TaskInterrupted)
    until(lambda: all_ended(children))


@pytest.mark.parametrize("on", ["process", "detached"])
@pytest.mark.parametrize("work", [is_late_and_starts_one, is_late_and_ignores_and_starts_one])
def test_what_the_process_of_a_stopped_task_starts_while_it_ends_ends_too(
    work: Any, on: Any, children: Path, paths: DataPaths
) -> None:
    with no_workers_left(paths):
        handle = ja.task(work, on=on, grace=0.3, timeout=100, show=False).submit(str(children))
        assert isinstance(handle.exception(60), ja.TaskTimeout)
        until(lambda: "late" in started(children))
        until(lambda: all_ended(children))


@pytest.mark.parametrize("on", ["process", "detached"])
@pytest.mark.parametrize("work", [replaces_workers, replaces_deaf_workers])
def test_a_cancel_ends_a_pool_and_the_workers_that_it_makes_meanwhile(
    work: Any, on: Any, children: Path, paths: DataPaths
) -> None:
    with no_workers_left(paths):
        handle = ja.task(work, on=on, grace=0.3, show=False).submit(str(children))
        leader = started(children)["leader"]
        handle.cancel()
        assert isinstance(handle.exception(60), ja.TaskCancelled)
        until(lambda: has_ended(leader))
        until(lambda: not list(members(leader)))


def test_a_detached_worker_that_is_killed_leaves_nothing_without_a_server(
    children: Path, paths: DataPaths
) -> None:
    with no_workers_left(paths):
        ja.task(dies, on="detached", show=False).submit(str(children))
        started(children)
        until(lambda: all_ended(children))


@pytest.mark.parametrize("on", ["process", "detached"])
@pytest.mark.parametrize("work", [completes, completes_beside_a_fork])
def test_what_a_completed_task_has_started_goes_on_and_its_worker_ends(
    work: Any, on: Any, children: Path, paths: DataPaths
) -> None:
    with no_workers_left(paths):
        ja.task(work, on=on, show=False).submit(str(children)).result(60)
        until(lambda: has_ended(started(children)["worker"]))
        assert not all_ended(children)


@pytest.mark.parametrize("on", ["process", "detached"])
def test_the_tracker_of_shared_memory_is_left_to_do_its_work(
    on: Any, children: Path, paths: DataPaths
) -> None:
    with no_workers_left(paths):
        handle = ja.task(shares_memory, on=on, grace=0.3, show=False).submit(str(children))
        memory = Path("/dev/shm", started(children)["memory"])
        assert memory.exists()
        handle.cancel()
        assert isinstance(handle.exception(30), ja.TaskCancelled)
        until(lambda: not memory.exists())


SCRIPT = """
import os, sys, jupyter_agent as ja
from pathlib import Path
from tests.unit.runtime.test_process_children import ignores

if __name__ == "__main__":
    handle = ja.task(ignores, on="process", show=False).submit(sys.argv[1])
    while not (Path(sys.argv[1]) / "started").exists():
        handle.wait(0.02)
    print(handle.id, flush=True)
    sys.argv[2] == "exits" or os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("how", ["exits", "is killed"])
def test_a_script_that_ends_leaves_nothing(how: str, children: Path) -> None:
    """One that exits ends it; what one that is killed has left, the next holder of its journal does."""
    command = [sys.executable, "-c", SCRIPT, str(children), how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert started(children)
    assert recovered(children, done.stdout.strip())[-1]["data"]["state"] == "interrupted"
    until(lambda: all_ended(children))
