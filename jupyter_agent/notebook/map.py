"""`map`: calls a function with many items, as one task with one view."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sized
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..errors import TaskCancelled
from ..rendering.signatures import readable
from ..runtime.context import TaskContext, current
from ..runtime.engines.calls import is_coroutine_function, value_of
from ..runtime.engines.pool.plain_call import PicklableCall, RemoteCall
from ..runtime.options import Options
from ..system.graces import GRACE
from .api import TaskFunction, name_of
from .handle import TaskHandle
from .submit import run_as_task

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from typing import Literal, Unpack

    from .api import MapOptions

POLL_INTERVAL = 0.1
"""Seconds between two checks whether a map that waits for its items was cancelled."""


A = TypeVar("A")
R = TypeVar("R")


@overload
def map(  # noqa: A001
    fn: Callable[[A], Coroutine[Any, Any, R]], items: Iterable[A], /, **options: Unpack[MapOptions]
) -> TaskHandle[list[R]]: ...
@overload
def map(  # noqa: A001
    fn: Callable[[A], R], items: Iterable[A], /, **options: Unpack[MapOptions]
) -> TaskHandle[list[R]]: ...
@overload
def map(  # noqa: A001
    fn: Callable[..., Coroutine[Any, Any, R]],
    items: Iterable[Any],
    more: Iterable[Any],
    /,
    *others: Iterable[Any],
    **options: Unpack[MapOptions],
) -> TaskHandle[list[R]]: ...
@overload
def map(  # noqa: A001
    fn: Callable[..., R],
    items: Iterable[Any],
    more: Iterable[Any],
    /,
    *others: Iterable[Any],
    **options: Unpack[MapOptions],
) -> TaskHandle[list[R]]: ...
@readable
def map(  # noqa: A001 - the public name
    fn: Callable[..., Any],
    /,
    *iterables: Iterable[Any],
    name: str | None = None,
    on: Literal["thread", "loop", "process"] | Executor = "thread",
    limit: int | None = None,
    grace: float | None = None,
) -> TaskHandle:
    """Call *fn* with the items of *iterables*, as the built-in does, *limit* at a time.

    The result is the list, in order. The first item that raises fails the task, and no further one
    begins. *limit* of ``None``: as many as there are processors, and some more for threads. *grace*: seconds
    to clean up after a cancel, as `task` has it.
    """
    function = fn.__wrapped__ if isinstance(fn, TaskFunction) else fn
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit} is less than 1; use 1 to run one item at a time")
    if not iterables:
        raise TypeError("map() needs at least one iterable, whose items are the arguments")
    total = _shortest(iterables)
    items = zip(*iterables, strict=False)
    params = {} if total is None else {"items": str(total)}
    options = Options(
        name or name_of(function), on=on if on == "loop" else "thread", params=params, grace=grace
    )
    if is_coroutine_function(function):
        return run_as_task(options, _map_coroutine, (function, items, total, limit or 100), {})
    if on == "loop":
        raise TypeError("on='loop' runs coroutine functions; define it with 'async def', or use on='thread'")
    if isinstance(on, Executor) or on == "process":
        return run_as_task(options, _map_on_executor, (function, items, total, limit, on), {})
    if on != "thread":
        raise ValueError(f"on={on!r} is not possible here; use 'thread', 'loop', 'process' or an Executor")
    return run_as_task(options, _map_on_threads, (function, items, total, limit or _processors() + 4), {})


def _map_on_threads(
    function: Callable[..., Any], items: Iterator[tuple[Any, ...]], total: int | None, limit: int
) -> list[Any]:
    shared = _WorkerThreads(function, items, total, current())
    count = limit if total is None else min(limit, total)
    threads = [
        threading.Thread(
            target=copy_context().run, args=(shared.work,), name="jupyter-agent-map", daemon=True
        )
        for _ in range(count)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(POLL_INTERVAL)
                current().raise_if_cancelled()
    finally:
        shared.stop()
    return shared.results()


class _WorkerThreads:
    """What the threads of one map share: the items, the results, the first error."""

    def __init__(
        self,
        function: Callable[..., Any],
        items: Iterator[tuple[Any, ...]],
        total: int | None,
        context: TaskContext,
    ) -> None:
        self._function = function
        self._items = enumerate(items)
        self._context = context
        self._lock = threading.Lock()
        self._results: dict[int, Any] = {}
        self._error: BaseException | None = None
        self._stopped = False
        context.progress(0, total)

    def work(self) -> None:
        """Process items until there are none, or until one raised."""
        with self._context.cancellation.own_thread(helps=True):
            self._work()

    def _work(self) -> None:
        while True:
            try:
                item = self._next_item()
                if item is None:
                    return
                number, arguments = item
                value = value_of(partial(self._function, *arguments))
            except BaseException as error:  # noqa: BLE001 - the first one is the task's, raised by `results`
                with self._lock:
                    self._error = self._error or error
                return
            with self._lock:
                self._results[number] = value
            self._context.progress(advance=1)

    def stop(self) -> None:
        """Start no further item."""
        self._stopped = True

    def results(self) -> list[Any]:
        """Return all results in order; raises what an item raised."""
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in sorted(self._results)]

    def _next_item(self) -> tuple[int, tuple[Any, ...]] | None:
        with self._lock:
            if self._stopped or self._error is not None or self._context.cancelled:
                return None
            return next(self._items, None)


def _map_on_executor(
    function: Callable[..., Any],
    items: Iterator[tuple[Any, ...]],
    total: int | None,
    limit: int | None,
    on: Executor | str,
) -> list[Any]:
    if isinstance(on, Executor):
        return _feed(function, items, total, limit or _processors() + 4, on, RemoteCall)
    return _map_on_processes(function, items, total, limit or _processors())


def _map_on_processes(
    function: Callable[..., Any], items: Iterator[tuple[Any, ...]], total: int | None, limit: int
) -> list[Any]:
    import multiprocessing

    from ..runtime.engines import pool_worker

    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(limit, spawn, initializer=pool_worker.begin) as pool:
        workers = pool._processes  # noqa: SLF001 - `terminate_workers` is of Python 3.14
        try:
            return _feed(
                function, items, total, limit, pool, pool_worker.StoppableCall, lambda: _check(workers)
            )
        except TaskCancelled:  # the grace of the attempt ends by raising once more
            pool_worker.end_workers(list(workers.values()))
            raise
        except BrokenExecutor:
            pool_worker.end_workers(list(workers.values()), GRACE)
            raise


def _check(workers: Mapping[int, BaseProcess]) -> None:
    """Raise `BrokenProcessPool` if one has died: the pool does not notice that of the last one it started."""
    for worker in list(workers.values()):
        if worker.exitcode is not None:
            raise BrokenProcessPool(f"a process of the map ended with exit code {worker.exitcode}")


def _feed(
    function: Callable[..., Any],
    items: Iterator[tuple[Any, ...]],
    total: int | None,
    limit: int,
    executor: Executor,
    call: type[RemoteCall],
    check: Callable[[], None] = lambda: None,
) -> list[Any]:
    context = current()
    context.progress(0, total)
    results: dict[int, Any] = {}
    waiting: dict[Future[Any], int] = {}
    # Not `futures.wait`, which looks at all that wait each time that one is done.
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    numbered = enumerate(items)
    try:
        while True:
            while len(waiting) < limit and (item := next(numbered, None)) is not None:
                future = executor.submit(PicklableCall(call(function, item[1], {})))
                waiting[future] = item[0]
                future.add_done_callback(done.put)
            if not waiting:
                return [results[number] for number in sorted(results)]
            first = _next_done(done)
            context.raise_if_cancelled()
            if first is None:
                check()
            else:
                results[waiting.pop(first)] = first.result()
                context.progress(advance=1)
    finally:
        for future in waiting:
            future.cancel()


def _next_done(done: SimpleQueue[Future[Any]]) -> Future[Any] | None:
    """Return the next future that is done; ``None`` after `POLL_INTERVAL` seconds."""
    try:
        return done.get(timeout=POLL_INTERVAL)
    except Empty:
        return None


async def _map_coroutine(
    function: Callable[..., Any], items: Iterator[tuple[Any, ...]], total: int | None, limit: int
) -> list[Any]:
    context = current()
    context.progress(0, total)
    results: dict[int, Any] = {}
    numbered = enumerate(items)

    async def work() -> None:
        async for number, arguments in _as_async(numbered):
            results[number] = await function(*arguments)
            context.progress(advance=1)

    async with asyncio.TaskGroup() as group:
        for _ in range(limit if total is None else min(limit, total)):
            group.create_task(work(), name="jupyter-agent-map")
    return [results[number] for number in sorted(results)]


async def _as_async(numbered: Iterator[tuple[int, Any]]) -> AsyncIterator[tuple[int, Any]]:
    for item in numbered:
        yield item


def _shortest(iterables: tuple[Iterable[Any], ...]) -> int | None:
    sizes = [len(iterable) for iterable in iterables if isinstance(iterable, Sized)]
    return min(sizes) if len(sizes) == len(iterables) else None


def _processors() -> int:
    return os.cpu_count() or 1
