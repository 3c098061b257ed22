"""Processes that a task forks: what stops the task does not stop them, and their own ends are theirs."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.system.paths import DataPaths
from tests.support.runtime import own_producer, run_script  # noqa: F401
from tests.support.workers import no_workers_left


def handlers() -> tuple[bool, bool]:
    """Whether the two signals have the handlers with which Python starts."""
    return (
        signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    )


def in_a_fork(call: Any) -> Any:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(call)


def forked_handlers() -> Any:
    return in_a_fork(handlers)


def stubborn(started: Any) -> None:
    """Forgive every error, as a loop over bad items does."""
    started.set()
    while True:
        with contextlib.suppress(Exception):
            time.sleep(60)


def status_of_a_stubborn_child() -> int | None:
    context = multiprocessing.get_context("fork")
    started = context.Event()
    child = context.Process(target=stubborn, args=(started,))
    child.start()
    started.wait()
    child.terminate()
    child.join(20)
    return child.exitcode


def statuses_of_children_that_are_terminated_at_once() -> set[int]:
    statuses = set()
    for _ in range(50):
        child = os.fork()
        if child == 0:
            time.sleep(5)
            os._exit(1)
        os.kill(child, signal.SIGTERM)
        statuses.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        if statuses != {-signal.SIGTERM}:
            break
    return statuses


def program_ends_by_an_interrupt() -> int:
    program = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    assert program.stdout is not None
    program.stdout.readline()
    program.send_signal(signal.SIGINT)
    return program.wait(20)


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_forked_child_has_pythons_own_handlers(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        assert ja.task(forked_handlers, on=on).submit().result(60) == (True, True)


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_child_that_is_terminated_while_it_is_being_made_ends(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        handle = ja.task(statuses_of_children_that_are_terminated_at_once, on=on).submit()
        assert handle.result(60) == {-signal.SIGTERM}


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_child_that_forgives_errors_is_terminated(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        assert ja.task(status_of_a_stubborn_child, on=on).submit().result(60) == -signal.SIGTERM


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_program_that_a_task_starts_can_be_interrupted(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        assert ja.task(program_ends_by_an_interrupt, on=on).submit().result(60) == -signal.SIGINT


def test_a_signal_that_comes_before_a_fork_has_restored_it_ends_the_child() -> None:
    from jupyter_agent.runtime.interrupt import SignalInterrupter, Stopped

    stop = SignalInterrupter(signal.SIGUSR1, foreign=Stopped)  # not one that the fork restores
    stop.open()
    try:
        pid = os.fork()
        if pid == 0:
            try:
                os.kill(os.getpid(), signal.SIGUSR1)
                time.sleep(20)
            finally:
                os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGUSR1
    finally:
        stop.close()


def test_a_loop_in_a_script_gives_its_children_the_signal_back(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import os, signal\nimport jupyter_agent as ja\nfor i in ja.track([1]):\n"
        "    if not (pid := os.fork()):\n"
        "        os._exit(0 if signal.getsignal(signal.SIGINT) is signal.default_int_handler else 1)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n",
    )
    assert done.returncode == 0, done.stderr
