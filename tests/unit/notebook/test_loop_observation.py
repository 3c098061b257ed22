"""How tracked loops are observed: the feature test of the CPython tricks, and plain generators."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import State, decode_data
from jupyter_agent.notebook.progress import cpython
from jupyter_agent.notebook.progress.positions import positioned
from jupyter_agent.runtime.local_task import LocalTask, local_tasks
from tests.support.runtime import own_producer, run_script, spooled, states, until  # noqa: F401

FORCED = (
    "import jupyter_agent as ja\n"
    "from jupyter_agent.notebook.progress import cpython\n"
    "cpython.is_supported = lambda: False\n"
)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Observe loops by generators."""
    monkeypatch.setattr(cpython, "is_supported", lambda: False)


def last_task() -> LocalTask:
    return local_tasks.all()[-1]


def test_this_interpreter_behaves_as_the_tricks_need() -> None:
    assert cpython.is_supported()


@pytest.mark.parametrize(
    ("name", "value"),
    [("_DROPPING", set()), ("_DROPPING", {"RAISE_VARARGS", "RERAISE", "POP_TOP"}), ("_COUNT", "no pattern")],
)
def test_an_interpreter_that_behaves_otherwise_is_found_out(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(cpython, name, value)
    assert not cpython.is_supported.__wrapped__()


def test_the_feature_test_is_short() -> None:
    def once() -> float:
        start = time.perf_counter()
        assert cpython.is_supported.__wrapped__()
        return time.perf_counter() - start

    assert min(once() for _ in range(5)) < 0.05


@pytest.mark.usefixtures("plain")
class TestPlain:
    @pytest.mark.parametrize("iterable", [range(5), [1, 2, 3, 4, 5], {1, 2, 3, 4, 5}, iter("abcde")])
    def test_the_position_is_how_many_items_were_taken(self, iterable: Iterable[object]) -> None:
        items, position = positioned(iterable, 5)
        assert position.values() == (0, 5)
        next(items)
        next(items)
        assert position.values() == (2, 5)
        assert len(list(items)) == 3
        assert position.values() == (5, 5)

    def test_inside_a_task_the_outermost_loop_is_its_progress(self) -> None:
        def work() -> list[int]:
            return [outer for outer in ja.track(range(4)) for _ in ja.track(iter("abc"))][::3]

        handle = ja.submit(work)
        assert handle.result(10) == [0, 1, 2, 3]
        assert handle.progress is not None
        assert (handle.progress.done, handle.progress.total) == (4, 4)

    def test_inside_a_task_a_loop_left_early_keeps_its_position(self) -> None:
        def work() -> None:
            for n in ja.track(range(100)):
                if n == 41:
                    break

        handle = ja.submit(work)
        handle.wait(10)
        assert handle.progress is not None
        assert handle.progress.done == 42
        assert handle.state == "completed"

    def test_outside_a_task_a_finished_loop_is_a_completed_task(self) -> None:
        assert list(ja.track(range(3), name="loop")) == [0, 1, 2]
        assert states(last_task().id) == ["queued", "running", "completed"]
        assert last_task().fold.progress.done == 3  # type: ignore[union-attr]
        assert ja.current().id == ""

    def test_nothing_begins_before_the_first_step(self) -> None:
        ja.track(range(3))
        assert local_tasks.all() == []

    def test_break_cancels(self) -> None:
        for _ in ja.track(range(3)):
            break
        assert ja.current().id == ""
        until(lambda: last_task().fold.state.ended)
        assert states(last_task().id) == ["queued", "running", "cancelled"]

    def test_break_at_the_end_of_a_script_cancels(self, tmp_path: Path) -> None:
        done = run_script(tmp_path, f"{FORCED}for i in ja.track(range(3)):\n    break\n")
        assert done.returncode == 0, done.stderr
        assert end_of(tmp_path).state == "cancelled"

    def test_an_exception_that_is_being_handled_is_named(self) -> None:
        try:
            for _ in ja.track(range(3)):
                raise ValueError("in the body")
        except ValueError:
            until(lambda: last_task().fold.state.ended)
        fold = last_task().fold
        assert fold.state == "failed"
        assert fold.error is not None
        assert (fold.error.type, fold.error.message) == ("ValueError", "in the body")

    def test_an_exception_of_the_iterable_is_named_at_once(self) -> None:
        def items() -> Iterator[int]:
            yield 1
            raise ValueError("in the iterable")

        with pytest.raises(ValueError, match="in the iterable"):
            list(ja.track(items()))
        fold = last_task().fold
        assert fold.state == "failed"
        assert fold.error is not None
        assert fold.error.message == "in the iterable"
        assert ja.current().id == ""

    @pytest.mark.parametrize("loop", ["ja.track(range(3))", "held"])
    def test_an_exception_in_a_script_fails_the_loop_with_its_error(self, loop: str, tmp_path: Path) -> None:
        text = f"{FORCED}held = ja.track(range(3))\nfor i in {loop}:\n    1 / 0\n"
        assert "ZeroDivisionError" in run_script(tmp_path, text).stderr
        end = end_of(tmp_path)
        assert end.state == "failed"
        assert end.error is not None
        assert end.error.type == "ZeroDivisionError"

    @pytest.mark.parametrize("by", ["cancel", "stop button"])
    def test_a_blocking_call_in_the_loop_is_interrupted(self, by: str) -> None:
        def interrupt() -> None:
            until(lambda: bool(local_tasks.all()) and last_task().fold.state == "running")
            if by == "cancel":
                last_task().cancel()
            else:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises((ja.TaskCancelled, KeyboardInterrupt)):
            for _ in ja.track(range(3)):
                time.sleep(30)
        thread.join()
        until(lambda: last_task().fold.state.ended, 5)
        assert last_task().fold.state == "cancelled"


def end_of(folder: Path) -> State:
    end = decode_data(spooled(folder)[-1])
    assert isinstance(end, State)
    return end
