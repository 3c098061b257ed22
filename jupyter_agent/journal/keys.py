"""The keys of tasks: a table beside the tasks, to find those of a key at once.

Journals of before have no such table; they get it, filled, when they are opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection

from ..core.task import Task
from .tables import Row

_KEY = "json_extract(iif(json_valid(snapshot), snapshot, '{}'), '$.key')"
_CREATE = (
    "CREATE TABLE keys (task TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID",
    "CREATE INDEX keys_by_key ON keys (key, task)",
    f"INSERT INTO keys SELECT id, {_KEY} FROM tasks WHERE {_KEY} IS NOT NULL",  # noqa: S608
)
WITH_KEY = "id IN (SELECT task FROM keys WHERE key = ?)"
"""The clause for tasks with a key."""


def add_table(db: Connection) -> None:
    """Make the table and fill it, unless it is there."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone():
        return
    db.execute("BEGIN IMMEDIATE")
    for statement in _CREATE:
        db.execute(statement)
    db.execute("COMMIT")


def rows(tasks: Iterable[Task]) -> list[Row]:
    """The rows of those among *tasks* that have a key, or had one in an earlier attempt."""
    return [(t.id, t.key) for t in tasks if t.key is not None or t.attempt > 1]
