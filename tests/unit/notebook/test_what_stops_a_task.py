"""What is raised inside a task to stop it is no `Exception`: code that forgives errors is stopped too."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.system.paths import DataPaths
from tests.support.runtime import own_producer, until  # noqa: F401
from tests.support.workers import no_workers_left

MODES = ("thread", "process", "detached")


def forgive(way: str) -> str:
    """Work through bad items, and say what was seen of a stop, which may be raised at any line."""
    context = ja.current()
    try:
        return forgive_all(way)
    except ja.TaskCancelled as error:
        context.log(f"told: {isinstance(error, Exception)}")
        raise
    except BaseException as error:
        context.log(f"told otherwise: {type(error).__name__}")
        raise


def forgive_all(way: str) -> str:
    context = ja.current()
    for n in ja.track(range(2000)) if way == "track" else range(2000):
        context.progress(n)
        try:
            if way == "check":
                context.raise_if_cancelled()
            if way == "ask":
                context.ask("well?", timeout=0.01)
            time.sleep(0.01)
        except Exception:
            pass
        finally:
            context.metric("cleaned", n)
    return "completed with damaged items"


def begun(handle: ja.TaskHandle) -> None:
    until(lambda: handle.state.ended or (handle.progress is not None and bool(handle.metrics)), 60)


@pytest.mark.parametrize("way", ["check", "ask", "track", "nothing"])
def test_a_loop_that_forgives_errors_is_cancelled(way: str) -> None:
    handle = ja.submit(forgive, way)
    begun(handle)
    handle.cancel()
    assert isinstance(handle.exception(20), ja.TaskCancelled)
    assert handle.logs() == "told: False\n"


@pytest.mark.parametrize("on", ["process", "detached"])
def test_it_is_in_a_process_of_its_own_too(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        handle = ja.task(forgive, on=on).submit("nothing")
        begun(handle)
        handle.cancel()
        assert isinstance(handle.exception(20), ja.TaskCancelled)
        assert handle.logs() == "told: False\n"


@pytest.mark.parametrize("on", MODES)
def test_a_loop_that_forgives_errors_is_stopped_by_its_timeout(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        handle = ja.task(forgive, on=on, timeout=3.0).submit("nothing")
        assert isinstance(handle.exception(60), ja.TaskTimeout)
        assert handle.logs() == "told: False\n"


def test_what_result_raises_is_an_exception() -> None:
    handle = ja.submit(forgive, "check")
    begun(handle)
    handle.cancel()
    with pytest.raises(Exception, match="was cancelled") as caught:
        handle.result(20)
    error = handle.exception()
    assert error is not None
    assert error.task_id == handle.id
    assert type(error) is type(caught.value)
    assert [issubclass(type(error), kind) for kind in (ja.TaskCancelled, ja.TaskError)] == [True, True]


def test_a_task_group_whose_tasks_are_all_stopped_is_cancelled() -> None:
    async def check() -> None:
        while True:
            ja.current().raise_if_cancelled()
            await asyncio.sleep(0.01)

    async def work() -> None:
        ja.current().metric("begun", 1)
        ja.current().progress(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(check())
            group.create_task(check())

    handle = ja.submit(work)
    begun(handle)
    handle.cancel()
    assert isinstance(handle.exception(20), ja.TaskCancelled)
