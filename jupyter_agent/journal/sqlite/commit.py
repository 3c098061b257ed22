"""Commit: write what a transaction collected, by table."""

from __future__ import annotations

from collections.abc import Iterator
from sqlite3 import Connection

import msgspec

from ..transaction import Transaction
from . import cell_index, key_index
from .immediate import immediate
from .schema import Row, put_rows

_encode = msgspec.json.Encoder().encode


def commit(db: Connection, transaction: Transaction) -> None:
    """Write everything in *transaction* in one SQLite transaction; all or nothing."""
    with immediate(db) as run:
        for table, rows in _rows_by_table(transaction):
            put_rows(run, table, rows)
        for attempt in transaction.settled:
            run("DELETE FROM commands WHERE task = ? AND attempt = ?", attempt)


def _rows_by_table(transaction: Transaction) -> Iterator[tuple[str, list[Row]]]:
    bodies = zip(transaction.events, transaction.bodies, strict=True)
    yield "events", [(event.offset, event.task, event.type, body.decode()) for event, body in bodies]
    tasks = transaction.tasks
    yield "tasks", [(t.id, t.state, t.name, t.producer, t.ended, _text(t)) for t in tasks.values()]
    # Only state events say where a task was started and what its key is.
    changed = {event.task for event in transaction.events if event.type == "state"}
    yield "cells", cell_index.rows(tasks[task] for task in changed)
    yield "keys", key_index.rows(tasks[task] for task in changed)
    yield "producers", list(transaction.producers.values())
    yield "attempts", [(*attempt, " ".join(owners)) for attempt, owners in transaction.owners.items()]
    pending = transaction.pending.values()
    yield (
        "commands",
        [(p.offset, p.producer, p.event.task, p.event.attempt, _text(p.event)) for p in pending],
    )


def _text(value: object) -> str:
    return _encode(value).decode()
