"""Interrupting a thread: at once, and never after its function has returned."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import pytest

from jupyter_agent.notebook.submit import task_for
from jupyter_agent.runtime import interrupt as interrupt_module
from jupyter_agent.runtime.bootstrap import ready_producer
from jupyter_agent.runtime.context import current
from jupyter_agent.runtime.engines.base import run_attempt
from jupyter_agent.runtime.interrupt import AsyncExceptionInterrupter, SignalInterrupter, Stopped
from jupyter_agent.runtime.options import Options
from jupyter_agent.runtime.outcome import OutcomeHolder
from tests.support.runtime import own_producer, states, until  # noqa: F401


def test_a_throw_reaches_the_thread_and_is_false_before_and_after() -> None:
    stop = AsyncExceptionInterrupter()
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


def test_a_pending_throw_does_not_fire_after_the_function_has_returned() -> None:
    stop = AsyncExceptionInterrupter()
    reached: list[str] = []

    def run() -> None:
        try:
            stop.run(holding.wait)
        except Stopped:
            reached.append("inside")
        try:
            for _ in range(1000):
                str(1)
        except Stopped:
            reached.append("after")

    holding = threading.Event()
    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: stop._thread is not None)
    with stop._lock:  # as `throw` has it
        holding.set()
        time.sleep(0.05)  # the other thread waits for the lock, or will: either must be safe
        interrupt_module._set_async(thread.ident or 0, Stopped)
    thread.join(10)
    assert reached == ["inside"]


def test_a_foreign_signal_is_a_keyboard_interrupt_and_the_handler_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    stop = SignalInterrupter()
    with pytest.raises(KeyboardInterrupt):
        stop.run(lambda: os.kill(os.getpid(), signal.SIGINT))
    assert stop.from_user
    assert signal.getsignal(signal.SIGINT) == before


def throw_after(stop: SignalInterrupter, delay: float) -> None:
    time.sleep(delay)
    stop.throw()


def test_a_signal_throw_ends_a_blocking_call_or_does_nothing() -> None:
    for delay in [0.02] + [0.0] * 50:
        stop = SignalInterrupter()
        thread = threading.Thread(target=throw_after, args=(stop, delay))
        thread.start()
        with contextlib.suppress(Stopped):
            stop.run(lambda delay=delay: time.sleep(30 if delay else 0.0))  # type: ignore[misc]
        thread.join()
        assert not stop.throw()


def test_a_signal_throw_that_hits_close_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    stop = SignalInterrupter()

    def returns() -> None:
        """The signal comes when `close` is entered."""
        monkeypatch.setattr(stop, "close", closing)

    def closing() -> None:
        monkeypatch.undo()
        stop.throw()
        time.sleep(30)

    with pytest.raises(Stopped):
        stop.run(returns)
    assert signal.getsignal(signal.SIGINT) == before
    assert not stop.throw()


def test_a_stop_button_while_the_value_is_kept_cancels_the_attempt() -> None:
    class Large:
        def __reduce__(self) -> str:
            raise KeyboardInterrupt

    task = task_for(ready_producer(), Options("cell"), None, None)
    attempt = task.queue(OutcomeHolder())
    with pytest.raises(KeyboardInterrupt):
        run_attempt(attempt, Large, AsyncExceptionInterrupter())
    assert states(task.id) == ["queued", "running", "cancelled"]
    assert not current().id


@pytest.mark.parametrize(("when", "wanted"), [("before", ["queued"]), ("after", ["queued", "running"])])
def test_a_stop_button_before_the_code_begins_cancels_the_attempt(
    when: str, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between `begin` and the code no interrupter is open yet."""
    task = task_for(ready_producer(), Options("cell"), None, None)
    attempt = task.queue(OutcomeHolder())
    begin = attempt.begin

    def pressed() -> bool:
        if when == "after":
            begin()
        raise KeyboardInterrupt

    monkeypatch.setattr(attempt, "begin", pressed)
    run_attempt(attempt, lambda: pytest.fail("it was cancelled"), AsyncExceptionInterrupter())
    assert states(task.id) == [*wanted, "cancelled"]


@pytest.mark.parametrize(
    ("why", "end"), [("cancelled", "cancelled"), ("late", "failed"), ("foreign", "interrupted")]
)
def test_how_a_worker_ends_that_gets_a_termination_signal(why: str, end: str) -> None:
    task = task_for(ready_producer(), Options("cell", timeout=100.0), None, None)
    holder = OutcomeHolder()
    attempt = task.queue(holder)

    def work() -> None:
        if why == "late":
            attempt.started = time.monotonic() - 200
        stop = attempt.on_signal(cancelled=why == "cancelled")
        assert stop is not None
        raise stop

    run_attempt(attempt, work, AsyncExceptionInterrupter())
    assert states(task.id) == ["queued", "running", end]
    assert holder.outcome is not None
    assert (holder.outcome.error.type if holder.outcome.error else None) == (
        "TaskTimeout" if why == "late" else None
    )


def test_a_stop_is_shown_as_one_line() -> None:
    assert Stopped("task x was cancelled")._render_traceback_() == ["TaskCancelled: task x was cancelled"]
