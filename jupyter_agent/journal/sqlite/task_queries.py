"""Queries for tasks, producers and pending commands."""

from __future__ import annotations

import heapq
import json
from collections.abc import Collection, Iterable
from itertools import islice
from sqlite3 import Connection
from typing import NamedTuple

from ...core.events import TaskState, decode_event
from ...core.query import TaskQuery
from ...core.task import Task
from ..base import CellLocation, PendingCommand, ProducerRow
from . import cell_index, key_index
from .committed_rows import producer_row, task_decoder
from .errors import row_errors

_NO_LIMIT = -1
"""What SQLite takes for ``LIMIT`` when all rows are wanted."""


class _Source(NamedTuple):
    """An index that gives tasks newest first: the tables before ``WHERE``, and its conditions."""

    tables: str
    conditions: dict[str, object]
    ident: str = "id"


def tasks(
    db: Connection,
    query: TaskQuery,
    producer: str | None,
    locations: Collection[CellLocation] | None,
) -> list[Task]:
    """See `base.Journal.tasks`."""
    limit = _NO_LIMIT if query.limit is None else query.limit
    filters: dict[str, object] = {"state = ?": query.state, "name = ?": query.name, "producer = ?": producer}
    if query.key is not None and locations is not None:
        filters[key_index.WITH_KEY] = query.key
    # Each index gives its newest ids in order: no more than a page of each is read, however many there are.
    pages = [_newest(db, source, filters, query.before, limit) for source in _sources(query, locations)]
    merged = heapq.merge(*pages, reverse=True)
    ids = list(merged if query.limit is None else islice(merged, query.limit))
    clause = "CROSS JOIN tasks ON tasks.id = wanted.value ORDER BY wanted.key"
    rows = db.execute(f"SELECT snapshot FROM json_each(?) AS wanted {clause}", [json.dumps(ids)])
    return _tasks(rows)


def _sources(query: TaskQuery, locations: Collection[CellLocation] | None) -> list[_Source]:
    """Return the smallest indexes that have every task of *query*; each task is in one of them."""
    if locations is not None:
        return [
            _Source(cell_index.TASKS, {cell_index.AT: place}, "cells.task")
            for place in dict.fromkeys(cell_index.places(locations))
        ]
    if query.key is not None:
        return [_Source(key_index.TASKS, {key_index.AT: query.key}, "keys.task")]
    if query.name is not None and query.state is None:
        named = "tasks INDEXED BY tasks_of_name"
        return [_Source(named, {"state = ?": str(state)}) for state in TaskState]
    return [_Source("tasks", {})]


def _newest(
    db: Connection, source: _Source, filters: dict[str, object], before: str | None, limit: int
) -> list[str]:
    wanted = {**filters, **source.conditions, f"{source.ident} < ?": before}
    given = {clause: value for clause, value in wanted.items() if value is not None}
    where = " AND ".join(given) or "1"
    values = [part for value in given.values() for part in (value if isinstance(value, tuple) else (value,))]
    sql = f"SELECT {source.ident} FROM {source.tables} WHERE {where} ORDER BY {source.ident} DESC LIMIT ?"
    return [ident for (ident,) in db.execute(sql, [*values, limit])]


def open_tasks(db: Connection) -> list[Task]:
    """See `base.Journal.open_tasks`."""
    open_ones = "state IN ('queued', 'running') ORDER BY id"
    return _tasks(db.execute(f"SELECT snapshot FROM tasks INDEXED BY tasks_of_state WHERE {open_ones}"))


def producers(db: Connection) -> list[ProducerRow]:
    """See `base.Journal.producers`."""
    return [producer_row(row) for row in db.execute("SELECT * FROM producers ORDER BY id")]


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
