"""Call of a user's function: coroutines are awaited, generators refused, and ``sys.exit(0)`` is an end."""

from __future__ import annotations

import asyncio
import dis
import inspect
from collections.abc import Callable, Coroutine
from types import AsyncGeneratorType, FrameType, GeneratorType
from typing import Any

_RESUME = dis.opmap["RESUME"]
"""The instruction with which the body of a function begins."""


def value_of(call: Callable[[], Any], run: Callable[[Coroutine[Any, Any, Any]], Any] = asyncio.run) -> Any:
    """Return what *call* returns; *run* runs a coroutine that it returns, as a lambda or a wrapper may.

    Raises `TypeError` for a generator of which nothing has run.
    """
    try:
        value = call()
        return check_value(run(awaited(value)) if isinstance(value, Coroutine) else value)
    except SystemExit as error:
        if error.code in (None, 0):
            return None
        raise


async def awaited(value: Any) -> Any:
    """Return what *value*, a coroutine or an object that is one to `collections.abc`, returns in the end."""
    while isinstance(value, Coroutine):
        value = await value
    return value


def check_value(value: Any) -> Any:
    """Return *value*. Raises `TypeError` for a generator of which nothing has run."""
    if isinstance(value, GeneratorType) and inspect.getgeneratorstate(value) == inspect.GEN_CREATED:
        raise TypeError(_sentence(value.__name__, "for"))
    if (
        isinstance(value, AsyncGeneratorType)
        and value.ag_frame is not None
        and not _has_begun(value.ag_frame)
    ):
        raise TypeError(_sentence(value.__name__, "async for"))
    return value


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Return whether calling *function*, or what it wraps by `functools.wraps`, returns a coroutine."""
    plain = inspect.unwrap(function)
    called = getattr(type(plain), "__call__", None)  # noqa: B004 - the method, not whether it can be called
    return any(map(inspect.iscoroutinefunction, (function, plain, called)))


def _has_begun(frame: FrameType) -> bool:
    """Return whether a generator has come to the beginning of its body, or further.

    `inspect.getasyncgenstate`, from Python 3.12 on, says the same.
    """
    return frame.f_lasti // 2 >= frame.f_code.co_code[::2].index(_RESUME)


def _sentence(name: str, loop: str) -> str:
    return (
        f"{name} is a generator, and nothing of it has run: loop over it with {loop!r} inside the task, "
        "report what it yields with ja.current(), or return a list"
    )
