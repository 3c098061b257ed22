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

_UPDATE = "UPDATE tasks SET snapshot = ? WHERE id = ?"
_encode = msgspec.json.Encoder().encode


def commit(db: Connection, transaction: Transaction) -> None:
    """Write everything in *transaction* in one SQLite transaction; all or nothing."""
    with immediate(db) as run:
        for table, rows in _rows_by_table(transaction):
            if table == "snapshots" and len(rows) == 1:  # the most frequent case, and faster by a third
                run(_UPDATE, [rows[0][-1], rows[0][0]])
            else:
                put_rows(run, table, rows)
        for attempt in transaction.settled:
            run("DELETE FROM commands WHERE task = ? AND attempt = ?", attempt)


def _rows_by_table(transaction: Transaction) -> Iterator[tuple[str, list[Row]]]:
    texts = map(bytes.decode, transaction.bodies)
    both = zip(transaction.events, texts, strict=True)
    yield "events", [(event.offset, event.task, event.type, text) for event, text in both]
    tasks, changed = transaction.tasks, transaction.changed
    # Until a state event has come, any event may tell the task's producer.
    whole = [task for task in tasks.values() if task.queued is None or task.id in changed]
    if len(whole) < len(tasks):
        ids = {task.id for task in whole}
        yield "snapshots", [_task_row(task) for task in tasks.values() if task.id not in ids]
    if whole:
        yield "tasks", [_task_row(task) for task in whole]
        yield "listed", listing.rows(whole)
    if changed:
        yield "cells", cell_index.rows(tasks[task] for task in changed)
        yield "keys", listing.key_rows(tasks[task] for task in changed)
        yield "ends", pruning.end_rows((tasks[task], offset) for task, offset in changed.items())
    yield "producers", list(transaction.producers.values())
    if owners := transaction.owners:
        yield "attempts", [(*attempt, " ".join(those)) for attempt, those in owners.items()]
    if pending := transaction.pending.values():
        yield (
            "commands",
            [(p.offset, p.producer, p.event.task, p.event.attempt, _text(p.event)) for p in pending],
        )


def _task_row(task: Task) -> Row:
    return (task.id, task.state, task.name, task.producer, task.ended, _text(task))


def _text(value: object) -> str:
    return _encode(value).decode()
