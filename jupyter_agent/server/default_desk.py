"""The journal ``default`` from whichever server: schedules are kept there and nowhere else.

The first server of a user holds it. Another one asks that server, and where there is none (it has ended, and
this one goes on) takes the journal for the moment of each job, as a command line does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from ..discovery import DEFAULT, Address, find_address
from ..errors import JournalHeld
from ..journal.holder import Desk, Holder
from ..journal.ingest import interrupt_orphans, peek_spools, take_in
from ..journal.slots import Slot, take_moment_slot
from ..locks import is_locked
from ..places import Places
from .feed import Feed

T = TypeVar("T")
LEASE = 86_400.0
"""Seconds since its last word that a producer on another machine counts as alive."""

PATIENCE = 2.0
_RETRY = 0.05


class DefaultDesk:
    """Where jobs about schedules are done."""

    def __init__(self, feed: Feed, places: Places) -> None:
        self._feed = feed
        self._places = places

    @property
    def is_ours(self) -> bool:
        """Whether this server holds it."""
        return self._feed.holder.slot.name == DEFAULT

    def elsewhere(self) -> Address | None:
        """The server that must be asked; ``None`` when `call` will do."""
        return None if self.is_ours else find_address(self._places, DEFAULT)

    def is_free(self) -> bool:
        """Whether it is there, and nobody holds it."""
        folder = self._places.journals / DEFAULT
        return (folder / "journal.sqlite").exists() and not is_locked(folder / "lock")

    async def call(self, job: Callable[[Desk], T]) -> T:
        """Do *job* there. Raises `JournalHeld` when another process has the journal."""
        if self.is_ours:
            return await self._feed.call(job)
        return await asyncio.to_thread(_for_a_moment, self._places, job)


def _for_a_moment(places: Places, job: Callable[[Desk], T]) -> T:
    slot = _take(places)
    try:
        holder = Holder(slot)
    except BaseException:
        slot.release()
        raise

    def work(desk: Desk) -> T:
        take_in(desk, places, DEFAULT)
        peek_spools(desk, places, DEFAULT)
        interrupt_orphans(desk, places, lambda _: False, now=time.time(), lease=LEASE)
        return job(desk)

    with holder:
        return holder.call(work).result()


def _take(places: Places) -> Slot:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return take_moment_slot(places, DEFAULT)
        except JournalHeld as held:
            if held.holder.get("kind") == "server" or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY)
