"""What a journal keeps beside tasks and events: small records, and which schedule has fired for what.

A record is a kind, a name and bytes that only its owner reads; a firing is the claim of one due of a
schedule, and what became of it. Both are committed when the call returns. Journals of before have no such
tables; they get them, empty, when they are opened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection, Cursor
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from .damage import Damage, Translated

KEPT = 500
"""Settled firings with a task that are kept of one schedule; whatever is older counts as fired."""

KEPT_WITHOUT = 100
"""The same of those without a task: beside a long run there may be very many."""

Outcome = Literal["claimed", "waiting", "queued", "skipped", "failed"]
OPEN: tuple[Outcome, ...] = ("claimed", "waiting")


class Firing(NamedTuple):
    """That a schedule was due at ``due``, and what became of it; times are Unix seconds.

    ``claimed``: decided, and ``task`` is to be queued for ``worker``; ``waiting``: for the task before to
    end; ``queued``: the task is in the journal; ``skipped``: the task before was still going on;
    ``failed``: it could not be queued, ``reason`` says why. ``missed`` dues before this one are made up for
    by it. ``asked``: a person wanted it now, the clock did not.
    """

    schedule: str
    due: float
    at: float
    outcome: Outcome
    task: str | None = None
    worker: str | None = None
    missed: int = 0
    asked: bool = False
    reason: str | None = None


class Kept(NamedTuple):
    """Everything of one journal that this module keeps, to be taken over by another."""

    records: list[tuple[str, str, bytes]]
    firings: list[Firing]
    floors: list[tuple[str, float]]


class Records(Protocol):
    """The part of `base.Journal` that keeps records and firings."""

    def put_record(self, kind: str, ident: str, body: bytes) -> None:
        """Store *body*; it replaces what was there."""

    def record(self, kind: str, ident: str) -> bytes | None:
        """What was stored last; ``None`` when there is nothing."""

    def records(self, kind: str) -> list[tuple[str, bytes]]:
        """Every record of *kind* with its name, in the order of the names."""

    def delete_record(self, kind: str, ident: str) -> bool:
        """Remove it, and what *ident* has fired; whether it was there."""

    def claim(self, firing: Firing) -> bool:
        """Store that *firing* was decided; false, and nothing, when its due has fired before."""

    def settle(self, firing: Firing) -> None:
        """Store what became of a firing that was claimed; one that is unknown (deleted) stays so."""

    def firings(
        self, schedule: str, limit: int = 50, *, before: float | None = None, ran: bool = False
    ) -> list[Firing]:
        """Of one schedule, newest due first; of dues *before* that time only, and those that have a task."""

    def last_due(self, schedule: str, upto: float) -> float | None:
        """The newest due up to and with *upto* that the clock, not a person, has claimed.

        Later than *upto* when so much of what has fired is forgotten; ``None``: nothing has.
        """

    def open_firings(self) -> list[Firing]:
        """Those of every schedule that are `OPEN`, oldest due first."""

    def kept(self) -> Kept:
        """Everything, for `take_kept` of another journal."""

    def take_kept(self, kept: Kept) -> None:
        """Take over what is not here, in one transaction; what is here already stays as it is."""


class MemoryRecords:
    """See `Records`; for `memory.MemoryJournal`."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], bytes] = {}
        self._firings: dict[tuple[str, float], Firing] = {}
        self._floors: dict[str, float] = {}

    def put_record(self, kind: str, ident: str, body: bytes) -> None:
        self._records[kind, ident] = body

    def record(self, kind: str, ident: str) -> bytes | None:
        return self._records.get((kind, ident))

    def records(self, kind: str) -> list[tuple[str, bytes]]:
        return [(ident, body) for (k, ident), body in sorted(self._records.items()) if k == kind]

    def delete_record(self, kind: str, ident: str) -> bool:
        self._firings = {key: firing for key, firing in self._firings.items() if key[0] != ident}
        self._floors.pop(ident, None)
        return self._records.pop((kind, ident), None) is not None

    def claim(self, firing: Firing) -> bool:
        key = (firing.schedule, firing.due)
        if key in self._firings or firing.due <= self._floors.get(firing.schedule, -math.inf):
            return False
        self._firings[key] = firing
        for ran, most in ((True, KEPT), (False, KEPT_WITHOUT)):
            self._trim(firing.schedule, ran, most)
        return True

    def _trim(self, schedule: str, ran: bool, most: int) -> None:
        settled = [f for f in self._newest(schedule) if f.outcome not in OPEN and (f.task is not None) is ran]
        for old in settled[most:]:
            del self._firings[schedule, old.due]
            self._floors[schedule] = max(old.due, self._floors.get(schedule, old.due))

    def settle(self, firing: Firing) -> None:
        if (firing.schedule, firing.due) in self._firings:
            self._firings[firing.schedule, firing.due] = firing

    def firings(
        self, schedule: str, limit: int = 50, *, before: float | None = None, ran: bool = False
    ) -> list[Firing]:
        most = math.inf if before is None else before
        found = [f for f in self._newest(schedule) if f.due < most and (f.task is not None or not ran)]
        return found[:limit]

    def last_due(self, schedule: str, upto: float) -> float | None:
        found = [f.due for f in self._newest(schedule) if f.due <= upto and not f.asked]
        floor = [self._floors[schedule]] if schedule in self._floors else []
        return max([*found[:1], *floor], default=None)

    def _newest(self, schedule: str) -> list[Firing]:
        found = [firing for firing in self._firings.values() if firing.schedule == schedule]
        return sorted(found, key=lambda firing: -firing.due)

    def open_firings(self) -> list[Firing]:
        found = [firing for firing in self._firings.values() if firing.outcome in OPEN]
        return sorted(found, key=lambda firing: firing.due)

    def kept(self) -> Kept:
        records = [(*key, body) for key, body in self._records.items()]
        return Kept(records, list(self._firings.values()), list(self._floors.items()))

    def take_kept(self, kept: Kept) -> None:
        self._records = {(kind, ident): body for kind, ident, body in kept.records} | self._records
        self._firings = {(f.schedule, f.due): f for f in kept.firings} | self._firings
        self._floors = dict(kept.floors) | self._floors


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
_OLD = f"SELECT due FROM firings WHERE {_SETTLED} ORDER BY due DESC LIMIT 1 OFFSET ?"  # noqa: S608
_FORGET = f"DELETE FROM firings WHERE {_SETTLED} AND due <= ?"  # noqa: S608
_RAISE_FLOOR = "INSERT INTO floors VALUES (?, ?) ON CONFLICT DO UPDATE SET due = max(due, excluded.due)"


def add_tables(db: Connection) -> None:
    """Make the tables, unless they are there."""
    for statement in _SCHEMA.split(";\n"):
        db.execute(statement)


class SQLiteRecords:
    """See `Records`; for `sqlite.SQLiteJournal`, which has the connection."""

    _db: Connection
    _path: Path

    def put_record(self, kind: str, ident: str, body: bytes) -> None:
        with Translated(self._path):
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
            for ran, most in ((True, KEPT), (False, KEPT_WITHOUT)):
                old = run(_OLD, [schedule, ran, most]).fetchone()
                if old is not None:
                    run(_FORGET, [schedule, ran, *old])
                    run(_RAISE_FLOOR, [schedule, *old])
        return True

    def settle(self, firing: Firing) -> None:
        with Translated(self._path):
            self._db.execute(_SETTLE, [*firing[2:], firing.schedule, firing.due])

    def firings(
        self, schedule: str, limit: int = 50, *, before: float | None = None, ran: bool = False
    ) -> list[Firing]:
        most = math.inf if before is None else before
        clause = f"WHERE schedule = ? AND due < ?{' AND task IS NOT NULL' if ran else ''}"
        return self._firings(f"{clause} ORDER BY due DESC LIMIT ?", schedule, most, limit)

    def last_due(self, schedule: str, upto: float) -> float | None:
        ((due,),) = self._rows(
            "SELECT max(due) FROM (SELECT due FROM floors WHERE schedule = ?1 UNION ALL"
            " SELECT max(due) FROM firings WHERE schedule = ?1 AND due <= ?2 AND NOT asked)",
            *(schedule, upto),
        )
        with Damage("firings"):
            return None if due is None else float(due)

    def open_firings(self) -> list[Firing]:
        return self._firings("WHERE outcome IN ('claimed', 'waiting') ORDER BY due")

    def kept(self) -> Kept:
        records = [(k, i, _body(b)) for k, i, b in self._rows("SELECT kind, ident, body FROM records")]
        return Kept(records, self._firings(""), self._rows("SELECT schedule, due FROM floors"))

    def take_kept(self, kept: Kept) -> None:
        with self._transaction() as run:
            for record in kept.records:
                run("INSERT OR IGNORE INTO records VALUES (?, ?, ?)", record)
            for firing in kept.firings:
                run(_FIRING, firing)
            for floor in kept.floors:
                run("INSERT OR IGNORE INTO floors VALUES (?, ?)", floor)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with Translated(self._path):
            return self._db.execute(sql, values).fetchall()

    def _firings(self, clause: str, *values: object) -> list[Firing]:
        rows = self._rows(f"SELECT * FROM firings {clause}", *values)  # noqa: S608 - of constants
        with Damage("firings"):
            return [msgspec.convert(row, Firing, strict=False) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., Cursor]]:
        """What runs statements in one transaction: committed at the end, undone by an error."""
        run = self._db.execute
        with Translated(self._path):
            run("BEGIN IMMEDIATE")
            try:
                yield run
                run("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    run("ROLLBACK")
                raise


def _body(value: object) -> bytes:
    with Damage("records"):
        return msgspec.convert(value, bytes)
