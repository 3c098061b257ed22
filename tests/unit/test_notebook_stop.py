"""Raising in a thread from outside: at once, and never after what it runs has returned."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import pytest
from notebook_support import until

from jupyter_agent.notebook import stop as stop_module
from jupyter_agent.notebook.stop import MainStop, Stopped, ThreadStop


def test_a_throw_reaches_the_thread_and_is_false_before_and_after() -> None:
    stop = ThreadStop()
    assert not stop.throw()
    ready, raised = threading.Event(), threading.Event()

    def loop() -> None:
        ready.set()
        while True:
            time.sleep(0.001)

    def run() -> None:
        try:
            stop.run(loop)
        except Stopped:
            raised.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    assert stop.throw()
    thread.join(10)
    assert raised.is_set()
    assert not stop.throw()


def test_a_throw_under_way_while_the_function_returns_does_not_reach_what_follows() -> None:
    stop = ThreadStop()
    told: list[str] = []

    def run() -> None:
        try:
            stop.run(holding.wait)
        except Stopped:
            told.append("inside")
        try:
            for _ in range(1000):
                str(1)
        except Stopped:
            told.append("after")

    holding = threading.Event()
    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: stop._thread is not None)
    with stop._lock:  # as `throw` has it
        holding.set()
        time.sleep(0.05)  # the other thread waits for the lock, or will: either must be safe
        stop_module._set_async(thread.ident or 0, Stopped)
    thread.join(10)
    assert told == ["inside"]


def test_a_signal_of_somebody_else_is_a_keyboard_interrupt_and_the_handler_is_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    stop = MainStop()
    with pytest.raises(KeyboardInterrupt):
        stop.run(lambda: os.kill(os.getpid(), signal.SIGINT))
    assert stop.by_hand
    assert signal.getsignal(signal.SIGINT) == before


def test_a_main_throw_ends_a_blocking_call_or_comes_to_nothing() -> None:
    for delay in [0.02] + [0.0] * 50:
        stop = MainStop()
        thread = threading.Thread(target=lambda stop=stop, delay=delay: (time.sleep(delay), stop.throw()))
        thread.start()
        with contextlib.suppress(Stopped):
            stop.run(lambda delay=delay: time.sleep(30 if delay else 0.0))  # type: ignore[misc]
        thread.join()
        assert not stop.throw()


def test_a_stop_is_shown_as_one_line() -> None:
    assert Stopped("task x was cancelled")._render_traceback_() == ["TaskCancelled: task x was cancelled"]
