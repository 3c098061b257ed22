"""Strangers that have the number of a process that was remembered: run in a PID namespace, where a number
can be had again at once. Prints how each case ended: with the name of a signal, or with none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from nbformat.v4 import new_notebook

from jupyter_agent.core.events import State, TaskState
from jupyter_agent.journal.one_shot.worker_stop import Worker, kill_and_record
from jupyter_agent.system.paths import data_paths
from jupyter_agent.system.process_table import STARTED_BY
from jupyter_agent.system.processes import Session, end_children, signal_process, signal_worker
from jupyter_agent.worker.commands.command import Program
from jupyter_agent.worker.notebooks.kernel_place import KernelPlace
from jupyter_agent.worker.notebooks.notebook import NotebookRun
from tests.support.builders import PRODUCER
from tests.support.targets import RecordingSink

WORKER = PRODUCER
STRANGER = [sys.executable, "-c", "print(flush=True); input()"]


def started(*, group_only: bool = False) -> subprocess.Popen[bytes]:
    """A process that waits, in a session or a group of its own."""
    own: dict[str, Any] = {"process_group": 0} if group_only else {"start_new_session": True}
    pipe = subprocess.PIPE
    process = subprocess.Popen(STRANGER, stdin=pipe, stdout=pipe, stderr=pipe, **own)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def replace(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """End *process*, and return a stranger that has its number, and leads a session."""
    process.kill()
    process.wait()
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(process.pid - 1))
    stranger = started()
    assert stranger.pid == process.pid, "the number was not to be had"
    return stranger


def command_that_ended() -> subprocess.Popen[bytes]:
    process = started(group_only=True)
    program = Program(process, RecordingSink().context)
    stranger = replace(process)
    assert not program.is_alive()
    program.send(signal.SIGKILL)
    return stranger


def worker_without_a_server() -> subprocess.Popen[bytes]:
    paths = data_paths()
    worker = started()
    stranger = replace(worker)
    kill_and_record(Worker(paths, WORKER, worker.pid), "default", State(TaskState.CANCELLED))
    return stranger


def worker_of_a_server() -> subprocess.Popen[bytes]:
    worker = started()
    stranger = replace(worker)
    signal_worker(worker.pid, signal.SIGKILL, WORKER)
    return stranger


def children_of_a_worker() -> subprocess.Popen[bytes]:
    worker = started()
    stranger = replace(worker)
    end_children(worker.pid, started_by=WORKER)
    return stranger


def kernel_that_is_asked_for_its_line() -> subprocess.Popen[bytes]:
    place = KernelPlace(new_notebook())
    kernel = started()
    place.register(cast(Any, SimpleNamespace(execute=lambda *_, **__: None)), kernel, "python")
    with Path(place._file.name).open("ab") as file:
        file.write(b"\n")
    stranger = replace(kernel)
    assert place() is None
    return stranger


def session_of_a_kernel() -> subprocess.Popen[bytes]:
    os.environ[STARTED_BY] = WORKER
    kernel = started()
    del os.environ[STARTED_BY]
    stranger = replace(kernel)
    run = NotebookRun.__new__(NotebookRun)
    run._client = cast(Any, SimpleNamespace(process=kernel))
    for mark in (WORKER, None):
        os.environ.update({STARTED_BY: mark} if mark else {})
        run.kill_session()
        os.environ.pop(STARTED_BY, None)
    return stranger


def process_that_ends_after_the_last_look() -> subprocess.Popen[bytes]:
    process, strangers = started(), list[subprocess.Popen[bytes]]()

    def is_meant(_: int) -> bool:
        strangers.append(replace(process))
        return True

    signal_process(process.pid, signal.SIGKILL, is_meant=is_meant)
    return strangers[0]


def session_that_ends_after_the_last_look() -> subprocess.Popen[bytes]:
    process, strangers = started(), list[subprocess.Popen[bytes]]()

    class Watched(Session):
        def _has(self, pid: int) -> bool:
            strangers.append(replace(process))
            return super()._has(pid)

    Watched(process.pid).send(signal.SIGKILL)
    return strangers[0]


CASES: dict[str, Callable[[], subprocess.Popen[bytes]]] = {
    case.__name__: case
    for case in (
        command_that_ended,
        worker_without_a_server,
        worker_of_a_server,
        children_of_a_worker,
        kernel_that_is_asked_for_its_line,
        session_of_a_kernel,
        process_that_ends_after_the_last_look,
        session_that_ends_after_the_last_look,
    )
}


def ending(case: Callable[[], subprocess.Popen[bytes]]) -> str:
    """The signal that the stranger got; empty if it went on until it was told to end."""
    stranger = case()
    stranger.communicate(b"\n", timeout=20)
    return signal.Signals(-stranger.returncode).name if stranger.returncode else ""


if __name__ == "__main__":
    print(json.dumps({name: ending(case) for name, case in CASES.items()}))
