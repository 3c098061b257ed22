"""Queries for tasks, producers and pending commands."""

from __future__ import annotations

from collections.abc import Collection
from sqlite3 import Connection

from ...core.events import decode_event
from ...core.query import TaskQuery
from ...core.task import Task
from ..base import CellLocation, PendingCommand, ProducerRow
from . import cell_index, key_index
from .committed_rows import producer_row, task_decoder
from .errors import row_errors

_NO_LIMIT = -1
"""What SQLite takes for ``LIMIT`` when all rows are wanted."""


def tasks(
    db: Connection,
    query: TaskQuery,
    producer: str | None,
    locations: Collection[CellLocation] | None,
) -> list[Task]:
    """See `base.Journal.tasks`."""
    conditions = {
        "state = ?": query.state,
        "name = ?": query.name,
        "producer = ?": producer,
        "id < ?": query.before,
        key_index.WITH_KEY: query.key,
        cell_index.WITHIN: None if locations is None else cell_index.locations_value(locations),
    }
    given = {clause: value for clause, value in conditions.items() if value is not None}
    where = " AND ".join(given) or "1"
    limit = _NO_LIMIT if query.limit is None else query.limit
    return _decoded(db, f"WHERE {where} ORDER BY id DESC LIMIT ?", *given.values(), limit)


def open_tasks(db: Connection) -> list[Task]:
    """See `base.Journal.open_tasks`."""
    return _decoded(db, "WHERE state IN ('queued', 'running') ORDER BY id")


def ended_before(db: Connection, when: float) -> list[str]:
    """See `base.Journal.ended_before`."""
    rows = db.execute(
        "SELECT id FROM tasks WHERE state NOT IN ('queued', 'running') AND ended < ? ORDER BY ended", [when]
    )
    return [task_id for (task_id,) in rows]


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


def _decoded(db: Connection, clause: str, *values: object) -> list[Task]:
    rows = db.execute(f"SELECT snapshot FROM tasks {clause}", values)
    with row_errors("tasks"):
        return [task_decoder.decode(snapshot) for (snapshot,) in rows]
