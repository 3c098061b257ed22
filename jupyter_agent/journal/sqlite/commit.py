"""Commit: write what a transaction collected, by table."""

from __future__ import annotations

from collections.abc import Iterator
from sqlite3 import Connection

import msgspec

from ...core.task import Task
from ..transaction import Transaction
from . import cell_index, listing, pruning
from .connection import immediate
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
    # Only state events say where a task was started, what its key is, and whether it has ended.
    changed = {event.task: event.offset for event in transaction.events if event.type == "state"}
    # Until one has come, any event may tell the task's producer.
    whole = {task.id for task in tasks.values() if task.id in changed or task.queued is None}
    yield "tasks", [_task_row(task) for task in tasks.values() if task.id in whole]
    yield "snapshots", [_task_row(task) for task in tasks.values() if task.id not in whole]
    yield "listed", listing.rows(tasks[task] for task in whole)
    yield "cells", cell_index.rows(tasks[task] for task in changed)
    yield "keys", listing.key_rows(tasks[task] for task in changed)
    yield "ends", pruning.end_rows((tasks[task], offset) for task, offset in changed.items())
    yield "producers", list(transaction.producers.values())
    yield "attempts", [(*attempt, " ".join(owners)) for attempt, owners in transaction.owners.items()]
    pending = transaction.pending.values()
    yield (
        "commands",
        [(p.offset, p.producer, p.event.task, p.event.attempt, _text(p.event)) for p in pending],
    )


def _task_row(task: Task) -> Row:
    return (task.id, task.state, task.name, task.producer, task.ended, _text(task))


def _text(value: object) -> str:
    return _encode(value).decode()
