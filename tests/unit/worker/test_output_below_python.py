"""Output that passes by `print`: of C code, binary, of programs. Kept in order in both kinds of processes."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.system.paths import data_paths
from tests.support.runtime import own_producer, until  # noqa: F401
from tests.support.workers import no_workers_left

BOTH = pytest.mark.parametrize("on", ["process", "detached"])
MANY = 3_000_000


def logged(on: Any, work: Callable[[], object]) -> str:
    with no_workers_left(data_paths()):
        handle = ja.task(work, on=on).submit()
        assert handle.wait(60)
        return handle.logs()


@BOTH
def test_all_of_it_is_logged_once_and_in_the_order_in_which_it_was_written(on: Any) -> None:
    def work() -> None:
        libc = ctypes.CDLL(None)
        print("1 print")
        os.write(1, b"2 os\n")
        print("3 print")
        libc.puts(b"4 puts")
        print("5 error", file=sys.stderr)
        sys.stdout.buffer.write(b"6 bytes\n")
        print("7 begun, ", end="")
        os.write(1, b"8 ended\n")
        subprocess.run(["sh", "-c", "echo 9 program; echo 10 error >&2"])
        print("11 print")
        child = multiprocessing.get_context("fork").Process(target=print, args=("12 fork",))
        child.start()
        child.join()
        libc.printf(b"13 %d\n", 13)
        print("14 print")

    lines = [
        "1 print", "2 os", "3 print", "4 puts", "5 error", "6 bytes", "7 begun, 8 ended",
        "9 program", "10 error", "11 print", "12 fork", "13 13", "14 print",
    ]  # fmt: skip
    assert logged(on, work).splitlines() == lines


@BOTH
def test_what_the_c_library_still_holds_and_half_a_character_come_before_the_end(on: Any) -> None:
    def work() -> None:
        ctypes.CDLL(None).printf(b"no newline")
        os.write(1, b" \xff and \xc3")

    assert sorted(logged(on, work)) == sorted("no newline � and �")


@BOTH
def test_output_faster_than_it_is_stored_waits_for_it(on: Any) -> None:
    def work() -> None:
        os.write(1, b"x" * MANY + b"\n")
        print("between")  # waits until that is read: what keeps the interpreter's lock must find room
        for number in range(20_000):
            ctypes.PyDLL(None).puts(b"y%d" % number)
        print("behind it")

    text = logged(on, work)
    assert text.count("x") == MANY
    assert text.replace("x", "").splitlines()[-20_001:] == [f"y{n}" for n in range(20_000)] + ["behind it"]


@BOTH
def test_c_code_that_keeps_the_lock_may_write_more_than_a_pipe_holds(on: Any) -> None:
    def work() -> None:
        libc = ctypes.PyDLL(None)
        print("first")
        libc.write(1, b"x" * MANY + b"\n", MANY + 1)
        libc.printf(b"%*d\n", MANY, 7)
        os.write(2, b"error\n")
        print("last")

    text = logged(on, work)
    assert (text.count("x"), text.count(" ")) == (MANY, MANY - 1)
    assert text.replace("x", "").replace(" ", "").splitlines() == ["first", "", "7", "error", "last"]


@BOTH
def test_a_task_that_waits_for_any_child_waits_for_its_own_only(on: Any) -> None:
    def work() -> None:
        child = os.spawnlp(os.P_NOWAIT, "true", "true")
        assert os.wait()[0] == child
        try:
            os.wait()
        except ChildProcessError:
            print("no more")

    assert logged(on, work) == "no more\n"


def test_a_cancel_that_ends_what_a_detached_task_has_started_leaves_its_helper() -> None:
    def work() -> None:
        from jupyter_agent.system.process_table import members

        print(*members(os.getsid(0)))

    assert logged("detached", work) == "\n"


@BOTH
def test_a_program_that_outlives_the_task_does_not_delay_its_end(on: Any, tmp_path: Path) -> None:
    release = tmp_path / "release"
    os.mkfifo(release)

    def quick() -> None:
        script = 'trap "" PIPE; read line < "$0"; echo late'
        subprocess.Popen(["sh", "-c", script, str(release)], start_new_session=True)
        subprocess.run(["echo", "early"])

    assert logged(on, quick) == "early\n"
    release.write_text("go\n")


def test_it_is_shown_once_too(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        print("print")
        os.write(1, b"os\n")
        os.write(2, b"error\n")
        print("again")

    assert logged("process", work).splitlines() == ["print", "os", "error", "again"]
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("print\nos\nagain\n", "error\n")


def test_the_last_words_of_a_crash_are_shown_and_logged(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        print("before")
        os.write(2, b"last words\n")
        os.kill(os.getpid(), signal.SIGSEGV)

    assert logged("process", work).splitlines() == ["before", "last words"]
    assert "last words\n" in capfd.readouterr().err


def test_a_cancel_ends_c_code_that_floods(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        while True:
            os.write(1, b"flood\n" * 10_000)

    handle = ja.task(work, on="process").submit()
    until(lambda: handle._snapshot().logs > 3)
    handle.cancel()
    assert handle.wait(30)
    assert handle.state == "cancelled"
    assert "flood" in capfd.readouterr().out


def test_exit_handlers_are_shown_though_the_task_has_ended(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        import atexit

        atexit.register(print, "at the exit")
        print("in time")

    assert logged("process", work) == "in time\n"
    assert capfd.readouterr().out == "in time\nat the exit\n"
