"""The tables of the SQLite journal, and how rows go into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from sqlite3 import Connection

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    offset INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX events_by_task ON events (task, offset);
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, name TEXT NOT NULL, producer TEXT, ended REAL,
    snapshot TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX tasks_by_state ON tasks (state, ended);
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
_LADDER = (256, 64, 16, 4, 1)
"""Rows of one statement: few enough texts that SQLite keeps them all prepared."""

_REPLACED = {"tasks", "producers", "attempts", "cells", "keys"}
Row = Sequence[object]
SOUND_SNAPSHOT = "iif(json_valid(snapshot), snapshot, '{}')"


def add_table(db: Connection, table: str, statements: Sequence[str]) -> None:
    """Make *table*, filled, by *statements*, unless it is there: journals of before are without it."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchone():
        return
    db.execute("BEGIN IMMEDIATE")
    for statement in statements:
        db.execute(statement)
    db.execute("COMMIT")


def put_rows(run: Callable[[str, Sequence[object]], object], table: str, rows: Sequence[Row]) -> None:
    """Insert *rows* in few statements; a task, producer or attempt replaces the row it had.

    Row by row the journal's thread would take the interpreter for each while it holds the transaction.
    """
    start = 0
    for size in _LADDER:
        while len(rows) - start >= size:
            some = rows[start : start + size]
            run(_statement(table, len(some[0]), size), [value for row in some for value in row])
            start += size


@cache
def _statement(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    verb = "INSERT OR REPLACE" if table in _REPLACED else "INSERT"
    return f"{verb} INTO {table} VALUES {', '.join([row] * rows)}"
