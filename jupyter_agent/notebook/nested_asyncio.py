"""`run`: runs a coroutine from a plain cell, while the kernel's event loop runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from ..rendering.signatures import readable

T = TypeVar("T")


@readable
def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* and return its result.

    Where a loop is running already, that loop is made re-entrant first, by nest-asyncio2, unless it or
    nest_asyncio has been applied before.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    if not _is_nested(loop):
        if not isinstance(loop, asyncio.BaseEventLoop):
            coroutine.close()
            raise RuntimeError(
                f"an event loop of {type(loop).__module__} cannot wait inside itself; use 'await' "
                "instead, also for a task: await handle"
            )
        import nest_asyncio2

        nest_asyncio2.apply(loop)
    return _run_nested(loop, loop.create_task(coroutine))


def _run_nested(loop: asyncio.AbstractEventLoop, running: asyncio.Task[T]) -> T:
    """Run *running* to its end; an interrupt from the keyboard cancels it first, as `asyncio.run` does."""
    try:
        return loop.run_until_complete(running)
    except KeyboardInterrupt:
        if running.done():  # it was raised in the coroutine
            raise
        running.cancel()
        try:
            return loop.run_until_complete(running)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


def _is_nested(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether either package has patched *loop*: both set an attribute on it or its class."""
    return hasattr(loop, "_nest_patched") or hasattr(type(loop), "_nest_patched")
