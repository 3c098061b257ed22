"""The base class of background services: one named task that ticks until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import ClassVar, TypeVar

from ...errors import AgentError

T = TypeVar("T")


class PeriodicService(ABC):
    """Calls `tick` in one asyncio task, from `start` to `stop`. Belongs to the event loop.

    What a tick raises is logged here and nowhere else: at DEBUG when the journal or the disk is unavailable,
    as an error with its traceback when it is a bug. Either way the next tick comes after `interval`.
    """

    name: ClassVar[str]
    """What log lines and the asyncio task are named after."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def tick(self) -> float:
        """Do what is due and return the seconds until the next tick, at most; infinity: until `wake`."""

    @abstractmethod
    def interval(self) -> float:
        """Return the seconds until the next tick after one that raised."""

    async def setup(self) -> bool:
        """Prepare for the first tick; return False to end the service instead."""
        return True

    def start(self) -> None:
        """Begin to tick; the first tick is due at once. Idempotent."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"jupyter-agent-{self.name.replace(' ', '-')}")

    async def stop(self) -> None:
        """Cancel the tick in progress and end the task. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def wake(self) -> None:
        """Make the next tick due now, also one that is requested during a tick."""
        self._wake.set()

    async def guarded(self, work: Awaitable[T]) -> T | None:
        """Return the result of *work*, or ``None`` after logging what it raised."""
        try:
            return await work
        except (AgentError, OSError) as error:
            self._log.debug("%s: will try again: %s", self.name, error)
        except Exception:  # noqa: BLE001 - a bug in one tick must not stop the loop
            self._log.exception("%s: a bug; will try again", self.name)
        return None

    async def _run(self) -> None:
        if not await self.guarded(self.setup()):
            return
        while True:
            # Cleared before the tick and not after it: a wake during the tick asks for another one.
            self._wake.clear()
            seconds = await self.guarded(self.tick())
            await self._wait(self.interval() if seconds is None else seconds)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._wake.wait()
        except TimeoutError:
            return
