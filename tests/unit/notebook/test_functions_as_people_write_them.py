"""Functions as people write them: wrappers, lambdas, generators, methods, exits, options that do not fit."""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import pickle
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

import jupyter_agent as ja
from jupyter_agent.system.paths import DataPaths
from tests.support.local_kernel import Kernel
from tests.support.runtime import own_producer, run_script  # noqa: F401
from tests.support.workers import no_workers_left

MODES = ("thread", "process", "detached")


async def twice(n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def numbers() -> Iterator[int]:
    yield 1


async def later_numbers() -> AsyncIterator[int]:
    yield 1


def leave(status: object) -> None:
    sys.exit(status)  # type: ignore[arg-type]


@ja.task
def work(n: int) -> int:
    return n + 1


class Model:
    @ja.task
    @staticmethod
    def plain(n: int) -> int:
        return n + 1

    @staticmethod
    @ja.task
    def inside(n: int) -> int:
        return n + 1

    @ja.task
    @classmethod
    def of_class(cls, n: int) -> str:
        return f"{cls.__name__} {n}"

    @ja.task
    def method(self, n: int) -> int:
        return n + 2


@pytest.mark.parametrize("on", MODES)
def test_what_returns_a_coroutine_is_awaited(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        assert ja.task(lambda n: twice(n), on=on).submit(3).result(60) == 6
        assert ja.task(logged(twice), on=on).submit(3).result(60) == 6


class Request(Coroutine[Any, Any, int]):
    """What some libraries' calls return: a coroutine to `collections.abc`, and of another type."""

    def __init__(self, n: int) -> None:
        self._made = twice(n)

    def __await__(self) -> Any:
        return self._made.__await__()

    def send(self, value: Any) -> Any:
        return self._made.send(value)

    def throw(self, *error: Any) -> Any:
        return self._made.throw(*error)

    def close(self) -> None:
        self._made.close()


async def request_in_a_coroutine(n: int) -> Any:
    return Request(n)


def test_what_is_a_coroutine_to_the_libraries_is_awaited_to_its_end() -> None:
    assert ja.submit(Request, 3).result(20) == 6
    assert ja.submit(request_in_a_coroutine, 3).result(20) == 6

    async def main() -> Any:
        return await ja.task(request_in_a_coroutine, on="loop").submit(3)

    assert asyncio.run(main()) == 6


def test_it_is_in_an_executor_and_in_a_map_too() -> None:
    with ThreadPoolExecutor() as pool:
        assert ja.task(logged(twice), on=pool).submit(3).result(20) == 6
        assert ja.map(lambda n: twice(n), [1, 2], on=pool).result(20) == [2, 4]
    assert ja.map(lambda n: twice(n), [1, 2]).result(20) == [2, 4]
    assert ja.map(logged(twice), [1, 2]).result(20) == [2, 4]


def test_a_wrapped_coroutine_function_runs_on_the_loop() -> None:
    async def main() -> Any:
        return await ja.task(logged(twice), on="loop").submit(3)

    assert asyncio.run(main()) == 6


def enclosing(first: int) -> Callable[[], AsyncIterator[int]]:
    async def later() -> AsyncIterator[int]:
        yield first

    return later


GENERATORS: list[Callable[[], object]] = [
    numbers,
    logged(numbers),
    later_numbers,
    enclosing(1),
    lambda: (n for n in [1]),
]


@pytest.mark.parametrize("function", GENERATORS)
def test_a_function_that_returns_a_generator_is_told_what_to_do(function: Callable[[], object]) -> None:
    with pytest.raises(ja.TaskFailed, match=r"is a generator, and nothing of it has run: loop over it with"):
        ja.submit(function).result(20)


def test_a_generator_that_has_run_is_a_value() -> None:
    def begun() -> Iterator[int]:
        found = iter(n for n in (1, 2))
        next(found)
        return found

    assert list(ja.submit(begun).result(20)) == [2]


@pytest.mark.parametrize("function", [later_numbers, enclosing(1)])
def test_an_asynchronous_generator_that_has_run_is_a_value(
    function: Callable[[], AsyncIterator[int]],
) -> None:
    async def begun() -> AsyncIterator[int]:
        found = function()
        assert await anext(found) == 1
        return found

    run = ja.submit(begun)
    assert run.exception(20) is None


@pytest.mark.parametrize("on", MODES)
def test_an_exit_with_status_0_is_completed_and_any_other_failed(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        assert ja.task(leave, on=on).submit(0).exception(60) is None
        error = ja.task(leave, on=on).submit("no").exception(60)
    assert isinstance(error, ja.TaskFailed)
    assert error.type == "SystemExit"


def test_an_exit_in_a_map_and_in_a_tracked_loop() -> None:
    assert ja.map(leave, [0, None]).result(20) == [None, None]
    with pytest.raises(SystemExit):
        for _ in ja.track(range(3), name="left"):
            sys.exit(0)


def test_tasks_over_static_and_class_methods() -> None:
    assert [Model.plain(1), Model().plain(1), Model.inside(1), Model().inside(1)] == [2, 2, 2, 2]
    assert Model.plain.submit(1).result(20) == Model().plain.submit(1).result(20) == 2
    assert Model.of_class.submit(1).result(20) == Model().of_class.submit(1).result(20) == "Model 1"
    assert Model().method.submit(1).result(20) == 3
    assert Model.plain.options(name="p").submit(1).name == "p"


def test_a_task_is_pickled_by_its_name_and_by_value_for_a_worker() -> None:
    assert pickle.loads(pickle.dumps(work)) is work
    assert cloudpickle.loads(cloudpickle.dumps(work))(1) == 2
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(work, [1, 2]) == [2, 3]


NOTEBOOK = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
def helper(n): return Item(n).value
class Item:
    def __init__(self, value): self.value = value * 10
@ja.task
def job(n): return helper(n)
def pools():
    with multiprocessing.Pool(1) as one, ProcessPoolExecutor(1) as two:
        return [*one.map(helper, [1]), *one.map(job, [2]), *two.map(job, [3]), one.apply(Item, (4,)).value]
def result(on):
    return ja.task(pools, on=on, show=False).submit().result(60)
"""


def test_functions_of_a_notebook_run_in_pools_everywhere(kernel: Kernel) -> None:
    kernel.cell(NOTEBOOK)
    for on in ("thread", "process", "detached"):
        request = kernel.start_cell(f"print(result({on!r}))")
        assert kernel.reply(request, 90)["status"] == "ok"
        assert kernel.text_of(request) == "[10, 20, 30, 40]\n"


def test_a_loop_that_cannot_wait_inside_itself_says_what_to_do(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import asyncio, uvloop\nimport jupyter_agent as ja\nasync def main():\n"
        "    handle = ja.task(asyncio.sleep, on='loop').submit(0.01, 5)\n"
        "    try:\n        handle.result()\n    except RuntimeError as error:\n        print(error)\n"
        "    assert await handle == 5\n    assert await ja.submit(lambda: 6) == 6\n"
        "    assert ja.submit(lambda: 7).result() == 7\n"
        "with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:\n    runner.run(main())\n",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith("use 'await' instead, also for a task: await handle")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"timeout": "3"}, "timeout='3' is not a number of seconds"),
        ({"timeout": float("nan")}, "timeout=nan is not a number of seconds above 0"),
        ({"tags": "abc"}, r"tags='abc' is one text; use tags=\['abc'\]"),
        ({"tags": [1]}, r"tags=\[1\] are not all texts"),
        ({"retries": "2"}, "retries='2' is not a whole number"),
        ({"name": 3}, "name=3 is not text"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=sentence):
        ja.task(twice, **options)
    with pytest.raises((TypeError, ValueError), match=sentence):
        ja.task(twice).options(**options)


@pytest.mark.parametrize("on", ["process", "detached"])
def test_who_asks_by_input_is_told_how_a_task_asks(on: Any, paths: DataPaths) -> None:
    with no_workers_left(paths):
        error = ja.task(input, name="asks", on=on, show=False).submit("name? ").exception(60)
    assert str(error).startswith(
        "task asks failed with EOFError: EOF when reading a line; input() has nobody here to answer it; "
        "jupyter_agent.current().ask(prompt) asks in the views"
    )


def test_who_asks_by_input_where_a_front_end_has_none_is_told_the_same() -> None:
    class StdinNotImplementedError(RuntimeError):
        """As ipykernel's."""

    def asks() -> None:
        raise StdinNotImplementedError("this frontend does not support input requests.")

    error = ja.task(asks, show=False).submit().exception(60)
    assert "input requests; input() has nobody here to answer it; jupyter_agent.current().ask" in str(error)
