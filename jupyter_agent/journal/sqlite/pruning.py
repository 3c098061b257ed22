"""Pruning: which tasks ended first, their deletion in steps, and the space back.

``ends`` has the offset of each task's last end, as the commits put it there; journals of older versions get
theirs by `index_older`. ``forgotten`` has the tasks that were deleted, with the offset up to which events of
theirs remain to be deleted; 0 when none does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from sqlite3 import Connection

from ...core.task import Task
from . import listing
from .connection import immediate, unsynced
from .schema import Row

MAX_FORGOTTEN = 10_000
"""Forgotten tasks whose attempts are remembered, so that late events do not bring them back."""

CREATE_ENDS = (
    "CREATE TABLE ends (task TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX ends_by_offset ON ends (offset)",
)
CREATE_FORGOTTEN = (
    "CREATE TABLE forgotten (n INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT UNIQUE, upto INTEGER NOT NULL)",
    "CREATE INDEX forgotten_events ON forgotten (n) WHERE upto > 0",
)

_VACUUM_PAGES = 500
_TRIMMED = 200
"""Maximum number of forgotten tasks whose attempts are deleted in one transaction."""

_AMONG = "IN (SELECT value FROM json_each(?))"
_TABLES = (
    ("tasks", "id"),
    ("commands", "task"),
    ("cells", "task"),
    ("keys", "task"),
    ("ends", "task"),
    ("listed", "task"),
)
"""Tables with rows of a task, and the column that names it; events and attempts are deleted later."""

_LAST = "SELECT value, (SELECT max(offset) FROM events WHERE task = value) FROM json_each(?)"
_REMEMBER = (
    "INSERT OR REPLACE INTO forgotten (task, upto)"
    " SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)"
)
_ENDED = (
    "SELECT ends.offset, id FROM ends CROSS JOIN tasks ON id = task"
    " WHERE ends.offset > ? AND ends.offset <= ? AND state NOT IN ('queued', 'running')"
    " ORDER BY ends.offset LIMIT ?"
)
_MISSING_ENDS = (
    "INSERT OR IGNORE INTO ends SELECT value, (SELECT max(offset) FROM events WHERE task = value) AS last"
    " FROM json_each(?) CROSS JOIN tasks ON tasks.id = value WHERE state NOT IN ('queued', 'running')"
    " AND NOT EXISTS (SELECT 1 FROM ends WHERE task = value) AND last IS NOT NULL"
)
_PENDING = (
    "SELECT n, task, upto FROM forgotten INDEXED BY forgotten_events WHERE upto > 0 ORDER BY n LIMIT 200"
)
_PURGE = (
    f"DELETE FROM events WHERE offset IN (SELECT offset FROM ({_PENDING}) AS gone"
    " CROSS JOIN events ON events.task = gone.task AND offset <= gone.upto LIMIT ?)"
)
_PURGED = (
    f"UPDATE forgotten SET upto = 0 WHERE n IN (SELECT n FROM ({_PENDING}))"
    " AND NOT EXISTS (SELECT 1 FROM events WHERE events.task = forgotten.task AND offset <= upto)"
)
_OLD = (
    "SELECT n, task FROM forgotten WHERE upto = 0"
    " AND n <= (SELECT seq FROM sqlite_sequence WHERE name = 'forgotten') - ? ORDER BY n LIMIT ?"
)
_TRIM_ATTEMPTS = f"DELETE FROM attempts WHERE task {_AMONG} AND task NOT IN (SELECT id FROM tasks)"


def end_rows(tasks: Iterable[tuple[Task, int]]) -> list[Row]:
    """Return the rows of ``ends`` for those tasks that have ended, with the offset of their end."""
    return [(task.id, offset) for task, offset in tasks if task.state.ended]


def ended(db: Connection, after: int, upto: int, limit: int) -> list[tuple[int, str]]:
    """See `base.Journal.ended`."""
    return [(int(offset), str(task)) for offset, task in db.execute(_ENDED, [after, upto, limit])]


def index_older(db: Connection, below: str, limit: int, *, with_places: bool) -> str:
    """Index the newest *limit* tasks below an id; return the id to go on from, empty when done."""
    with unsynced(db), immediate(db) as run:
        lowest, found = listing.list_older(db, below, limit, with_places=with_places)
        run(_MISSING_ENDS, [json.dumps(found)])
    return lowest


def forget(db: Connection, task_ids: Iterable[str], pruned: int) -> int:
    """Delete tasks; return the largest offset ever deleted, of which *pruned* is the value before.

    Their events are left to `purge`.
    """
    ids = json.dumps(list(task_ids))
    with immediate(db) as run:
        gone = [(task, last) for task, last in run(_LAST, [ids]) if last is not None]
        pruned = max([pruned, *(last for _, last in gone)])
        run(_REMEMBER, [json.dumps(gone)])
        for table, column in _TABLES:
            run(f"DELETE FROM {table} WHERE {column} {_AMONG}", [ids])
        run("INSERT OR REPLACE INTO meta VALUES ('pruned', ?)", [str(pruned)])
    return pruned


def purge(db: Connection, limit: int) -> bool:
    """See `base.Journal.purge`."""
    with unsynced(db):
        with immediate(db) as run:
            deleted = run(_PURGE, [limit]).rowcount
            run(_PURGED)
            old = run(_OLD, [MAX_FORGOTTEN, _TRIMMED]).fetchall()
            if old:
                run(_TRIM_ATTEMPTS, [json.dumps([task for _, task in old])])
                run(f"DELETE FROM forgotten WHERE n {_AMONG}", [json.dumps([n for n, _ in old])])
        if deleted:
            with immediate(db) as run:
                run(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
    return bool(old) or db.execute(f"SELECT 1 FROM ({_PENDING})").fetchone() is not None


def used_bytes(db: Connection) -> int:
    """Return the size of the file's pages that are in use."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
