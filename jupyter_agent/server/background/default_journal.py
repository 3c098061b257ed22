"""Access to the journal ``default``, where all schedules live, from any server of a user.

The first server holds it and uses it directly. Another server asks the holder over HTTP. When there is no
holder (it has ended, and this server still runs), it opens the journal for one job, as a command line does.
Its jobs acquire an in-process lock first: the file lock is not fair, so a job that tried it more often would
starve the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ...journal.one_shot import run_in_session
from ...journal.session import JournalSession
from ...journal.slots import holder_of
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT, ONE_SHOT, Address, find_address
from ..delivery.feed import Feed

T = TypeVar("T")


class DefaultJournal:
    """Runs jobs about schedules."""

    def __init__(self, feed: Feed, paths: DataPaths) -> None:
        self._feed = feed
        self._paths = paths
        self._turn = asyncio.Lock()

    @property
    def is_local(self) -> bool:
        """True if this server holds it."""
        return self._feed.holder.slot.name == DEFAULT

    def remote_address(self) -> Address | None:
        """Return the server that must be asked; ``None`` when `call` works here."""
        return None if self.is_local else find_address(self._paths, DEFAULT)

    def is_free(self) -> bool:
        """Return True if it exists and no process holds it for longer than one job."""
        if not (self._paths.journals / DEFAULT / "journal.sqlite").exists():
            return False
        holder = holder_of(self._paths, DEFAULT)
        return holder is None or holder.kind == ONE_SHOT

    async def call(self, job: Callable[[JournalSession], T]) -> T:
        """Run *job* in it. Raises `JournalHeld` when another process holds it."""
        if self.is_local:
            return await self._feed.call(job)
        async with self._turn:
            return await asyncio.to_thread(run_in_session, self._paths, DEFAULT, job)
