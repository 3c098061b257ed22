"""Pruning: delete tasks with all their events, and give the space back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from sqlite3 import Connection

from .immediate import immediate

MAX_FORGOTTEN = 10_000
"""Forgotten tasks whose attempts are remembered, so that late events do not bring them back."""

_VACUUM_PAGES = 2000
_AMONG = "IN (SELECT value FROM json_each(?))"
_TABLES = (("events", "task"), ("tasks", "id"), ("commands", "task"), ("cells", "task"), ("keys", "task"))
"""Tables with rows of a task, and the column that names it; ``attempts`` is trimmed by number instead."""

_TRIM_ATTEMPTS = (
    "DELETE FROM attempts WHERE task IN (SELECT DISTINCT task FROM attempts"
    " WHERE task NOT IN (SELECT id FROM tasks) ORDER BY task DESC LIMIT -1 OFFSET ?)"
)


def forget(db: Connection, task_ids: Iterable[str], pruned: int) -> int:
    """Delete tasks; return the largest offset ever deleted, of which *pruned* is the value before."""
    ids = [json.dumps(list(task_ids))]
    with immediate(db) as run:
        last = run(f"SELECT max(offset) FROM events WHERE task {_AMONG}", ids).fetchone()[0] or 0
        pruned = max(pruned, last)
        for table, column in _TABLES:
            run(f"DELETE FROM {table} WHERE {column} {_AMONG}", ids)
        run(_TRIM_ATTEMPTS, [MAX_FORGOTTEN])
        run("INSERT OR REPLACE INTO meta VALUES ('pruned', ?)", [str(pruned)])
    db.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
    return pruned


def used_bytes(db: Connection) -> int:
    """Return the size of the file's pages that are in use."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
