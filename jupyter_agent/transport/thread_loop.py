"""Event loop of a background thread, which may end while the process exits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_in_thread(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* as `asyncio.run` does, but start no thread at its end.

    An exit handler may wait for that end. Python 3.12.0 and 3.12.1 start no thread then, and `asyncio.run`
    starts one for a loop that has looked up a host's name.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        try:
            loop.run_until_complete(_end_others())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
