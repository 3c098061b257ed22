"""Tasks on threads and executors: states, ends, cancelling, retries, keys, conversation."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import State, TaskState, decode_data
from jupyter_agent.core.task import fold
from jupyter_agent.errors import NotNow
from jupyter_agent.notebook.submit import engine_for
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.protocol.messages import CommandOrder
from jupyter_agent.runtime.engines import delay
from jupyter_agent.runtime.engines.base import Work
from jupyter_agent.runtime.local_task import local_tasks
from jupyter_agent.runtime.stopping import course
from tests.support.runtime import emitted, interrupt, logs, own_producer, states, until  # noqa: F401


def order(handle: ja.TaskHandle, command: str, **args: object) -> CommandOrder:
    return CommandOrder(1, handle.id, handle.attempt, command, dict(args))


def wait_for_cancel() -> None:
    while True:
        ja.current().raise_if_cancelled()
        time.sleep(0.002)


def double(n: int) -> int:
    return n * 2


def test_a_task_returns_what_its_function_returns_and_keeps_working_as_a_function() -> None:
    function = ja.task(double)
    assert function(4) == 8
    handle = function.submit(21)
    assert handle.result(10) == 42
    assert states(handle.id) == ["queued", "running", "completed"]
    assert handle.state == "completed"
    assert handle.started is not None
    assert handle.ended is not None
    assert handle.ended >= handle.started


def test_the_fold_at_hand_is_the_fold_of_what_was_emitted() -> None:
    def work() -> None:
        context = ja.current()
        context.progress(3, 10, "three")
        context.metric("loss", float("nan"), 1)
        context.log("a line")
        context.say("hello")

    handle = ja.submit(work)
    handle.wait(10)
    folded = fold(handle.id, emitted(handle.id))
    here = handle._snapshot()
    for field in ("name", "state", "attempt", "progress", "metrics", "result", "logs", "events", "owner"):
        assert getattr(here, field) == getattr(folded, field), field
    assert here.logs == 1


def test_a_failure_has_its_type_message_and_trimmed_traceback_and_keeps_its_cause() -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    handle = ja.submit(fail)
    with pytest.raises(ja.TaskFailed, match="no such thing") as caught:
        handle.result(10)
    assert caught.value.type == "LookupError"
    assert "in fail" in caught.value.traceback
    assert "notebook/executors.py" not in caught.value.traceback
    assert isinstance(caught.value.__cause__, LookupError)


def test_result_with_a_timeout_leaves_the_task_running() -> None:
    go = threading.Event()
    handle = ja.submit(go.wait)
    with pytest.raises(TimeoutError, match="is still running after"):
        handle.result(0.01)
    assert handle.state == "running"
    go.set()
    assert handle.result(10) is True


def test_cancel_is_cooperative_first() -> None:
    handle = ja.submit(wait_for_cancel)
    until(lambda: handle.state == "running")
    assert handle.cancel()
    with pytest.raises(ja.TaskCancelled):
        handle.result(1.5)
    assert states(handle.id)[-1] == "cancelled"
    assert not handle.cancel()


def sleep_in_a_tracked_loop() -> None:
    for _ in ja.track(range(1_000_000)):
        time.sleep(0.001)


def is_running(handle: ja.TaskHandle) -> bool:
    return handle.state == "running"


def test_cancel_reaches_a_tracked_loop_that_asks_nothing() -> None:
    handle = ja.submit(sleep_in_a_tracked_loop)
    until(lambda: handle.progress is not None)
    handle.cancel()
    with pytest.raises(ja.TaskCancelled):
        handle.result(1.5)


def test_cancel_stops_a_loop_that_never_asks_after_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "INTERRUPT_DELAY", 0.1)

    def deaf() -> None:
        while True:
            time.sleep(0.001)

    def stubborn() -> None:
        try:
            deaf()
        except ja.TaskCancelled:
            deaf()

    for function in (deaf, stubborn):
        handle = ja.task(function, grace=0.3).submit()
        until(partial(is_running, handle))
        handle.cancel()
        with pytest.raises(ja.TaskCancelled):
            handle.result(5)


def test_nothing_is_raised_after_the_function_has_returned() -> None:
    """Cancel many tracked loops at about the time they end: each ends once, and nothing leaks."""
    leaked: list[object] = []
    before, threading.excepthook = threading.excepthook, leaked.append
    try:
        for round_ in range(60):
            handle = ja.submit(lambda: [None for _ in ja.track(range(20_000))])
            time.sleep(0.0002 * (round_ % 10))
            handle.cancel()
            assert handle.wait(10)
            assert len([s for s in states(handle.id) if TaskState(s).ended]) == 1
    finally:
        threading.excepthook = before
    assert leaked == []


def test_a_queued_task_is_cancelled_at_once() -> None:
    go = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = ja.task(go.wait, on=pool).submit()
        second = ja.task(double, on=pool).submit(1)
        until(lambda: first.state == "running")
        assert second.state == "queued"
        second.cancel()
        assert second.state == "cancelled"
        go.set()
    assert states(second.id) == ["queued", "cancelled"]


def test_a_command_from_the_server_cancels() -> None:
    handle = ja.submit(wait_for_cancel)
    until(lambda: handle.state == "running")
    current_producer().command(order(handle, "cancel"))
    assert isinstance(handle.exception(10), ja.TaskCancelled)


def test_a_command_for_an_earlier_attempt_does_nothing() -> None:
    handle = ja.submit(wait_for_cancel)
    current_producer().command(CommandOrder(1, handle.id, 7, "cancel"))
    assert not handle._snapshot().cancel_requested


def test_a_timeout_fails_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = ja.task(wait_for_cancel, timeout=0.1).submit()
    with pytest.raises(ja.TaskTimeout, match=r"0\.1 s"):
        handle.result(10)
    assert states(handle.id) == ["queued", "running", "failed"]


def test_retries_are_new_attempts_of_the_same_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delay, "RANDOM", lambda: 0.0)
    tries: list[int] = []

    def flaky() -> str:
        tries.append(ja.current().attempt)
        if len(tries) < 3:
            raise OSError("not yet")
        return "done"

    handle = ja.task(flaky, retries=5).submit()
    assert handle.result(10) == "done"
    assert tries == [1, 2, 3]
    assert states(handle.id) == ["queued", "running", "failed"] * 2 + ["queued", "running", "completed"]


def test_a_manual_retry_is_for_ended_tasks_only() -> None:
    go = threading.Event()
    handle = ja.submit(go.wait)
    with pytest.raises(NotNow):
        handle.retry()
    go.set()
    handle.wait(10)
    handle.retry()
    assert handle.result(10) is True
    assert handle.attempt == 2
    current_producer().command(order(handle, "retry"))
    until(lambda: handle.attempt == 3 and handle.state == "completed")


def test_a_key_attaches_to_the_running_task_and_returns_the_completed_one() -> None:
    go = threading.Event()
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        go.wait()
        return 5

    function = ja.task(work, key="nightly")
    first = function.submit()
    second = function.submit()
    assert second.id == first.id
    go.set()
    assert second.result(10) == 5
    assert function.submit().result(10) == 5
    assert calls == [1]


def test_a_key_continues_an_interrupted_task_from_its_checkpoint() -> None:
    def work() -> int:
        start: int = ja.current().restore(0)
        ja.current().checkpoint(start + 10)
        if ja.current().attempt == 1:
            wait_for_cancel()
        return start

    function = ja.task(work, key="long")
    first = function.submit()
    until(lambda: emitted(first.id, "checkpoint"))
    interrupt(local_tasks.get(first.id))
    second = function.submit()
    assert second.id == first.id
    assert second.result(10) == 10
    assert second.attempt == 2
    assert first.result(10) == 10


def test_ask_waits_for_the_answer_and_records_both() -> None:
    handle = ja.submit(lambda: ja.current().ask("really?", ["yes", "no"]))
    until(lambda: handle._snapshot().prompt is not None)
    assert handle._snapshot().prompt.choices == ("yes", "no")  # type: ignore[union-attr]
    current_producer().command(order(handle, "input", text="yes"))
    assert handle.result(10) == "yes"
    assert handle._snapshot().prompt is None
    assert [e.type for e in emitted(handle.id)] == ["state", "state", "prompt", "input", "state"]


def test_receive_gets_what_is_sent_and_a_cancel_ends_the_wait() -> None:
    handle = ja.submit(lambda: [ja.current().receive(), ja.current().receive()])
    until(lambda: handle.state == "running")
    handle.send("one")
    handle.cancel()
    assert isinstance(handle.exception(1.5), ja.TaskCancelled)
    with pytest.raises(NotNow):
        handle.send("two")


def test_ask_gives_up_after_its_timeout() -> None:
    handle = ja.submit(lambda: ja.current().ask("anybody?", timeout=0.01))
    assert handle.exception(10).type == "TimeoutError"  # type: ignore[union-attr]


def test_a_message_is_sent_in_pieces() -> None:
    def talk() -> None:
        first = ja.current().say("Hel")
        ja.current().say("lo", stream=first)

    handle = ja.submit(talk)
    handle.wait(10)
    messages = [decode_data(event) for event in emitted(handle.id, "message")]
    assert [(m.text, m.delta) for m in messages] == [("Hel", False), ("lo", True)]  # type: ignore[union-attr]
    assert messages[0].message_id == messages[1].message_id  # type: ignore[union-attr]


def test_outside_a_task_what_reports_does_nothing() -> None:
    context = ja.current()
    context.progress(1, 2)
    context.progress(advance=1)
    context.log("x")
    context.metric("m", 1)
    context.say("hi")
    context.checkpoint({})
    assert context.restore("default") == "default"
    assert not context.cancelled


def test_a_long_log_is_split_and_a_large_display_is_a_note() -> None:
    class Large:
        def __repr__(self) -> str:
            return "x" * 3_000_000

    def work() -> None:
        ja.current().log("é" * 400_000)
        ja.current().display(Large())

    handle = ja.submit(work)
    assert handle.exception(10) is None
    parts = logs(handle.id)
    assert len(parts) > 1
    assert "".join(p.text for p in parts) == "é" * 400_000
    assert "not recorded" in str(decode_data(emitted(handle.id, "display")[0]))


def test_progress_is_written_before_the_end_and_only_when_it_changed() -> None:
    def work() -> None:
        for n in range(10_000):
            ja.current().progress(n + 1, 10_000)

    handle = ja.submit(work)
    handle.wait(10)
    kinds = [event.type for event in emitted(handle.id)]
    assert kinds[-2:] == ["progress", "state"]
    assert handle.progress.done == 10_000  # type: ignore[union-attr]
    assert kinds.count("progress") < 20


def test_numbers_of_other_libraries_are_plain_numbers() -> None:
    from decimal import Decimal
    from fractions import Fraction

    handle = ja.submit(lambda: ja.current().metric("m", Fraction(1, 2), Decimal(3)))
    handle.wait(10)
    assert handle.metrics["m"].value == 0.5


def test_an_executor_in_this_process_gives_the_whole_context() -> None:
    with ThreadPoolExecutor(1) as pool:
        handle = ja.task(lambda: ja.current().id, on=pool).submit()
        assert handle.result(10) == handle.id


def test_an_executor_that_is_shut_down_fails_the_task() -> None:
    pool: Executor = ThreadPoolExecutor(1)
    pool.shutdown()
    handle = ja.task(double, on=pool).submit(1)
    assert handle.exception(10).type == "RuntimeError"  # type: ignore[union-attr]


@pytest.mark.parametrize("on", ["nowhere", 5])
def test_an_unknown_mode_is_one_clear_sentence(on: Any) -> None:
    with pytest.raises(ValueError, match="'thread', 'loop', 'process', 'detached' or a"):
        ja.task(double, on=on)


def test_no_engine_is_made_for_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="no engine runs on='nowhere'"):
        engine_for("nowhere", Work(double, (1,), {}))


def test_map_is_one_task_with_the_list_as_its_result() -> None:
    handle = ja.map(double, range(20), limit=3)
    assert handle.result(10) == [2 * n for n in range(20)]
    assert handle.progress.done == handle.progress.total == 20  # type: ignore[union-attr]
    assert states(handle.id) == ["queued", "running", "completed"]


def test_map_fails_with_its_first_failing_item_and_starts_no_more() -> None:
    begun: list[int] = []

    def work(n: int) -> None:
        begun.append(n)
        raise ValueError(str(n))

    assert ja.map(work, range(1000), limit=2).exception(10).type == "ValueError"  # type: ignore[union-attr]
    assert len(begun) <= 2


def test_map_of_a_coroutine_function_runs_items_side_by_side() -> None:
    import asyncio

    begun: list[int] = []
    all_started = asyncio.Event()

    async def work(n: int) -> int:
        begun.append(n)
        if len(begun) == 20:
            all_started.set()
        await all_started.wait()
        return n

    assert ja.map(work, range(20)).result(10) == list(range(20))


def test_the_repr_of_a_handle_says_how_the_task_is() -> None:
    """In a kernel it contains nothing that changes: see `test_kernel`."""
    go_on = threading.Event()
    handle = ja.task(go_on.wait, name="train").submit()
    until(lambda: handle.state == "running")
    assert re.fullmatch(rf"<Task train running (just now|\d+s ago) {handle.id[-6:]}>", repr(handle))
    go_on.set()
    handle.wait(10)
    assert re.fullmatch(rf"<Task train completed (just now|\d+s ago) {handle.id[-6:]}>", repr(handle))


def test_an_unknown_id_is_one_sentence() -> None:
    with pytest.raises(ja.UnknownTask, match="not a task id"):
        ja.attach("nonsense")


def test_logs_and_events_are_read_from_the_spool_without_a_server() -> None:
    def work() -> None:
        print("one")
        print("two")

    handle = ja.submit(work)
    handle.wait(10)
    assert handle.logs() == "one\ntwo\n"
    assert handle.logs(tail=1) == "two\n"
    assert handle.events()[0].type == "state"


def test_the_queued_event_contains_what_the_task_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "work/train.ipynb")
    handle = ja.task(double, name="train", key=None, tags=["gpu"]).submit(1)
    data = decode_data(emitted(handle.id)[0])
    assert isinstance(data, State)
    assert data.about is not None
    assert (data.about.name, data.about.tags, data.about.notebook) == ("train", ("gpu",), "work/train.ipynb")
    handle.wait(10)


def test_a_task_function_shows_the_users_own_signature() -> None:
    import inspect

    def train(epochs: int, *, rate: float = 0.1) -> float:
        """Train."""
        return rate * epochs

    function = ja.task(retries=1)(train)
    assert str(inspect.signature(function)) == "(epochs: 'int', *, rate: 'float' = 0.1) -> 'float'"
    assert function.__doc__ == "Train."
    assert function.options(name="other").submit(2).name == "other"
    with pytest.raises(TypeError, match="options"):
        function.options(nmae="x")  # type: ignore[call-arg]


def test_a_method_can_be_a_task() -> None:
    class Model:
        @ja.task
        def fit(self, n: int) -> tuple[Model, int]:
            return self, n

    model = Model()
    found, n = model.fit.submit(3).result(10)
    assert found is model
    assert n == 3


def test_text_that_no_utf_8_can_carry_breaks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        context = ja.current()
        context.log("a\ud800b")
        context.say("c\ud800")
        context.progress(message="d\ud800")
        raise ValueError("e\ud800")

    handle = ja.task(work, name="f\ud800").submit()
    assert handle.exception(10).type == "ValueError"  # type: ignore[union-attr]
    assert [log.text for log in logs(handle.id)] == ["a?b"]
    assert states(handle.id) == ["queued", "running", "failed"]


def test_progress_that_is_no_number_is_logged_once() -> None:
    go = threading.Event()

    def work() -> None:
        ja.current().progress("half")  # type: ignore[arg-type]
        go.wait()
        ja.current().progress(1 << 80)

    handle = ja.submit(work)
    until(lambda: logs(handle.id))
    go.set()
    assert handle.exception(10) is None
    assert [log.text for log in logs(handle.id)] == ["progress() takes numbers, not 'half' of None"]
    assert handle.progress.done == float(1 << 80)  # type: ignore[union-attr]


def test_another_tasks_cancel_is_this_ones_failure() -> None:
    def work() -> None:
        inner = ja.task(wait_for_cancel, name="inner").submit()
        inner.cancel()
        inner.result(10)

    handle = ja.submit(work)
    assert isinstance(handle.exception(10), ja.TaskFailed)
    assert handle.state == "failed"


def test_a_long_message_is_sent_in_pieces_of_one_message() -> None:
    handle = ja.submit(lambda: ja.current().say("x" * 300_000))
    handle.wait(10)
    messages = [decode_data(event) for event in emitted(handle.id, "message")]
    assert "".join(m.text for m in messages) == "x" * 300_000  # type: ignore[union-attr]
    assert [m.delta for m in messages] == [False, True, True]  # type: ignore[union-attr]
    assert {m.message_id for m in messages} == {handle.result()}  # type: ignore[union-attr]
