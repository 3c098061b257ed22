"""Indexes of tasks by state, name and key: narrow tables whose own indexes give the newest tasks first.

Older journals get ``listed`` empty and then filled in steps, from the newest task to the oldest: at a
million tasks, one statement would take seconds. ``meta`` has the id below which tasks are not in it yet.
Until then, tasks with a key come from ``keys``. The oldest journals have neither ``keys`` nor ``cells``,
which are filled in the same steps; until they are, nothing can be found by key or by cell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from sqlite3 import Connection

from ...core.task import Task
from . import cell_index
from .connection import immediate
from .schema import MARK_UNLISTED, MARK_UNPLACED, SOUND_SNAPSHOT, UNLISTED, UNPLACED, Row

_COLUMNS = "task TEXT PRIMARY KEY, state TEXT NOT NULL, name TEXT NOT NULL, key TEXT"
CREATE_LISTED = (
    f"CREATE TABLE listed ({_COLUMNS}) WITHOUT ROWID",
    "CREATE INDEX listed_by_state ON listed (state, task)",
    "CREATE INDEX listed_by_name ON listed (name, state, task)",
    "CREATE INDEX listed_by_key ON listed (key, state, task, name) WHERE key IS NOT NULL",
    MARK_UNLISTED,
)
_OLD_INDEXES = ("tasks_by_state", "tasks_of_state", "tasks_of_name")
"""Indexes that older versions made. By ``tasks_by_state`` open tasks are found until all tasks are listed."""

_NEXT = "SELECT id FROM tasks WHERE id < ? ORDER BY id DESC LIMIT ?"


_KEY = f"json_extract({SOUND_SNAPSHOT}, '$.key')"
_LIST = (
    f"INSERT OR REPLACE INTO listed SELECT id, state, name, {_KEY}"
    " FROM tasks WHERE id IN (SELECT value FROM json_each(?))"
)
CREATE_KEYS = (
    "CREATE TABLE keys (task TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID",
    "CREATE INDEX keys_by_key ON keys (key, task)",
    MARK_UNLISTED,
    MARK_UNPLACED,
)
_FILL_KEYS = (
    f"INSERT OR REPLACE INTO keys SELECT id, {_KEY} FROM tasks"
    f" WHERE {_KEY} IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
)
KEYED, AT_KEY = "keys CROSS JOIN tasks ON id = keys.task", "keys.key = ?"
"""The tasks with a key, in the order of their ids, and the condition for the key."""

WITH_KEY = "(SELECT key FROM keys WHERE task = id) = ?"
"""The condition for tasks with a key; its value is the key. It is asked for each task: the list of all that
have the key may be long."""


def key_rows(tasks: Iterable[Task]) -> list[Row]:
    """Return the rows of those *tasks* that have a key, or may have had one in an earlier attempt."""
    return [(t.id, t.key) for t in tasks if t.key is not None or t.attempt > 1]


def rows(tasks: Iterable[Task]) -> list[Row]:
    """Return the rows of *tasks*."""
    return [(t.id, t.state, t.name, t.key) for t in tasks]


def unlisted(db: Connection) -> str:
    """Return the id below which tasks are not listed yet; empty when all are."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", [UNLISTED]).fetchone()
    return str(row[0]) if row else ""


def is_unplaced(db: Connection) -> bool:
    """Return True if the tasks that are not listed yet have no cells and keys either."""
    return db.execute("SELECT 1 FROM meta WHERE key = ?", [UNPLACED]).fetchone() is not None


def list_older(db: Connection, below: str, limit: int, *, with_places: bool) -> tuple[str, list[str]]:
    """List the newest *limit* tasks below an id; return the id to go on from, and their ids.

    The id is empty when everything is listed. *with_places*: also by cell and key. The caller makes the rest
    of the transaction.
    """
    found = [task for (task,) in db.execute(_NEXT, [below, limit])]
    for statement in (_LIST, *((cell_index.FILL, _FILL_KEYS) if with_places else ())):
        db.execute(statement, [json.dumps(found)])
    lowest = found[-1] if found else ""
    db.execute("UPDATE meta SET value = ? WHERE key = ?", [lowest, UNLISTED])
    if not lowest:
        db.execute("DELETE FROM meta WHERE key = ?", [UNPLACED])
    return lowest, found


def drop_old_indexes(db: Connection) -> None:
    """Drop the indexes that ``listed`` replaces; at an open after it was completed, when nobody waits yet."""
    for name in _OLD_INDEXES:
        with immediate(db) as run:
            run(f"DROP INDEX IF EXISTS {name}")
