"""Opening a journal later: a server that starts on a full or read-only disk is off until it can have one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ..errors import JournalError
from ..journal.holder import Holder
from ..journal.slots import take_server_slot
from ..system.paths import DataPaths
from .background.periodic import PeriodicService
from .delivery.feed import Feed
from .services import NoJournal

STOPS = "the server stops"
PERIOD = 2.0
"""Seconds between two tries."""


def open_journal(paths: DataPaths) -> Feed:
    """Open the first journal that no other server holds; return its feed. Raises `JournalError`."""
    feed = Feed()
    feed.attach(
        take_server_slot(paths, lambda slot: Holder(slot, on_commit=feed.on_commit, on_epoch=feed.replaced))
    )
    return feed


async def open_journal_beside(paths: DataPaths) -> Feed:
    """Call `open_journal` in a thread; a journal that is opened after this was cancelled is closed again."""
    opening = asyncio.ensure_future(asyncio.to_thread(open_journal, paths))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with suppress(JournalError, OSError):  # else it would take the place of the cancel
            (await opening).holder.close()
        raise


def close_journal(holder: Holder, log: logging.Logger) -> None:
    """Close *holder*; a disk that fails is told to *log*: Jupyter does not stop when an extension raises."""
    try:
        holder.close()
    except (JournalError, OSError) as error:
        log.error("the journal was not closed in order, which its next holder makes up for: %s", error)


class JournalOpening(PeriodicService):
    """Awaits *open_journal* until it raises no `JournalError` or `OSError`; meanwhile *none* says why."""

    name = "journal opening"

    def __init__(
        self, none: NoJournal, open_journal: Callable[[], Awaitable[None]], log: logging.Logger
    ) -> None:
        super().__init__(log)
        self._none = none
        self._open = open_journal

    async def tick(self) -> float:
        try:
            await self._open()
        except (JournalError, OSError) as error:
            self._none.why = off(error)
            return PERIOD
        self._none.why = STOPS
        return float("inf")

    def interval(self) -> float:
        return PERIOD


def off(error: JournalError | OSError) -> str:
    """Return the sentence that says why there is no journal now, and that there may be one later."""
    return f"jupyter_agent is off until a journal can be opened: {error}"
