"""Lines of several threads of one task: each is whole, whoever else prints meanwhile."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.runtime.output.line_buffer import BELOW, MAX_OPEN, SETTLE_AFTER, LineBuffer
from tests.support.runtime import own_producer  # noqa: F401

CLEAR = "\r\x1b[K"


class Threads:
    """A buffer that is written to by the threads ``a`` and ``b``, in an order that the test gives."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.buffer = LineBuffer(self.out.append)
        self._pools = {name: ThreadPoolExecutor(1) for name in "ab"}

    def write(self, name: str, *texts: str) -> None:
        for text in texts:
            self._pools[name].submit(self.buffer.write, text).result(10)

    def end(self, name: str) -> None:
        self._pools[name].submit(self.buffer.end_thread).result(10)
        self._pools[name].shutdown()

    def sample(self, times: int) -> str:
        for _ in range(times):
            self.buffer.flush_waiting()
        return self.text

    @property
    def text(self) -> str:
        return "".join(self.out)

    def close(self) -> str:
        self.buffer.flush()
        for pool in self._pools.values():
            pool.shutdown()
        return self.text


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads()
    yield made
    made.close()


@pytest.mark.parametrize("end", ["\n", " end\n", "\nnext\n"])
def test_pieces_of_a_line_stay_together(threads: Threads, end: str) -> None:
    threads.write("a", "of", " ")
    threads.write("b", "other", "\n", "begun ")
    threads.write("a", "a", end)
    threads.write("b", "by b", "\n")
    assert threads.text == "other\n" + "of a" + end + "begun by b\n"


def test_a_line_that_takes_a_thread_a_while_waits_for_its_end_but_not_longer(threads: Threads) -> None:
    threads.write("b", "first\n")
    threads.write("a", "loading... ")
    assert threads.sample(SETTLE_AFTER - 1) == "first\n"
    threads.write("b", "meanwhile\n")
    threads.write("a", "done\n", "loading more... ")
    assert threads.sample(SETTLE_AFTER) == "first\nmeanwhile\nloading... done\nloading more... "
    threads.write("b", "long after\n")
    threads.write("a", "done\n")
    assert threads.text.endswith("loading more... \nlong after\ndone\n")


def test_a_line_that_grows_is_passed_on_about_every_second(threads: Threads) -> None:
    threads.write("b", "first\n")
    for _ in range(3 * SETTLE_AFTER):
        threads.write("a", ".")
        threads.sample(1)
    assert threads.text == "first\n" + "." * 3 * SETTLE_AFTER


def test_a_thread_that_prints_alone_does_not_wait(threads: Threads) -> None:
    threads.write("a", "loading... ")
    assert threads.sample(2) == "loading... "
    threads.write("a", "done\n")
    assert threads.text == "loading... done\n"


def test_what_a_thread_has_not_ended_is_passed_on_at_its_end(threads: Threads) -> None:
    threads.write("a", "of a\n", "without a line end")
    threads.write("b", "be")
    threads.end("a")
    assert threads.text == "of a\nwithout a line end"
    threads.write("b", "gun\n")
    assert threads.text == "of a\nwithout a line end\nbegun\n"


def test_dots_of_one_thread_after_the_other_are_one_line() -> None:
    def dot() -> None:
        print(".", end="")

    def work() -> None:
        print("dots:", end=" ")
        for _ in range(3):
            thread = threading.Thread(target=dot)
            thread.start()
            thread.join()

    handle = ja.submit(work)
    assert handle.wait(10)
    assert sorted(handle.logs().split()) == ["...", "dots:"]


def test_each_thread_has_the_last_state_of_its_own_bar(threads: Threads) -> None:
    for percent in range(0, 101, 10):
        threads.write("a", f"\ra {percent}%")
        threads.write("b", f"\rb {percent}%")
    threads.write("a", "\n")
    threads.write("b", "\n")
    assert threads.text == "a 100%\nb 100%\n"


def test_a_line_beside_a_bar_is_whole_and_the_bar_is_not_torn(threads: Threads) -> None:
    for percent in (0, 50, 100):
        threads.write("a", f"\r{percent}%")
        threads.write("b", "line", " ", f"{percent}", "\n")
    threads.write("a", "\n")
    assert threads.text == "line 0\nline 50\nline 100\n100%\n"


@pytest.mark.parametrize("frame", [CLEAR + "| waiting", "\r| waiting"])
def test_a_spinner_that_another_thread_ends_is_gone(threads: Threads, frame: str) -> None:
    threads.write("b", "begin\n")
    threads.write("a", frame, frame)
    threads.write("b", "beside it\n")
    threads.end("a")
    threads.write("b", CLEAR, "done\n", "next\n")
    assert threads.close() == "begin\nbeside it\ndone\nnext\n"


def test_a_line_end_ends_what_another_thread_has_drawn(threads: Threads) -> None:
    threads.write("b", "begin\n")
    threads.write("a", "\r100%")
    threads.end("a")
    threads.write("b", "\n", "next\n")
    assert threads.text == "begin\n100%\nnext\n"


def test_a_thread_of_a_task_ends_its_line_when_it_ends() -> None:
    def work() -> None:
        thread = threading.Thread(target=print, args=("half",), kwargs={"end": ""})
        thread.start()
        thread.join()
        print("whole")

    handle = ja.submit(work)
    assert handle.wait(10)
    assert handle.logs() == "half\nwhole\n"


def test_output_below_python_continues_the_line_of_the_only_thread(threads: Threads) -> None:
    threads.buffer.write("early ", BELOW)
    threads.write("a", "begun ")
    threads.buffer.write("ended\n", BELOW)
    threads.write("a", "of", " ")
    threads.write("b", "b\n")
    threads.buffer.write("below\n", BELOW)
    threads.write("a", "a\n")
    assert threads.text == "early begun ended\nb\nbelow\nof a\n"


def test_threads_that_come_and_go_leave_nothing() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    for ident in range(1, 5 * MAX_OPEN):
        buffer.write(f"{ident} ", ident)
    assert len(buffer._writers) == MAX_OPEN
    buffer.flush_waiting()
    buffer.flush_waiting()  # none of them is a thread
    assert buffer._writers == {}
    assert "".join(out).split() == [str(n) for n in range(1, 5 * MAX_OPEN)]
    for ident in range(1, 100):
        buffer.write(f"{ident}\n", ident)
    assert list(buffer._writers) == [99]


def test_what_interrupts_a_print_and_prints_waits_for_nothing() -> None:
    """As a signal handler does, or a finalizer that the garbage collector calls."""
    out: list[str] = []

    def emit(text: str) -> None:
        if not out:
            buffer.write("from within\n")
            buffer.flush_waiting()
        out.append(text)

    buffer = LineBuffer(emit)
    thread = threading.Thread(target=buffer.write, args=("outer\n",), daemon=True)
    thread.start()
    thread.join(10)
    assert out == ["outer\n", "from within\n"]


@pytest.mark.parametrize("on", ["thread", "process", "detached"])
def test_lines_of_many_threads_are_whole_everywhere(on: Any) -> None:
    def work() -> None:
        sys.setswitchinterval(1e-6)

        def lines(name: int) -> None:
            for number in range(200):
                print("line", number, "of", name)
                sys.stdout.write("and ")
                sys.stdout.write(f"{number} of {name}")
                sys.stdout.write("\n")

        threads = [threading.Thread(target=lines, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    before = sys.getswitchinterval()
    try:
        handle = ja.task(work, on=on).submit()
        assert handle.wait(60)
    finally:
        sys.setswitchinterval(before)
    found = handle.logs().splitlines()
    for name in range(4):
        own = [line for line in found if line.endswith(f" of {name}")]
        assert own == [
            text for number in range(200) for text in (f"line {number} of {name}", f"and {number} of {name}")
        ]
    assert [line for line in found if not line.endswith(tuple(f" of {n}" for n in range(4)))] == []
    assert len(found) == 1600
