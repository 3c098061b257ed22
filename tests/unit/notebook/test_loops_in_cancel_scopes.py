"""Tracked loops in trio and anyio: one that a cancel scope ends is cancelled, and no other."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
import trio

import jupyter_agent as ja
from jupyter_agent.runtime.local_task import local_tasks
from tests.support.runtime import own_producer, until  # noqa: F401


def in_trio() -> None:
    async def main() -> None:
        with trio.move_on_after(0.05):
            for _ in ja.track(range(3)):
                await trio.sleep(600)

    trio.run(main)


def in_a_nursery() -> None:
    async def loop() -> None:
        for _ in ja.track(range(3)):
            await trio.sleep(600)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(loop)
            await trio.sleep(0.05)
            nursery.cancel_scope.cancel()

    trio.run(main)


async def with_anyio() -> None:
    with anyio.move_on_after(0.05):
        for _ in ja.track(range(3)):
            await anyio.sleep(600)


def in_anyio_on_trio() -> None:
    anyio.run(with_anyio, backend="trio")


def in_anyio_on_asyncio() -> None:
    anyio.run(with_anyio, backend="asyncio")


def end_of_the_only_task() -> str:
    (task,) = local_tasks.all()
    until(lambda: task.fold.state.ended)
    return task.fold.state.value


@pytest.mark.parametrize("run", [in_trio, in_a_nursery, in_anyio_on_trio, in_anyio_on_asyncio])
def test_a_loop_that_a_cancel_scope_ends_is_cancelled(run: Callable[[], None]) -> None:
    run()
    assert end_of_the_only_task() == "cancelled"


def test_a_loop_that_raises_in_trio_is_failed() -> None:
    async def main() -> None:
        with trio.move_on_after(600):
            for _ in ja.track(range(3)):
                await trio.sleep(0)
                raise ValueError

    with pytest.raises(ValueError):
        trio.run(main)
    assert end_of_the_only_task() == "failed"
