"""History: one task's newest events, read backwards page by page."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from ...journal.base import HistoryPage, StoredEvent
from ...journal.session import JournalSession
from .feed import Feed

PAGE_BYTES = 8 << 20
"""Size beyond which a page gets no further event."""

MAX_SCANS = 20
"""Reads of the journal for one page; rarer events are left for the next page."""


async def read_back(
    feed: Feed, task_id: str, upto: int, limit: int, types: Collection[str] | None, size: int = PAGE_BYTES
) -> HistoryPage:
    """Return the newest *limit* events of a task up to and including offset *upto*.

    The journal serves other requests between two reads.
    """
    events: list[StoredEvent] = []
    for _ in range(MAX_SCANS):
        page = await feed.call(partial(_read_page, task_id, upto, limit - len(events), types, size))
        events = page.events + events
        size -= sum(len(event.encoded) for event in page.events)
        upto = page.older
        if not upto or size <= 0 or len(events) == limit:
            break
    return HistoryPage(events, upto)


def _read_page(
    task_id: str, upto: int, limit: int, types: Collection[str] | None, size: int, session: JournalSession
) -> HistoryPage:
    return session.journal.past(task_id, upto, limit, types=types, size=size)
