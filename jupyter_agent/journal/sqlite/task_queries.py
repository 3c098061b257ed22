"""Queries for tasks, producers and pending commands."""

from __future__ import annotations

import heapq
import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from sqlite3 import Connection
from typing import NamedTuple

from msgspec.structs import replace

from ...core.events import TaskState, decode_event
from ...core.query import TaskQuery
from ...core.task import Task
from ..base import CellLocation, PendingCommand, ProducerRow, TaskIds
from . import cell_index, listing
from .committed_rows import producer_row, task_decoder
from .errors import row_errors

_NO_LIMIT = -1
"""What SQLite takes for ``LIMIT`` when all rows are wanted."""

_TABLE_ROW = 3
"""How many rows of a narrow index may be scanned in the time of one row of ``tasks``, give or take."""

FEW = 2000
"""Tasks of a producer up to which they are looked through, instead of all that are open."""

PAGE = 500
"""Open tasks that are read at once where one producer's are looked for among them."""

_OPEN_STATES = ("queued", "running")
_IS_OPEN = "state IN ('queued', 'running')"
_OPEN_LISTED = (
    "SELECT task FROM listed INDEXED BY listed_by_state WHERE state = ? AND task > ? ORDER BY task LIMIT ?"
)
_OPEN_UNLISTED = "SELECT id FROM tasks WHERE state = ? AND ended IS NULL AND id > ? ORDER BY id LIMIT ?"
"""For a journal of an older version, which has an index for it until all tasks are listed."""
_BY_PRODUCER = "FROM tasks INDEXED BY tasks_by_producer WHERE producer = ?"

MANY_PLACES = 500
"""Locations up to which each one's tasks are asked for, in a statement of their own."""

_STATE, _NAME, _PRODUCER = "state = ?", "name = ?", "producer = ?"
_BEFORE, _AFTER = "{} < ?", "{} > ?"
Conditions = dict[str, object]
"""SQL conditions with their values: one, a tuple of any number, or ``None`` when it is not wanted."""


class _Source(NamedTuple):
    """An index that gives tasks newest first: the tables before ``WHERE``, and the conditions that it serves.

    ``weight``: the cost of one of its rows, in rows of a narrow index.
    """

    tables: str
    at: Conditions
    ident: str = "id"
    weight: int = 1


_ALL = _Source("tasks", {})


class _Found(NamedTuple):
    """Ids of one source; ``cut``: the id at which its scan ended early, empty when there is nothing more."""

    ids: list[str]
    cut: str


def task_ids(
    db: Connection,
    query: TaskQuery,
    producer: str | None,
    locations: Collection[CellLocation] | None,
    unlisted: str,
    scan_limit: int,
) -> TaskIds:
    """See `base.Journal.task_ids`. Tasks below the id *unlisted* are looked for in ``tasks`` itself."""
    filters: Conditions = {_STATE: query.state, _NAME: query.name}
    if locations is not None or producer is not None:
        spots = dict.fromkeys(cell_index.places(locations or ()))
        sources = _direct_sources(producer, None if locations is None else spots)
        if len(spots) > MANY_PLACES:
            sources = [_Source("tasks", {}, weight=_TABLE_ROW)]
            filters |= {cell_index.AMONG: cell_index.encoded(spots), _PRODUCER: producer}
        return _merged(db, sources, filters | {listing.WITH_KEY: query.key}, query, scan_limit)
    sources = _listed_sources(query)
    if not unlisted or sources == [_ALL]:
        return _merged(db, sources, filters, query, scan_limit)
    return _in_both(db, sources, filters, query, unlisted, scan_limit)


def _in_both(
    db: Connection,
    sources: list[_Source],
    filters: Conditions,
    query: TaskQuery,
    unlisted: str,
    scan_limit: int,
) -> TaskIds:
    """Return ids from indexes that have the tasks from *unlisted* on, and then of those below it."""
    ids: list[str] = []
    if query.before is None or query.before > unlisted:
        listed = [source._replace(at=source.at | {"task >= ?": unlisted}) for source in sources]
        ids, before = _merged(db, listed, filters, query, scan_limit)
        if before is not None or len(ids) == query.limit:
            return TaskIds(ids, before)
        query = _replaced(query, unlisted, len(ids))
    source = _unlisted_source(query)
    if listing.AT_KEY not in source.at:
        filters = filters | {listing.WITH_KEY: query.key}
    older, before = _merged(db, [source], filters, query, scan_limit)
    return TaskIds(ids + older, before)


def _replaced(query: TaskQuery, before: str, found: int) -> TaskQuery:
    limit = None if query.limit is None else query.limit - found
    return replace(query, before=before, limit=limit)


def _direct_sources(producer: str | None, spots: Collection[tuple[str, str]] | None) -> list[_Source]:
    """Return the indexes of each location, or of a producer, which every journal has; each task is in one."""
    at: Conditions = {_PRODUCER: producer}
    if spots is None:
        return [_Source("tasks INDEXED BY tasks_by_producer", at, weight=_TABLE_ROW)]
    return [_Source(cell_index.TASKS, {cell_index.AT: spot} | at, "cells.task", _TABLE_ROW) for spot in spots]


def _listed_sources(query: TaskQuery) -> list[_Source]:
    """Return a source for each wanted state: none has to be scanned for a rare one."""
    at: Conditions = {}
    if query.key is not None:
        index, at = "listed_by_key", {"key = ?": query.key}
    elif query.name is not None:
        index, at = "listed_by_name", {_NAME: query.name}
    elif query.state is not None:
        index = "listed_by_state"
    else:
        return [_ALL]
    states = TaskState if query.state is None else [query.state]
    return [_Source(f"listed INDEXED BY {index}", at | {_STATE: state}, "task") for state in states]


def _unlisted_source(query: TaskQuery) -> _Source:
    """Return what every journal has, for the tasks that are not listed yet."""
    if query.state in _OPEN_STATES:  # few, and an index of older versions has them in the order of their ids
        return _Source("tasks", {_STATE: query.state, "ended IS NULL": ()}, weight=_TABLE_ROW)
    if query.key is not None:
        return _Source(listing.KEYED, {listing.AT_KEY: query.key}, "keys.task", _TABLE_ROW)
    return _Source("tasks", {}, weight=_TABLE_ROW)


def _merged(
    db: Connection, sources: list[_Source], filters: Conditions, query: TaskQuery, scan_limit: int
) -> TaskIds:
    """Return the newest ids of all *sources*, as far back as the scan of each has come."""
    rows = max(scan_limit // max(len(sources), 1), 1)
    found = [_newest(db, source, filters, query, rows) for source in sources]
    # Below the place where one of them was cut short, the others' ids are not the next ones.
    floor = max((one.cut for one in found), default="")
    ids = sorted((ident for one in found for ident in one.ids if ident >= floor), reverse=True)
    if query.limit is not None and len(ids) >= query.limit:
        return TaskIds(ids[: query.limit], None)
    return TaskIds(ids, floor or None)


def _newest(db: Connection, source: _Source, filters: Conditions, query: TaskQuery, rows: int) -> _Found:
    """Scan at most *rows* (as narrow ones) of one source for the newest ids that fit the *filters*."""
    limit = _NO_LIMIT if query.limit is None else query.limit
    ends = {_BEFORE.format(source.ident): query.before, _AFTER.format(source.ident): query.after}
    at = _given(source.at | ends)
    among = _given({clause: value for clause, value in filters.items() if clause not in source.at})
    ordered = f"FROM {source.tables} WHERE {_clause(at)} ORDER BY {source.ident} DESC"
    if not among:  # every row that is scanned is a row that is found
        found = [
            ident
            for (ident,) in db.execute(f"SELECT {source.ident} {ordered} LIMIT ?", [*_values(at), limit])
        ]
        return _Found(found, "")
    scanned = max(rows // source.weight, 1)
    fits = f"SELECT {source.ident} AS ident, {_clause(among)} AS fits {ordered} LIMIT ?"
    values = [*_values(among), *_values(at), scanned]
    found = [
        ident for (ident,) in db.execute(f"SELECT ident FROM ({fits}) WHERE fits LIMIT ?", [*values, limit])
    ]
    if len(found) == limit:
        return _Found(found, "")
    last = db.execute(
        f"SELECT {source.ident} {ordered} LIMIT 1 OFFSET ?", [*_values(at), scanned - 1]
    ).fetchone()
    return _Found(found, last[0] if last else "")


def _given(conditions: Conditions) -> Conditions:
    return {clause: value for clause, value in conditions.items() if value is not None}


def _clause(conditions: Conditions) -> str:
    return " AND ".join(conditions) or "1"


def _values(conditions: Conditions) -> list[object]:
    return [
        part for value in conditions.values() for part in (value if isinstance(value, tuple) else (value,))
    ]


def tasks_of(db: Connection, ids: Collection[str]) -> list[Task]:
    """Return the tasks with these ids, in their order; those that are gone are left out."""
    clause = "CROSS JOIN tasks ON tasks.id = wanted.value ORDER BY wanted.key"
    return _tasks(
        db.execute(f"SELECT snapshot FROM json_each(?) AS wanted {clause}", [json.dumps(list(ids))])
    )


def open_ids(db: Connection, unlisted: str, producer: str | None, after: str, limit: int | None) -> list[str]:
    """Return the ids of what `base.Journal.open_tasks` returns."""
    if producer is None:
        return _all_open(db, unlisted, after, limit)
    if _has_few(db, producer):
        found = db.execute(
            f"SELECT id {_BY_PRODUCER} AND {_IS_OPEN} AND id > ? ORDER BY id", [producer, after]
        )
        return _ids(islice(found, limit))
    is_its = "SELECT 1 FROM tasks WHERE id = ? AND producer = ?"
    pages = _open_pages(db, unlisted, after)
    wanted = (ident for ident in pages if db.execute(is_its, [ident, producer]).fetchone())
    return list(islice(wanted, limit))


def _open_pages(db: Connection, unlisted: str, after: str) -> Iterator[str]:
    """Yield the ids of all open tasks, and read no more of them than are asked for."""
    while page := _all_open(db, unlisted, after, PAGE):
        yield from page
        after = page[-1]


def _all_open(db: Connection, unlisted: str, after: str, limit: int | None) -> list[str]:
    most = _NO_LIMIT if limit is None else limit
    statement = _OPEN_UNLISTED if unlisted else _OPEN_LISTED
    parts = [_ids(db.execute(statement, [state, after, most])) for state in _OPEN_STATES]
    return list(islice(heapq.merge(*parts), limit))


def _has_few(db: Connection, producer: str) -> bool:
    counted = f"SELECT count(*) FROM (SELECT 1 {_BY_PRODUCER} LIMIT ?)"
    return int(db.execute(counted, [producer, FEW + 1]).fetchone()[0]) <= FEW


def _ids(rows: Iterable[tuple[str]]) -> list[str]:
    return [ident for (ident,) in rows]


def producers(db: Connection, after: str, limit: int | None) -> list[ProducerRow]:
    """See `base.Journal.producers`."""
    sql = "SELECT * FROM producers WHERE id > ? ORDER BY id LIMIT ?"
    return [producer_row(row) for row in db.execute(sql, [after, _NO_LIMIT if limit is None else limit])]


def pending(db: Connection, producer: str) -> list[PendingCommand]:
    """See `base.Journal.pending`."""
    rows = db.execute(
        "SELECT offset, producer, body FROM commands WHERE producer = ? ORDER BY offset", [producer]
    )
    with row_errors("commands"):
        return [PendingCommand(offset, to, decode_event(body.encode())) for offset, to, body in rows]


def _tasks(rows: Iterable[tuple[str]]) -> list[Task]:
    with row_errors("tasks"):
        return [task_decoder.decode(snapshot) for (snapshot,) in rows]
