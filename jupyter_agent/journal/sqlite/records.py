"""Records and firings of schedules, in SQLite."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import msgspec

from ..records import MAX_KEPT, MAX_KEPT_WITHOUT_TASK, Firing, PastRun, RecordsExport
from .connection import Run, immediate
from .errors import row_errors, sqlite_errors
from .schema import SOUND_SNAPSHOT

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, ident TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, ident)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS firings (
    schedule TEXT NOT NULL, due REAL NOT NULL, at REAL NOT NULL, outcome TEXT NOT NULL, task TEXT,
    worker TEXT, missed INTEGER NOT NULL, asked INTEGER NOT NULL, reason TEXT,
    PRIMARY KEY (schedule, due)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS open_firings ON firings (due) WHERE outcome IN ('claimed', 'waiting');
CREATE TABLE IF NOT EXISTS floors (schedule TEXT PRIMARY KEY, due REAL NOT NULL) WITHOUT ROWID
"""

_FIRING = "INSERT OR IGNORE INTO firings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

_SETTLE = (
    "UPDATE firings SET at = ?, outcome = ?, task = ?, worker = ?, missed = ?, asked = ?, reason = ?"
    " WHERE schedule = ? AND due = ?"
)

_SETTLED = "schedule = ? AND outcome NOT IN ('claimed', 'waiting') AND (task IS NOT NULL) = ?"

_OLD = f"SELECT due FROM firings WHERE {_SETTLED} ORDER BY due DESC LIMIT 1 OFFSET ?"

_FORGET = f"DELETE FROM firings WHERE {_SETTLED} AND due <= ?"

_RECENT = (
    "SELECT schedule, task, due, asked, tasks.state,"
    f" json_extract({SOUND_SNAPSHOT}, '$.started'), tasks.ended"
    " FROM json_each(?) AS wanted CROSS JOIN firings ON schedule = wanted.value AND due IN"
    " (SELECT due FROM firings WHERE schedule = wanted.value AND task IS NOT NULL ORDER BY due DESC LIMIT ?)"
    " LEFT JOIN tasks ON tasks.id = firings.task ORDER BY due DESC"
)
"""One search of the index for each schedule, and one task for each of the runs."""

_RAISE_FLOOR = "INSERT INTO floors VALUES (?, ?) ON CONFLICT DO UPDATE SET due = max(due, excluded.due)"


def add_tables(db: Connection) -> None:
    """Create the tables that are missing."""
    for statement in _SCHEMA.split(";\n"):
        db.execute(statement)


class SQLiteRecords:
    """See `Records`; for `journal.SQLiteJournal`, which opens the connection."""

    _db: Connection
    _path: Path

    def put_record(self, kind: str, ident: str, body: bytes) -> None:
        with sqlite_errors(self._path):
            self._db.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", [kind, ident, body])

    def record(self, kind: str, ident: str) -> bytes | None:
        rows = self._rows("SELECT body FROM records WHERE kind = ? AND ident = ?", kind, ident)
        return next((_body(body) for (body,) in rows), None)

    def records(self, kind: str) -> list[tuple[str, bytes]]:
        rows = self._rows("SELECT ident, body FROM records WHERE kind = ? ORDER BY ident", kind)
        return [(ident, _body(body)) for ident, body in rows]

    def delete_record(self, kind: str, ident: str) -> bool:
        with self._transaction() as run:
            run("DELETE FROM firings WHERE schedule = ?", [ident])
            run("DELETE FROM floors WHERE schedule = ?", [ident])
            return run("DELETE FROM records WHERE kind = ? AND ident = ?", [kind, ident]).rowcount > 0

    def claim(self, firing: Firing) -> bool:
        schedule, due = firing.schedule, firing.due
        with self._transaction() as run:
            if run("SELECT 1 FROM floors WHERE schedule = ? AND due >= ?", [schedule, due]).fetchone():
                return False
            if run(_FIRING, firing).rowcount < 1:
                return False
            for ran, limit in ((True, MAX_KEPT), (False, MAX_KEPT_WITHOUT_TASK)):
                old = run(_OLD, [schedule, ran, limit]).fetchone()
                if old is not None:
                    run(_FORGET, [schedule, ran, *old])
                    run(_RAISE_FLOOR, [schedule, *old])
        return True

    def settle(self, firing: Firing) -> None:
        with sqlite_errors(self._path):
            self._db.execute(_SETTLE, [*firing[2:], firing.schedule, firing.due])

    def firings(
        self, schedule: str, limit: int = 50, *, before: float | None = None, ran: bool = False
    ) -> list[Firing]:
        upto = math.inf if before is None else before
        clause = f"WHERE schedule = ? AND due < ?{' AND task IS NOT NULL' if ran else ''}"
        return self._firings(f"{clause} ORDER BY due DESC LIMIT ?", schedule, upto, limit)

    def last_due(self, schedule: str, upto: float) -> float | None:
        ((due,),) = self._rows(
            "SELECT max(due) FROM (SELECT due FROM floors WHERE schedule = ? UNION ALL"
            " SELECT max(due) FROM firings WHERE schedule = ? AND due <= ? AND NOT asked)",
            *(schedule, schedule, upto),
        )
        with row_errors("firings"):
            return None if due is None else float(due)

    def open_firings(self, schedule: str | None = None) -> list[Firing]:
        is_open = "outcome IN ('claimed', 'waiting')"
        if schedule is None:
            return self._firings(f"WHERE {is_open} ORDER BY due")
        return self._firings(f"WHERE schedule = ? AND {is_open} ORDER BY due", schedule)

    def recent_runs(self, schedules: Sequence[str], limit: int) -> list[PastRun]:
        rows = self._rows(_RECENT, json.dumps(list(schedules)), limit)
        with row_errors("firings"):
            return [msgspec.convert(row, PastRun, strict=False) for row in rows]

    def export_records(self) -> RecordsExport:
        records = [(k, i, _body(b)) for k, i, b in self._rows("SELECT kind, ident, body FROM records")]
        return RecordsExport(records, self._firings(""), self._rows("SELECT schedule, due FROM floors"))

    def import_records(self, export: RecordsExport) -> None:
        with self._transaction() as run:
            for record in export.records:
                run("INSERT OR IGNORE INTO records VALUES (?, ?, ?)", record)
            for firing in export.firings:
                run(_FIRING, firing)
            for floor in export.floors:
                run("INSERT OR IGNORE INTO floors VALUES (?, ?)", floor)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with sqlite_errors(self._path):
            return self._db.execute(sql, values).fetchall()

    def _firings(self, clause: str, *values: object) -> list[Firing]:
        rows = self._rows(f"SELECT * FROM firings {clause}", *values)
        with row_errors("firings"):
            return [msgspec.convert(row, Firing, strict=False) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[Run]:
        with sqlite_errors(self._path), immediate(self._db) as run:
            yield run


def _body(value: object) -> bytes:
    with row_errors("records"):
        return msgspec.convert(value, bytes)
