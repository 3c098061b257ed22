"""The current task travels with work that is handed to threads: whoever hands it over is the task.

Pools outlive tasks, so what counts for a pool is who submits each piece of work. Only the current task
travels, not the other context variables, whose behaviour is Python's. A plain thread that is started outside
a task is not touched.
"""

from __future__ import annotations

import _thread
import functools
import threading
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from ...errors import TaskCancelled
from ..context import TaskContext, current, set_current
from .post_import import when_imported
from .wrapping import wrap_method

_SERVICES = frozenset({"tqdm._monitor"})
"""Modules whose threads serve the whole process, whichever task happens to start them."""

_installed = False


def install() -> None:
    """Have threads and pools take the current task along. Idempotent."""
    global _installed
    if not _installed:
        _installed = True
        wrap_method(threading.Thread, "start", _start_in_task)
        _wrap_low_level_start()
    when_imported("concurrent.futures._base", _hook_futures)
    when_imported("concurrent.futures.thread", _hook_executor)
    when_imported("multiprocessing.pool", _hook_thread_pool)


class Carried:
    """A call that runs as part of the task that made it, or of none, in whichever thread it runs."""

    __slots__ = ("_context", "_function")

    def __init__(self, function: Callable[..., Any], context: TaskContext) -> None:
        self._function = function
        self._context = context

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = set_current(self._context)
        try:
            return self._function(*args, **kwargs)
        finally:
            set_current(before)

    def __reduce__(self) -> Any:
        # For pools that pickle what they get (of interpreters): another interpreter has no task.
        return partial, (self._function,)


class CarriedWork(Carried):
    """A piece of work for a pool that hands what it raises to the code that waits for it."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._context.id:
            return super().__call__(*args, **kwargs)
        with self._context.cancellation.own_thread(helps=True):
            return super().__call__(*args, **kwargs)


class _ThreadPoolWork(CarriedWork):
    """The same for `multiprocessing.pool.ThreadPool`, whose threads hand over an `Exception` only.

    Any other ends the thread, and what waits for its work waits for ever.
    """

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except TaskCancelled as error:
            raise _HandedOver(error) from None


class _HandedOver(Exception):
    """A `TaskCancelled` on its way through a thread of a pool."""

    def __init__(self, error: TaskCancelled) -> None:
        super().__init__(str(error))
        self.error = error


def carried(function: Any, kind: type[Carried] = Carried) -> Any:
    """Return *function*, to be called as part of the current task, or of none outside a task."""
    return kind(function, current()) if callable(function) else function


def _start_in_task(start: Callable[..., None], thread: threading.Thread) -> None:
    context = current()
    if context.id and not context.closed and thread.ident is None and not _is_service(thread):
        _run_in_task(thread, context)
    start(thread)


def _is_service(thread: threading.Thread) -> bool:
    return type(thread).__module__ in _SERVICES or thread.name.startswith("jupyter-agent")


def _run_in_task(thread: threading.Thread, context: TaskContext) -> None:
    own = vars(thread).get("run")  # another tool's wrapper, such as that of an error tracker
    run = thread.run

    def run_in_task() -> None:
        vars(thread).pop("run", None)
        if own is not None:
            vars(thread)["run"] = own
        # Never reset: an exception that ends the thread is printed after `run`, and belongs to the task, too.
        set_current(context)
        try:
            run()
        except TaskCancelled:  # it asked; that the task was cancelled is said by the task
            if not context.cancelled:
                raise
        finally:
            context.screen.end_thread()

    vars(thread)["run"] = run_in_task


def _wrap_low_level_start() -> None:
    start = _thread.start_new_thread

    @functools.wraps(start)
    def start_new_thread(function: Any, *args: Any) -> int:
        return start(carried(function) if current().id else function, *args)

    _thread.start_new_thread = start_new_thread
    _thread.start_new = start_new_thread


def _hook_futures(module: ModuleType) -> None:
    wrap_method(getattr(module, "Future", None), "add_done_callback", partial(_first_carried, Carried))


def _hook_executor(module: ModuleType) -> None:
    wrap_method(getattr(module, "ThreadPoolExecutor", None), "submit", partial(_first_carried, CarriedWork))


def _hook_thread_pool(module: ModuleType) -> None:
    for name in ("apply_async", "map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered"):
        wrap_method(getattr(module, "ThreadPool", None), name, partial(_first_carried, _ThreadPoolWork))
    for name in ("ApplyResult", "MapResult", "IMapIterator", "IMapUnorderedIterator"):
        wrap_method(getattr(module, name, None), "_set", _set_original)
    # The callbacks of all pools are called in a thread of the pool. joblib's verbose messages are such.
    wrap_method(getattr(module, "ApplyResult", None), "__init__", _callbacks_carried)


def _first_carried(
    kind: type[Carried], method: Callable[..., Any], self: Any, *args: Any, **kwargs: Any
) -> Any:
    if args:
        return method(self, carried(args[0], kind), *args[1:], **kwargs)
    return method(
        self, **{name: carried(value, kind) if name in _NAMES else value for name, value in kwargs.items()}
    )


_NAMES = ("fn", "func")
"""What the parameter of the function to call is named."""


def _set_original(method: Callable[..., None], self: Any, place: int, result: Any) -> None:
    success, value = result
    method(self, place, (success, value.error if isinstance(value, _HandedOver) else value))


def _callbacks_carried(
    init: Callable[..., None], self: Any, pool: Any, callback: Any, error_callback: Any, *rest: Any
) -> None:
    init(self, pool, carried(callback), carried(error_callback), *rest)
