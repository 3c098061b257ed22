"""The scheduler: waits for the next due and has it fired. One asyncio task does all the waiting.

It may be killed, come late or be asked twice: what has fired is known by the journal (see
`journal.firing`), and when to wake up next is worked out anew each time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...errors import JournalError, JournalHeld
from ...journal.operations.firing import ScheduleRunner
from ...journal.session import JournalSession
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT, Address
from ..delivery.feed import Feed
from .default_journal import DefaultJournal

T = TypeVar("T")
PERIOD = 10.0
"""Seconds between two looks at most, so that a clock that is set, or stood still, is noticed."""

ABSENCE_PERIOD = 2.0
"""The same, for a server that would take over from the holder of the schedules."""

WAITING_PERIOD = 0.5
"""The same, while a run waits for the one before to end."""


class Schedules:
    """Owns the scheduling task, from `start` to `stop`.

    *recover* brings in what processes have left, *launch* starts workers of tasks that were queued.
    """

    def __init__(
        self,
        feed: Feed,
        paths: DataPaths,
        log: logging.Logger,
        *,
        recover: Callable[[], Awaitable[None]],
        launch: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = DefaultJournal(feed, paths)
        self._log = log
        self._recover = recover
        self._launch = launch
        self.clock = clock
        self.runner = ScheduleRunner(paths, DEFAULT)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def finish(self) -> None:
        """Queue what was claimed before this server was started; before anybody looks for orphans."""
        if self._journal.is_local:
            await self._tried(
                self._journal.call(lambda session: self.runner.finish_claimed(session, self.clock()))
            )

    def start(self) -> None:
        """Begin to look after the schedules."""
        self._task = asyncio.create_task(self._run(), name="jupyter-agent-schedules")

    async def stop(self) -> None:
        """Look no more; again is nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def remote_address(self) -> Address | None:
        """The server whose schedules they are; ``None`` when `call` will do."""
        return self._journal.remote_address()

    async def call(self, job: Callable[[JournalSession], T]) -> T:
        """Do *job* in the journal that has the schedules, and look at once what is due now."""
        try:
            return await self._journal.call(job)
        finally:
            self._launch()
            self._wake.set()

    async def read(self, job: Callable[[JournalSession], T]) -> T:
        """The same for a *job* that changes nothing."""
        return await self._journal.call(job)

    async def look(self) -> float:
        """Fire what is due; seconds until the next look."""
        if not self._journal.is_local and not self._journal.is_free():
            return ABSENCE_PERIOD
        try:
            looked = await self._journal.call(lambda session: self.runner.tick(session, self.clock()))
        except JournalHeld:  # by a server that has just come, most likely
            return ABSENCE_PERIOD
        if looked.queued:
            self._launch()
        most = WAITING_PERIOD if looked.waiting else PERIOD
        return most if looked.next is None else min(most, max(0.0, looked.next - self.clock()))

    async def _run(self) -> None:
        await self._tried(self._recover())
        while True:
            self._wake.clear()
            pause = await self._tried(self.look())
            try:
                async with asyncio.timeout(PERIOD if pause is None else pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _tried(self, work: Awaitable[T]) -> T | None:
        """What *work* gives; ``None`` when that could not be had now and is tried again later."""
        try:
            return await work
        except (JournalError, OSError) as error:
            self._log.debug("schedules have to wait: %s", error)
        except Exception:  # noqa: BLE001 - a fault of ours in one look must not be the last look
            self._log.exception("looking after the schedules failed; it is tried again")
        return None
