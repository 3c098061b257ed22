"""Callables: importing a function by name, and calling one in the worker's main thread."""

from __future__ import annotations

import asyncio
import importlib
import signal
from collections.abc import Callable, Coroutine
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Self

from ...errors import BadTarget
from ...runtime.engines.calls import value_of
from ...system.start import use_caller_path

POLL_INTERVAL = 0.1
"""Seconds within which a signal is handled while an event loop waits."""


def find_function(name: str) -> Callable[..., Any]:
    """Return the function ``module:function``, imported from the working directory first.

    Of one made with `task`, the plain function. Raises `BadTarget`, and what importing the module raises.
    """
    module_name, _, attributes = name.partition(":")
    found = _import(module_name)
    for attribute in attributes.split("."):
        found = _get(found, attribute)
    function = _without_task(found)
    if not callable(function):
        raise BadTarget(f"{name} is not a function but of type {type(function).__name__}")
    return function


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call *function* and return its result; a coroutine is run to its end."""
    return value_of(partial(function, *args, **kwargs), _run)


def _import(name: str) -> Any:
    use_caller_path()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise
        raise BadTarget(
            f"there is no module {missing!r} in {Path.cwd()} nor among what is installed"
        ) from error


def _get(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        where = getattr(owner, "__name__", type(owner).__name__)
        near = get_close_matches(name, dir(owner), 1)
        hint = f"; is {near[0]} meant?" if near else ""
        raise BadTarget(f"{where} has no {name!r}{hint}") from error


def _without_task(found: Any) -> object:
    """Return the plain function of what `task` made; anything else as it is.

    The mark is looked up on the type, as Python does for special methods, so that a module or object
    with a ``__getattr__`` is not taken for one. A worker must not import `notebook` to use `isinstance`.
    """
    is_marked = hasattr(type(found), "__jupyter_agent_function__")
    return found.__jupyter_agent_function__ if is_marked else found


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner() as runner, _LoopInterrupt(runner.get_loop()) as interrupt:
        try:
            return runner.run(interrupt.watch(coroutine))
        except asyncio.CancelledError:
            if interrupt.raised is not None:
                raise interrupt.raised from None
            raise


class _LoopInterrupt:
    """While an event loop runs in the main thread, SIGTERM cancels the coroutine instead of raising.

    An exception raised by the signal's handler could hit any callback of the loop, which would swallow it.
    The second SIGTERM raises all the same: the coroutine went on after its cancellation.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.raised: BaseException | None = None
        self._loop = loop
        self._running: asyncio.Task[Any] | None = None
        self._before: Any = None

    async def watch(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        self._running = asyncio.current_task()
        waker = asyncio.ensure_future(_wake_loop())
        try:
            return await coroutine
        finally:
            waker.cancel()

    def __enter__(self) -> Self:
        self._before = signal.getsignal(signal.SIGTERM)
        if callable(self._before):
            signal.signal(signal.SIGTERM, self._handle)
        return self

    def __exit__(self, *details: object) -> None:
        if callable(self._before):
            signal.signal(signal.SIGTERM, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        try:
            self._before(number, frame)
        except BaseException as error:
            if self.raised is not None or self._running is None:
                raise
            self.raised = error
            self._loop.call_soon_threadsafe(self._running.cancel)


async def _wake_loop() -> None:
    """Wake the loop now and then: a signal just before it begins to wait is handled only when it wakes."""
    while True:  # noqa: ASYNC110 - waking is the purpose
        await asyncio.sleep(POLL_INTERVAL)
