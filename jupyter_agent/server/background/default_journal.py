"""The journal ``default`` from whichever server: schedules are kept there and nowhere else.

The first server of a user holds it. Another one asks that server, and where there is none (it has ended, and
this one goes on) takes the journal for the moment of each job, as a command line does. Its own jobs take
turns in the order in which they came: the lock file knows no queue, and whoever asks often enough would
keep all others waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ...journal.one_shot import run_in_session
from ...journal.session import JournalSession
from ...journal.slots import holder_of
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT, Address, find_address
from ..delivery.feed import Feed

T = TypeVar("T")


class DefaultJournal:
    """Where jobs about schedules are done."""

    def __init__(self, feed: Feed, paths: DataPaths) -> None:
        self._feed = feed
        self._paths = paths
        self._turn = asyncio.Lock()

    @property
    def is_local(self) -> bool:
        """Whether this server holds it."""
        return self._feed.holder.slot.name == DEFAULT

    def remote_address(self) -> Address | None:
        """The server that must be asked; ``None`` when `call` will do."""
        return None if self.is_local else find_address(self._paths, DEFAULT)

    def is_free(self) -> bool:
        """Whether it is there, and nobody holds it for longer than a moment."""
        if not (self._paths.journals / DEFAULT / "journal.sqlite").exists():
            return False
        holder = holder_of(self._paths, DEFAULT)
        return holder is None or holder.kind == "moment"

    async def call(self, job: Callable[[JournalSession], T]) -> T:
        """Do *job* there. Raises `JournalHeld` when another process has the journal."""
        if self.is_local:
            return await self._feed.call(job)
        async with self._turn:
            return await asyncio.to_thread(run_in_session, self._paths, DEFAULT, job)
