"""Schema of the SQLite journal, and bulk inserts into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from sqlite3 import Connection

from .connection import immediate

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    offset INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX events_by_task ON events (task, offset);
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, name TEXT NOT NULL, producer TEXT, ended REAL,
    snapshot TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX tasks_by_producer ON tasks (producer);
CREATE TABLE producers (
    id TEXT PRIMARY KEY, last_n INTEGER NOT NULL, host TEXT, seen REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE attempts (
    task TEXT NOT NULL, attempt INTEGER NOT NULL, producers TEXT NOT NULL,
    PRIMARY KEY (task, attempt)) WITHOUT ROWID;
CREATE TABLE commands (
    offset INTEGER PRIMARY KEY, producer TEXT NOT NULL, task TEXT NOT NULL, attempt INTEGER NOT NULL,
    body TEXT NOT NULL);
"""
UNLISTED, UNPLACED = "unlisted", "unplaced"
"""Keys of ``meta``: the id below which tasks are not in newer tables yet, and whether in no older one."""

BEHIND_ALL = "~"
"""Greater than every id."""

MARK_UNLISTED = f"INSERT OR REPLACE INTO meta SELECT '{UNLISTED}', '{BEHIND_ALL}' FROM tasks LIMIT 1"
MARK_UNPLACED = f"INSERT OR REPLACE INTO meta SELECT '{UNPLACED}', 'yes' FROM tasks LIMIT 1"
"""What the creation of such a table ends with: unless the journal is empty, it is filled in steps."""

_LADDER = (256, 64, 16, 4, 1)
"""Rows of one INSERT statement: few enough different statements that SQLite keeps all of them prepared."""

_REPLACED = {"tasks", "producers", "attempts", "cells", "keys", "ends", "listed"}
Row = Sequence[object]
SOUND_SNAPSHOT = "iif(json_valid(snapshot), snapshot, '{}')"
"""An SQL expression: the snapshot, or an empty object for one that a disk has damaged."""


def add_table(db: Connection, table: str, statements: Sequence[str]) -> None:
    """Create *table* with *statements* unless it exists: older journals do not have it."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchone():
        return
    with immediate(db) as run:
        for statement in statements:
            run(statement)


def put_rows(run: Callable[[str, Sequence[object]], object], table: str, rows: Sequence[Row]) -> None:
    """Insert *rows* in few statements; a row of `_REPLACED` tables replaces the row with its key.

    One statement for each row would make the journal's thread wait for the GIL between any two of them
    while it holds the transaction.
    """
    if len(rows) == 1:
        run(_statement(table, len(rows[0]), 1), rows[0])
        return
    start, left = 0, len(rows)
    for size in _LADDER:
        while left >= size:
            some = rows[start : start + size]
            run(_statement(table, len(some[0]), size), list(chain.from_iterable(some)))
            start += size
            left -= size


@cache
def _statement(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    values = f"VALUES {', '.join([row] * rows)}"
    if table == "snapshots":  # rows of ``tasks`` with nothing new that is in an index, which is half the work
        return f"INSERT INTO tasks {values} ON CONFLICT DO UPDATE SET snapshot = excluded.snapshot"
    verb = "INSERT OR REPLACE" if table in _REPLACED else "INSERT"
    return f"{verb} INTO {table} {values}"
