"""Queries for pages of events, forwards and backwards, and the check of the index that they use."""

from __future__ import annotations

import heapq
import json
import logging
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import islice
from sqlite3 import Connection

from ...core.events import with_offset
from ..base import HistoryPage, StoredEvent
from ..joined_page import JoinedPage
from .errors import row_errors

log = logging.getLogger(__name__)
_EVENT = "SELECT offset, task, type, body, json_valid(body) FROM events"
_OF_TYPES = " AND type IN (SELECT value FROM json_each(?))"
_Event = tuple[int, str, str, str, bool]
_LAST = "SELECT max(offset) FROM (SELECT offset FROM events WHERE offset > ? ORDER BY offset LIMIT ?)"
_MISSING = (
    "SELECT 1 FROM events AS stored NOT INDEXED WHERE offset > ? AND offset <= ? AND NOT EXISTS"
    " (SELECT 1 FROM events AS found INDEXED BY events_by_task"
    " WHERE found.task = stored.task AND found.offset = stored.offset) LIMIT 1"
)


def read(
    db: Connection,
    after: int,
    limit: int,
    tasks: Collection[str] | None,
    types: Collection[str] | None,
    size: int,
    upto: int | None,
) -> list[StoredEvent]:
    """See `base.Journal.read`."""
    condition, values = _type_filter(types)
    if upto is not None:
        condition, values = f"{condition} AND offset <= ?", [*values, upto]
    order = " ORDER BY offset LIMIT ?"
    if tasks is None:
        sql = f"{_EVENT} WHERE offset > ?{condition}{order}"
        return _page(iter(db.execute(sql, [after, *values, limit])), size)
    one = f"{_EVENT} WHERE offset > ? AND task = ?{condition}{order}"
    parts = [db.execute(one, [after, task, *values, limit]) for task in set(tasks)]
    return _page(islice(heapq.merge(*parts), limit), size)


def check_index(db: Connection, after: int, limit: int) -> tuple[int, bool]:
    """Check the index of the *limit* events after an offset, and build it again if one is missing in it.

    SQLite reads an index that a disk has changed without an error as long as its pages look like pages: logs
    have gaps, though every line is stored.

    Returns the offset of the last one that was checked, 0 when there was none, and whether it was built anew.
    """
    last = db.execute(_LAST, [after, limit]).fetchone()[0]
    if last is None:
        return 0, False
    if db.execute(_MISSING, [after, last]).fetchone() is None:
        return int(last), False
    db.execute("REINDEX events_by_task")
    return int(last), True


def joined(
    db: Connection, task: str, after: int, limit: int, types: Collection[str], longest: int
) -> JoinedPage:
    """See `base.Journal.joined`. One row: between any two, the journal's thread may wait for the GIL."""
    page = "SELECT offset, type, body FROM events WHERE task = ? AND offset > ? ORDER BY offset LIMIT ?"
    marks = ", ".join("?" * len(types))
    wanted = f"type IN ({marks}) AND length(body) <= ? AND json_valid(body)"
    sql = f"SELECT count(*), max(offset), group_concat(body) FILTER (WHERE {wanted}) FROM ({page})"
    with row_errors("events"):
        count, last, bodies = db.execute(sql, [*types, longest, task, after, limit]).fetchone()
        return JoinedPage(f"[{bodies or ''}]".encode(), last or 0, count == limit)


def tail(
    db: Connection, task: str, count: int, types: Collection[str], head: int, scan_limit: int | None
) -> list[StoredEvent]:
    """See `base.Journal.tail`."""
    condition, values = _type_filter(types)
    floor = 0 if scan_limit is None else _older(db, task, head, scan_limit)
    sql = f"{_EVENT} WHERE task = ? AND offset > ?{condition} ORDER BY offset DESC LIMIT ?"
    return _page(db.execute(sql, [task, floor, *values, count]))[::-1]


def past(
    db: Connection,
    task: str,
    upto: int,
    limit: int,
    types: Collection[str] | None,
    size: int,
    scan_limit: int,
) -> HistoryPage:
    """See `base.Journal.past`."""
    condition, values = _type_filter(types)
    floor = 0 if types is None else _older(db, task, upto, scan_limit)
    sql = f"{_EVENT} WHERE task = ? AND offset <= ? AND offset > ?{condition} ORDER BY offset DESC LIMIT ?"
    passed = [floor + 1]
    events = _page(_recorded(db.execute(sql, [task, upto, floor, *values, limit]), passed), size)
    return HistoryPage(events[::-1], _older(db, task, passed[-1] - 1))


def _older(db: Connection, task: str, upto: int, skip: int = 0) -> int:
    """Return the offset of the newest event of *task* up to *upto*, after *skip* others; 0 without one."""
    sql = "SELECT offset FROM events WHERE task = ? AND offset <= ? ORDER BY offset DESC LIMIT 1 OFFSET ?"
    row = db.execute(sql, [task, upto, skip]).fetchone()
    return int(row[0]) if row else 0


def _type_filter(types: Collection[str] | None) -> tuple[str, list[object]]:
    return ("", []) if types is None else (_OF_TYPES, [json.dumps(list(types))])


def _page(rows: Iterable[_Event], size: int | None = None) -> list[StoredEvent]:
    """Return the rows as events, without damaged ones: those would stop every reader there for good."""
    page: list[StoredEvent] = []
    weight = 0
    with row_errors("events"):
        for offset, task, kind, body, sound in rows:
            if not sound:
                _log_damage(offset)
                continue
            page.append(StoredEvent(offset, task, kind, with_offset(body.encode(), offset)))
            weight += len(body)
            if size is not None and weight > size:
                break
    return page


def _recorded(rows: Iterable[_Event], passed: list[int]) -> Iterator[_Event]:
    """Yield the same rows and append the offset of each, damaged ones included, to *passed*."""
    for row in rows:
        passed.append(row[0])
        yield row


@cache  # logs each offset once
def _log_damage(offset: int) -> None:
    log.error("event %d in the journal is damaged on disk and is passed over", offset)
