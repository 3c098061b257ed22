"""The scheduler: waits for the next due of any schedule and fires it.

It may be killed, be late or run twice: the journal knows what has fired (see `journal.operations.firing`),
and the next wake-up is computed anew in each tick.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...errors import JournalHeld
from ...journal.operations.firing import ScheduleRunner
from ...journal.session import JournalSession, PreemptibleJob, Urgency
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT, Address
from ..delivery.feed import Feed
from .believed_clock import BelievedClock
from .default_journal import DefaultJournal
from .periodic import PeriodicService

T = TypeVar("T")
PERIOD = 10.0
"""Maximum seconds between two ticks, so that a changed or suspended clock is noticed."""

ABSENCE_PERIOD = 2.0
"""The same, for a server that waits to take over from the holder of the schedules."""

WAITING_PERIOD = 0.5
"""The same, while a run waits for the previous one to end."""


class Scheduler(PeriodicService):
    """Fires the schedules of the journal ``default``.

    *recover* is awaited before the first tick; *launch* starts workers of queued tasks.
    """

    name = "scheduler"

    def __init__(
        self,
        feed: Feed,
        paths: DataPaths,
        log: logging.Logger,
        *,
        recover: Callable[[], Awaitable[None]],
        launch: Callable[[], None],
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(log)
        self._journal = DefaultJournal(feed, paths)
        self._recover = recover
        self._launch = launch
        self.clock = clock or BelievedClock()
        self.runner = ScheduleRunner(paths, DEFAULT)

    async def finish_claimed(self) -> None:
        """Queue the firings that were claimed before this server started.

        Call it before `Liveness.start`, which would interrupt them as orphans.
        """
        if self._journal.is_local:
            await self.guarded(
                self._journal.call(_prompt(lambda session: self.runner.finish_claimed(session, self.clock())))
            )

    async def setup(self) -> bool:
        """Recover what dead processes left: a schedule may wait for a task of theirs."""
        await self.guarded(self._recover())
        return True

    def remote_address(self) -> Address | None:
        """Return the server that holds the schedules; ``None`` when `call` works here."""
        return self._journal.remote_address()

    async def call(self, job: Callable[[JournalSession], T]) -> T:
        """Run *job* in the journal that has the schedules, then fire at once what is due."""
        try:
            return await self._journal.call(job)
        finally:
            self._launch()
            self.wake()

    async def read(self, job: Callable[[JournalSession], T]) -> T:
        """Run a *job* that changes nothing."""
        return await self._journal.call(job)

    def interval(self) -> float:
        return PERIOD

    async def tick(self) -> float:
        """Fire what is due."""
        if not self._journal.is_local and not self._journal.is_free():
            return ABSENCE_PERIOD
        try:
            result = await self._journal.call(
                _prompt(lambda session: self.runner.tick(session, self.clock()))
            )
        except JournalHeld:  # most likely by a server that has just started
            return ABSENCE_PERIOD
        if result.queued:
            self._launch()
        longest = WAITING_PERIOD if result.waiting else PERIOD
        return longest if result.next is None else min(longest, max(0.0, result.next - self.clock()))


def _prompt(job: Callable[[JournalSession], T]) -> PreemptibleJob[T]:
    """Return *job* as one that others interrupt, and that itself need not wait for a recovery."""
    return PreemptibleJob(job, Urgency.PROMPT)
