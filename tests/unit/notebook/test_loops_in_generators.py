"""Tracked loops inside generators: their task is current in the loop's body, and not in what runs between."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

import jupyter_agent as ja
from tests.support.local_kernel import Kernel
from tests.support.runtime import own_producer  # noqa: F401


def where() -> str:
    """The name of the task that is current, or nothing."""
    task = ja.current().id
    return ja.attach(task).name if task else ""


def numbers(name: str = "loop", seen: list[str] | None = None) -> Iterator[int]:
    for n in ja.track(range(4), name=name):
        if seen is not None:
            seen.append(where())
        yield n


def batches(items: Iterator[int]) -> Iterator[list[int]]:
    for n in items:
        yield [n, next(items)]


class Loader:
    """Gives items as a data loader does."""

    def __init__(self) -> None:
        self._items = numbers()

    def __iter__(self) -> Loader:
        return self

    def __next__(self) -> int:
        return next(self._items)


def test_what_follows_a_step_is_not_in_the_loop() -> None:
    seen: list[str] = []
    items = numbers("loop", seen)
    for _ in range(2):
        next(items)
        seen.append(where())
    assert seen == ["loop", "", "loop", ""]
    items.close()  # type: ignore[attr-defined]
    assert where() == ""


def test_a_generator_expression_is_current_in_its_own_body_only() -> None:
    items = (where() for _ in ja.track(range(3), name="loop"))
    assert [next(items), where(), next(items), where()] == ["loop", "", "loop", ""]


def test_the_task_around_stays_current_between_the_steps_and_when_the_generator_ends() -> None:
    seen: list[str] = []
    items = numbers("inner", seen)
    for _ in ja.track(range(1), name="outer"):
        next(items)
        seen.append(where())
        ja.current().log("outside of the inner loop")
        items.close()  # type: ignore[attr-defined]
        seen.append(where())
    # `ja.track` inside of `numbers` was called in the task: it is no loop of its own.
    assert seen == ["outer", "outer", "outer"]


@pytest.mark.parametrize("closes", [True, False])
def test_a_generator_that_was_suspended_leaves_another_loop_alone(closes: bool) -> None:
    items = numbers("suspended")
    next(items)
    seen = []
    for n in ja.track(range(2), name="other"):
        seen.append(where())
        next(items)
        seen.append(where())
        if closes and n == 0:
            items.close()  # type: ignore[attr-defined]
            items = iter(range(9))
        seen.append(where())
    assert seen == ["other"] * 6
    assert where() == ""


def for_loop() -> list[str]:
    return [where() for _ in numbers()]


def through_another_generator() -> list[str]:
    seen = []
    for _ in batches(numbers()):
        try:
            seen.append(where())
            raise ValueError
        except ValueError:
            seen.append(where())
    return seen


def through_a_loader() -> list[str]:
    seen = []
    for _, _n in enumerate(Loader()):
        seen.append(where())
    return seen


def in_a_call() -> list[str]:
    def seen(_: int) -> str:
        return where()

    return list(map(seen, numbers()))


@pytest.mark.parametrize("consume", [for_loop, through_another_generator, through_a_loader, in_a_call])
def test_the_body_of_what_takes_the_items_belongs_to_the_loop(consume: Callable[[], list[str]]) -> None:
    assert set(consume()) == {"loop"}
    assert where() == ""


def test_a_loop_over_it_that_was_left_is_no_body_any_more() -> None:
    items, seen = numbers(), []
    for _ in items:
        seen.append(where())
        break
    seen.append(where())
    assert seen == ["loop", ""]
    items.close()  # type: ignore[attr-defined]


def test_async_generators_are_like_others() -> None:
    async def items(seen: list[str]) -> AsyncIterator[int]:
        for n in ja.track(range(2), name="loop"):
            await asyncio.sleep(0)
            seen.append(where())
            yield n

    async def consume() -> list[str]:
        seen: list[str] = []
        some = items(seen)
        await anext(some)
        seen.append(where())
        await some.aclose()  # type: ignore[attr-defined]
        async for _ in items(seen):
            await asyncio.sleep(0)
            seen.append(where())
        return seen

    assert asyncio.run(consume()) == ["loop", "", "loop", "loop", "loop", "loop"]


def test_threads_and_tasks_that_the_body_starts_belong_to_the_loop() -> None:
    seen: list[str] = []

    def work() -> None:
        seen.append(where())

    def items() -> Iterator[int]:
        for n in ja.track(range(2), name="loop"):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            yield n

    some = items()
    next(some)
    thread = threading.Thread(target=work)  # of the code between the steps
    thread.start()
    thread.join()
    contextvars.copy_context().run(work)
    next(some)
    assert seen == ["loop", "", "", "loop"]
    some.close()  # type: ignore[attr-defined]


def test_a_record_that_is_logged_between_the_steps_changes_nothing() -> None:
    seen: list[str] = []
    items = numbers("loop", seen)
    next(items)
    logging.getLogger("outside").warning("outside")
    seen.append(where())
    next(items)
    seen.append(where())
    items.close()  # type: ignore[attr-defined]
    assert seen == ["loop", "", "loop", ""]


def test_the_next_cell_is_not_in_a_loop_that_was_suspended(kernel: Kernel) -> None:
    """ipykernel passes the context variables of a cell on to those that follow."""
    kernel.cell(
        "import jupyter_agent as ja\n"
        "items = (print('in', bool(ja.current().id)) for _ in ja.track(range(9)))\n"
        "next(items)"
    )
    request = kernel.start_cell("print('next cell', bool(ja.current().id)); next(items)")
    assert kernel.reply(request)["status"] == "ok"
    assert kernel.text_of(request) == "next cell False\nin True\n"
