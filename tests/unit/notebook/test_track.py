"""`track`: positions without Python code for each item, and loops that are tasks of their own."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import State, decode_data
from jupyter_agent.notebook.progress import tracked_loop
from jupyter_agent.notebook.progress.positions import positioned
from jupyter_agent.runtime.local_task import LocalTask, local_tasks
from tests.support.runtime import emitted, own_producer, run_script, spooled, states, until  # noqa: F401


def last_task() -> LocalTask:
    return local_tasks.all()[-1]


@pytest.mark.parametrize(
    "iterable",
    [
        range(5),
        [1, 2, 3, 4, 5],
        (1, 2, 3, 4, 5),
        {1, 2, 3, 4, 5},
        dict.fromkeys(range(5)),
        "abcde",
        range(9, 4, -1),
    ],
)
def test_the_position_is_how_many_items_were_taken(iterable: Iterable[object]) -> None:
    items, position = positioned(iterable, None)
    assert position.values() == (0, 5)
    assert list(zip(items, range(3), strict=False)) is not None
    taken = position.values()[0]
    assert taken in (3, 4)  # zip takes one more than it gives
    assert [*items] == list(iterable)[taken:]
    assert position.values() == (5, 5)


def test_a_generator_is_counted_and_its_values_are_untouched() -> None:
    items, position = positioned((n for n in [0, None, False, "", 4]), None)
    assert position.values() == (0, None)
    assert [next(items), next(items)] == [0, None]
    assert position.values() == (2, None)
    assert list(items) == [False, "", 4]
    assert position.values() == (5, None)


@pytest.mark.parametrize("length", [-1, "three", NotImplementedError(), RuntimeError("not yet")])
def test_a_length_that_cannot_be_is_none(length: object) -> None:
    class Items:
        def __len__(self) -> Any:
            if isinstance(length, Exception):
                raise length
            return length

        def __iter__(self) -> Iterator[int]:
            return iter(range(3))

    items, position = positioned(Items(), None)
    assert list(items) == [0, 1, 2]
    assert position.values() == (3, None)


def test_a_total_can_be_given_and_a_huge_range_works() -> None:
    assert positioned(iter("abc"), 3)[1].values() == (0, 3)
    items, position = positioned(range(1 << 70), None)
    next(items)
    assert position.values() == (1, None)


def test_a_list_that_grows_is_followed() -> None:
    numbers = [1, 2]
    items, position = positioned(numbers, None)
    next(items)
    numbers.append(3)
    assert position.values()[0] == 1
    assert list(items) == [2, 3]


def test_inside_a_task_the_outermost_loop_is_its_progress() -> None:
    def work() -> list[int]:
        return [outer for outer in ja.track(range(4)) for _ in ja.track(iter("abc"))][::3]

    handle = ja.submit(work)
    assert handle.result(10) == [0, 1, 2, 3]
    assert handle.progress is not None
    assert (handle.progress.done, handle.progress.total) == (4, 4)


def test_a_loop_left_early_keeps_its_position() -> None:
    def work() -> None:
        for n in ja.track(range(100)):
            if n == 41:
                break

    handle = ja.submit(work)
    handle.wait(10)
    assert handle.progress.done == 42  # type: ignore[union-attr]
    assert handle.state == "completed"


def test_progress_is_seen_while_the_loop_runs() -> None:
    go = threading.Event()

    def work() -> None:
        for n in ja.track(range(10)):
            if n == 6:
                go.wait()

    handle = ja.submit(work)
    until(lambda: handle.progress is not None and handle.progress.done == 6)
    go.set()
    handle.wait(10)


def test_the_item_that_is_being_worked_on_is_not_done() -> None:
    go = threading.Event()

    def work() -> None:
        for _ in ja.track(range(1)):
            go.wait()

    handle = ja.submit(work)
    until(lambda: handle.progress is not None and handle.progress.total == 1)
    assert handle.progress.done == 0  # type: ignore[union-attr]
    go.set()
    handle.wait(10)
    assert handle.progress.done == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("items", [range(100), iter(range(100))], ids=["sized", "counted"])
def test_a_loop_that_fails_at_an_item_has_done_those_before_it(items: Iterable[int]) -> None:
    def work() -> None:
        for n in ja.track(items):
            if n == 30:
                raise ValueError(n)

    handle = ja.submit(work)
    handle.wait(10)
    assert (handle.state, handle.progress.done) == ("failed", 30)  # type: ignore[union-attr]


def test_a_loop_outside_a_task_that_fails_has_done_those_before_it() -> None:
    with pytest.raises(ValueError, match="30"):
        for n in ja.track(range(100)):
            if n == 30:
                raise ValueError(n)
    until(lambda: last_task().fold.state.ended)
    assert last_task().fold.progress.done == 30  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("total", "wanted", "kind"), [(None, 40, range), (50, 50, range), (50, 50, itertools.islice)]
)
def test_resumed_work_counts_what_was_done_before(total: int | None, wanted: int, kind: Any) -> None:
    go = threading.Event()

    def work() -> None:
        rest = range(30, 40) if kind is range else itertools.islice(itertools.count(30), 10)
        for _ in ja.track(rest, initial=30, total=total):
            go.wait()

    handle = ja.submit(work)
    until(lambda: handle.progress is not None)
    assert (handle.progress.done, handle.progress.total) == (30, wanted)  # type: ignore[union-attr]
    go.set()
    handle.wait(10)
    assert (handle.progress.done, handle.progress.total) == (40, wanted)  # type: ignore[union-attr]


def test_outside_a_task_a_finished_loop_is_a_completed_task() -> None:
    for n in ja.track(range(3), name="loop"):
        ja.current().metric("n", n)
    task = last_task()
    assert task.options.name == "loop"
    assert states(task.id) == ["queued", "running", "completed"]
    assert task.fold.progress.done == 3  # type: ignore[union-attr]
    assert task.fold.metrics["n"].value == 2
    assert ja.current().id == ""


def test_nothing_begins_before_the_first_step() -> None:
    ja.track(range(3))
    assert local_tasks.all() == []


def test_break_and_return_and_del_cancel() -> None:
    for _ in ja.track(range(3)):
        break
    assert states(last_task().id) == ["queued", "running", "cancelled"]

    def leave() -> int:
        for n in ja.track(range(3)):
            return n
        return -1

    leave()
    assert last_task().fold.state == "cancelled"
    loop = iter(ja.track(range(3)))
    next(loop)
    del loop
    assert last_task().fold.state == "cancelled"
    assert ja.current().id == ""


@pytest.mark.parametrize(
    ("consume", "end"),
    [
        (lambda: list(zip("abc", ja.track("xyz"), strict=False)), "completed"),
        (lambda: list(zip("ab", ja.track("xyz"), strict=False)), "cancelled"),
        (lambda: list(zip(ja.track("xyz"), "ab", strict=False)), "completed"),
        (lambda: list(itertools.islice(ja.track(range(9)), 5)), "cancelled"),
        (lambda: list(itertools.takewhile((5).__gt__, ja.track(range(9)))), "cancelled"),
        (lambda: 3 in ja.track(range(9)), "cancelled"),
        (lambda: any(ja.track([0, 1, 2])), "cancelled"),
        (lambda: next(ja.track(range(9))), "cancelled"),
        (lambda: dict(zip("abc", ja.track(range(3)), strict=True)), "completed"),
    ],
)
def test_what_wants_no_more_items_does_not_fail_the_loop(consume: Callable[[], object], end: str) -> None:
    consume()
    assert ja.current().id == ""
    until(lambda: last_task().fold.state.ended)
    assert states(last_task().id) == ["queued", "running", end]


@pytest.mark.parametrize(
    "consume",
    [
        lambda: list(map(int, ja.track(["1", "x", "3"]))),
        lambda: sum(ja.track([1, "a", 2])),  # type: ignore[list-item]
        lambda: list(ja.track(two_and_an_error())),
        lambda: sorted(ja.track(two_and_an_error())),
    ],
)
def test_what_consumes_a_loop_in_c_and_raises_fails_it_with_the_error(consume: Callable[[], object]) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)) as found:
        try:
            consume()
        finally:
            until(lambda: last_task().fold.state.ended)
    fold = last_task().fold
    assert (fold.state, fold.error and fold.error.message) == ("failed", str(found.value))


UNCAUGHT = """
import jupyter_agent as ja
import atexit
from jupyter_agent.runtime.local_task import local_tasks
def numbers():
    return list(map(int, ja.track(["1", "x"], name="numbers")))
def said():
    for task in local_tasks.all():
        print(task.fold.state, task.fold.error and task.fold.error.type)
atexit.register(said)
numbers()
"""


def test_an_uncaught_error_of_a_consumer_fails_the_loop_of_a_script(tmp_path: Path) -> None:
    done = run_script(tmp_path, UNCAUGHT)
    assert (done.returncode, done.stdout) == (1, "failed ValueError\n"), done.stderr


def two_and_an_error() -> Iterator[int]:
    yield 1
    yield 2
    raise LookupError("the source died")


def test_items_of_a_source_that_raises_are_all_done() -> None:
    with pytest.raises(LookupError):
        for _ in ja.track(two_and_an_error(), total=9):
            pass
    until(lambda: last_task().fold.state.ended)
    progress = last_task().fold.progress
    assert progress is not None
    assert (last_task().fold.state, progress.done) == ("failed", 2)

    def work() -> None:
        for _ in ja.track(two_and_an_error(), total=9):
            pass

    handle = ja.submit(work)
    assert handle.exception(10) is not None
    assert handle.progress is not None
    assert handle.progress.done == 2


def test_a_comprehension_that_failed_is_over_though_its_error_is_kept() -> None:
    try:
        [item for item in ja.track(two_and_an_error(), name="kept")]  # noqa: C416 - the frame is the point
    except LookupError as error:
        kept = error
    until(lambda: last_task().fold.state.ended)
    assert (last_task().options.name, last_task().fold.state) == ("kept", "failed")
    assert ja.current().id == ""
    assert list(ja.track(range(2), name="after")) == [0, 1]
    assert (last_task().options.name, last_task().fold.state) == ("after", "completed")
    assert kept.__traceback__ is not None


def test_a_loop_that_another_thread_finishes_leaves_its_first_thread() -> None:
    items = ja.track(range(4), name="first")
    next(items)
    thread = threading.Thread(target=lambda: list(items))
    thread.start()
    thread.join()
    assert ja.current().id == ""
    assert list(ja.track(range(2), name="second")) == [0, 1]
    assert (last_task().options.name, last_task().fold.state) == ("second", "completed")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"total": "5"}, "total='5' is not a number of items"),
        ({"total": True}, "total=True is not a number of items"),
        ({"initial": -2}, "initial=-2 is less than 0"),
        ({"initial": "2"}, "initial='2' is not a number of items"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(sentence)):
        ja.track(range(5), **options)


@pytest.mark.parametrize(
    ("consumer", "end"),
    [
        (lambda: zip("abc", ja.track("xyz"), strict=False), "completed"),
        (lambda: zip("ab", ja.track("xyz"), strict=False), "cancelled"),
        (lambda: map(max, "abc", ja.track("xyz")), "completed"),
        (lambda: itertools.islice(ja.track(range(9)), 3), "cancelled"),
        (lambda: itertools.islice(ja.track(range(3)), 3), "completed"),
        (lambda: itertools.takewhile((5).__gt__, ja.track(range(9))), "cancelled"),
        (lambda: (item for item in zip("ab", ja.track("xyz"), strict=False)), "cancelled"),
        (lambda: enumerate(zip("abc", ja.track("xyz"), strict=False)), "completed"),
    ],
)
def test_a_loop_over_what_wants_no_more_items_ends_at_once(
    consumer: Callable[[], Iterable[object]], end: str
) -> None:
    for _ in consumer():
        pass
    assert last_task().fold.state == end


def test_a_call_that_wants_no_more_items_ends_its_loop_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracked_loop, "EXCEPTION_TIMEOUT", 1e9)
    assert 3 in ja.track(range(9))
    until(lambda: last_task().fold.state.ended)
    assert last_task().fold.state == "cancelled"


async def adds_text() -> int:
    return sum(ja.track([1, "a"]))  # type: ignore[list-item]


async def raises_in_a_loop() -> None:
    for _ in ja.track(range(3)):
        raise LookupError("of the task")


@pytest.mark.parametrize("work", [adds_text, raises_in_a_loop])
def test_an_exception_that_an_asyncio_task_keeps_is_found(work: Callable[[], Any]) -> None:
    async def main() -> BaseException | None:
        running = asyncio.create_task(work())
        await asyncio.wait([running])
        await asyncio.sleep(0)
        assert last_task().fold.state == "failed"
        return running.exception()

    error = asyncio.run(main())
    found = last_task().fold.error
    assert found is not None
    assert found.message == str(error)


def test_what_consumes_a_loop_and_raises_fails_it() -> None:
    with pytest.raises(ValueError, match="invalid"):
        for _ in zip(map(int, ["1", "x"]), ja.track("xyz"), strict=False):
            pass
    until(lambda: last_task().fold.state.ended)
    assert last_task().fold.state == "failed"


def raise_in_body() -> None:
    raise ValueError("in the body")


def test_an_exception_that_is_being_handled_is_named() -> None:
    try:
        for _ in ja.track(range(3)):
            raise_in_body()
    except ValueError:
        until(lambda: last_task().fold.state.ended)
    fold = last_task().fold
    assert fold.state == "failed"
    assert fold.error is not None
    assert (fold.error.type, fold.error.message) == ("ValueError", "in the body")
    assert "raise_in_body" in fold.error.traceback
    assert ja.current().id == ""


def test_an_exception_that_is_never_found_still_fails_the_loop() -> None:
    try:
        for _ in ja.track(range(3)):
            raise_in_body()
    except ValueError:
        pass
    until(lambda: last_task().fold.state.ended)
    assert last_task().fold.state == "failed"


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('x')",
        "{}[1]",
        "1 / 0",
        "undefined_name",
        "[].no_such",
        "a, b = 1",
        "assert False",
        "int('x')",
        "import no_such_module",
    ],
)
def test_every_way_to_raise_in_a_script_fails_the_loop_with_its_error(body: str, tmp_path: Path) -> None:
    done = run_script(
        tmp_path, f"import jupyter_agent as ja\nfor i in ja.track(range(3), name='loop'):\n    {body}\n"
    )
    assert done.returncode == 1
    last = decode_data(spooled(tmp_path)[-1])
    assert isinstance(last, State)
    assert last.state == "failed"
    assert last.error is not None
    assert last.error.type in done.stderr
    assert body in last.error.traceback


def test_a_held_iterator_fails_with_the_script(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import jupyter_agent as ja\ndef main():\n    loop = ja.track(range(3))\n    for i in loop:\n"
        "        raise ValueError('held')\nmain()\n",
    )
    assert "ValueError: held" in done.stderr
    last = decode_data(spooled(tmp_path)[-1])
    assert isinstance(last, State)
    assert last.error is not None
    assert last.error.message == "held"


def block_in_a_loop() -> None:
    for _ in ja.track(range(3)):
        time.sleep(30)


def test_the_stop_button_cancels_the_loop() -> None:
    def press() -> None:
        import signal

        until(lambda: bool(local_tasks.all()) and last_task().fold.state == "running")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        block_in_a_loop()
    presser.join()
    until(lambda: last_task().fold.state.ended, 5)
    assert last_task().fold.state == "cancelled"


def test_a_cancel_interrupts_a_blocking_call_in_the_loop_at_once() -> None:
    def cancel() -> None:
        until(lambda: bool(local_tasks.all()) and last_task().fold.state == "running")
        last_task().cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    start = time.monotonic()
    with pytest.raises(ja.TaskCancelled):
        block_in_a_loop()
    canceller.join()
    assert time.monotonic() - start < 5
    assert states(last_task().id) == ["queued", "running", "cancelled"]


def time_of(loop: Callable[[], None]) -> float:
    return min(timed(loop) for _ in range(7))


def timed(loop: Callable[[], None]) -> float:
    start = time.perf_counter()
    loop()
    return time.perf_counter() - start


@pytest.mark.alone
def test_no_python_code_runs_for_an_item() -> None:
    """Three times the bare loop would still pass; a Python call for each item would not."""
    numbers = range(300_000)

    def bare() -> None:
        for _ in numbers:
            pass

    def tracked() -> None:
        for _ in ja.track(numbers):
            pass

    handle = ja.submit(lambda: (time_of(bare), time_of(tracked)))
    plain, ours = handle.result(30)
    assert ours < 3 * plain
