"""Search in a task's log by a reader on the event loop: others are served between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial
from typing import NamedTuple

from ...core.events import decode_event
from ...core.logs.line_filter import LineFilter
from ...journal.base import SCAN_LIMIT, HistoryPage, Journal, StoredEvent
from ...journal.operations.pace import Pace
from ...journal.session import JournalSession
from .feed import Feed

SEARCH_SECONDS = 0.1
"""Seconds after which a search ends with the step that it is in; the next request goes on from there."""

_TYPES = ("log",)
_FIRST_STEP, _LARGEST_STEP, _SMALLEST_STEP = 500, 5000, 50
"""Events that a step looks at."""


class LogPage(NamedTuple):
    """What was found, oldest first. ``looked``: how many events of the log were looked at.

    ``offset``: where the next page goes on; ``more``: whether there is one.
    """

    events: list[StoredEvent]
    offset: int
    looked: int
    more: bool


class LogSearch:
    """A search for at most *limit* events of one task, from an offset on, forward or backward.

    Backward it begins with the event at that offset, forward behind it. *types*: what is looked through.
    """

    def __init__(
        self,
        task_id: str,
        offset: int,
        line_filter: LineFilter,
        limit: int,
        *,
        backward: bool,
        types: Collection[str] = _TYPES,
    ) -> None:
        self._task = task_id
        self._offset = offset
        self._filter = line_filter
        self._types = types
        self._limit = limit
        self._read = self._read_back if backward else self._read_on
        self._order = -1 if backward else 1
        self._found: list[StoredEvent] = []
        self._looked = 0
        self._more = True
        self._pace = Pace(_FIRST_STEP, _LARGEST_STEP, smallest=_SMALLEST_STEP)

    async def run(self, feed: Feed, clock: Callable[[], float] = time.monotonic) -> LogPage:
        """Search for `SEARCH_SECONDS` at most; the page may be empty although there is more."""
        deadline = clock() + SEARCH_SECONDS
        while self._more and len(self._found) < self._limit:
            await feed.call(self._step)
            if clock() >= deadline:
                break
        return LogPage(self._found[:: self._order], self._offset, self._looked, self._more)

    def _step(self, session: JournalSession) -> None:
        with self._pace.step() as count:
            events, offset, more = self._read(session.journal, count)
            for event in events:
                self._looked += 1
                if not self._filter.wants(decode_event(event.encoded)):
                    continue
                self._found.append(event)
                if len(self._found) == self._limit:
                    self._offset = event.offset - 1 if self._order < 0 else event.offset
                    self._more = more or event is not events[-1]
                    return
            self._offset, self._more = offset, more

    def _read_back(self, journal: Journal, count: int) -> tuple[list[StoredEvent], int, bool]:
        page = journal.past(self._task, self._offset, count, types=self._types, scan_limit=count)
        return page.events[::-1], page.older, page.older > 0

    def _read_on(self, journal: Journal, count: int) -> tuple[list[StoredEvent], int, bool]:
        end = journal.scan_end(self._offset, SCAN_LIMIT)
        events = journal.read(self._offset, count, tasks=[self._task], types=self._types, upto=end)
        # A page may end early by its size: only one without events says that there are none up to the end.
        offset = events[-1].offset if events else max(end, self._offset)
        return events, offset, bool(events) or end < journal.head


async def find_line(feed: Feed, task_id: str, line: int) -> int | None:
    """Return the offset of the last event that begins in *line* or before it; 0 when there is none.

    ``None`` when the log's lines have no numbers.
    """
    low, high, found = 0, feed.head, 0
    while low < high:
        middle = (low + high + 1) // 2
        event = await _newest_log(feed, task_id, low, middle)
        number = decode_event(event.encoded).line if event is not None else line
        if number == 0:
            return None
        if event is not None and number > line:
            high = event.offset - 1
        else:
            low, found = middle, found if event is None else event.offset
    return found


async def _newest_log(feed: Feed, task_id: str, after: int, upto: int) -> StoredEvent | None:
    """Return the newest event of the log in ``(after, upto]``."""
    while upto > after:
        page = await feed.call(partial(_read_newest, task_id, upto))
        if page.events:
            return page.events[0] if page.events[0].offset > after else None
        upto = page.older
    return None


def _read_newest(task_id: str, upto: int, session: JournalSession) -> HistoryPage:
    return session.journal.past(task_id, upto, 1, types=_TYPES, scan_limit=_LARGEST_STEP)
