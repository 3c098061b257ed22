"""The journal in an SQLite file, opened by one process through one connection in one thread.

``locking_mode=EXCLUSIVE`` with WAL needs no shared memory (so it works on network homes), one
``fsync`` makes one commit durable (``synchronous=FULL``), and with a single connection there is no
other reader to wait for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from ...core.events import TaskState, decode_event
from ...core.ids import Cursor
from ...core.task import Task
from ...errors import JournalError
from ...system.files import create_private
from ..base import (
    PAGE_BYTES,
    SCAN_LIMIT,
    AppendResult,
    Batch,
    CellLocation,
    HistoryPage,
    HolderEvent,
    PendingCommand,
    ProducerRow,
    StoredEvent,
)
from ..transaction import Owners, Transaction
from . import cell_index as cells_table
from . import event_queries as pages
from . import key_index as keys
from . import records
from .errors import CorruptJournal, Damage, Translated
from .offset_reservation import MAX_LOST_RANGES, LostRange, OffsetAllocator, in_lost_range
from .schema import SCHEMA, SCHEMA_VERSION, Row, add_table, put_rows

_CACHED_TASKS = 512
MAX_FORGOTTEN = 10_000
"""Forgotten tasks whose attempts are remembered, so that late events do not bring them back."""

_tasks_decoder = msgspec.json.Decoder(Task)
_encode = msgspec.json.Encoder().encode


class SQLiteJournal(records.SQLiteRecords):
    """See `base.Journal`. Raises `CorruptJournal` when *path* is damaged, `JournalError` when it
    cannot be opened or written for another reason (permissions, a full disk)."""

    def __init__(self, path: Path, holder: str, new_epoch: str) -> None:
        self._holder = holder
        self._tasks: dict[str, Task] = {}
        self._owners: dict[tuple[str, int], Owners] = {}
        self._producers: dict[str, ProducerRow] = {}
        self._reservation = OffsetAllocator(path)
        _create_private(path)
        with Translated(path):
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._open(new_epoch)
            except BaseException:
                self._db.close()
                raise
        self._path = path
        self._closed = False

    def _open(self, new_epoch: str) -> None:
        run = self._db.execute
        run("PRAGMA auto_vacuum=INCREMENTAL")
        run("PRAGMA locking_mode=EXCLUSIVE")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        run("PRAGMA temp_store=MEMORY")  # else a large statement opens a file somewhere, and keeps it
        run("PRAGMA wal_autocheckpoint=4000")
        run("PRAGMA journal_size_limit=67108864")
        if not run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._create(new_epoch)
        meta = dict(run("SELECT key, value FROM meta").fetchall())
        if meta.get("schema") != str(SCHEMA_VERSION):
            raise CorruptJournal(f"the journal has schema {meta.get('schema')!r}, not {SCHEMA_VERSION}")
        with Damage("meta"):
            self.epoch: str = Cursor.parse(f"{meta['epoch']}:0").epoch
            self._pruned = int(meta.get("pruned", 0))
            row = run("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
            self.head = int(row[0]) if row else 0
            self._voids: list[LostRange] = msgspec.json.decode(meta.get("voids", "[]"), type=list[LostRange])
        add_table(self._db, "cells", cells_table.CREATE)
        add_table(self._db, "keys", keys.CREATE)
        records.add_tables(self._db)
        if self._reservation.upto > self.head:
            self._go_on_behind(self._reservation.upto)
        run("SELECT id FROM tasks LIMIT 1").fetchone()
        run("SELECT offset FROM events ORDER BY offset DESC LIMIT 1").fetchone()

    def _go_on_behind(self, reserved: int) -> None:
        """The journal was not closed: what it gave out last may be lost."""
        self._voids = [*self._voids, (self.head, reserved)][-MAX_LOST_RANGES:]
        self.head = reserved + 1
        run = self._db.execute
        run("BEGIN IMMEDIATE")
        run("DELETE FROM sqlite_sequence WHERE name = 'events'")
        run("INSERT INTO sqlite_sequence VALUES ('events', ?)", [self.head])
        run("INSERT OR REPLACE INTO meta VALUES ('voids', ?)", [_text(self._voids)])
        run("COMMIT")

    def _create(self, epoch: str) -> None:
        self._reservation.release()
        self._db.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA.split(";\n"):
            self._db.execute(statement)
        self._db.executemany(
            "INSERT INTO meta VALUES (?, ?)", [("schema", str(SCHEMA_VERSION)), ("epoch", epoch)]
        )
        self._db.execute("COMMIT")

    def append(self, work: Sequence[Batch | HolderEvent], now: float) -> list[AppendResult]:
        transaction = Transaction(self, self._holder, now)
        try:
            answers = [transaction.apply(item) for item in work]
            if transaction.producers or transaction.events:
                self._reservation.reserve(transaction.head)
                with Translated(self._path):
                    self._write(transaction)
        except BaseException:
            self._forget_cache()
            raise
        self.head = transaction.head
        self._tasks |= transaction.tasks
        self._owners |= transaction.owners
        self._producers |= transaction.producers
        self._trim_cache()
        return answers

    def _write(self, transaction: Transaction) -> None:
        run = self._db.execute
        run("BEGIN IMMEDIATE")
        try:
            for table, rows in _rows_of(transaction):
                put_rows(run, table, rows)
            for settled in transaction.settled:
                run("DELETE FROM commands WHERE task = ? AND attempt = ?", settled)
            run("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                run("ROLLBACK")
            raise

    def load_task(self, task_id: str) -> Task | None:
        if task_id in self._tasks:
            return self._tasks[task_id]
        row = self._one("SELECT snapshot FROM tasks WHERE id = ?", task_id)
        with Damage("tasks"):
            return _tasks_decoder.decode(row[0]) if row else None

    def load_producer(self, producer: str) -> ProducerRow | None:
        if producer not in self._producers:
            row = self._one("SELECT * FROM producers WHERE id = ?", producer)
            if row is None:
                return None
            self._producers[producer] = _producer_row(row)
        return self._producers[producer]

    def load_owners(self, task_id: str, attempt: int) -> Owners | None:
        key = (task_id, attempt)
        if key not in self._owners:
            row = self._one("SELECT producers FROM attempts WHERE task = ? AND attempt = ?", *key)
            if row is None:
                return None
            with Damage("attempts"):
                self._owners[key] = tuple(row[0].split(" "))
        return self._owners[key]

    def read(
        self,
        after: int,
        limit: int,
        *,
        tasks: Collection[str] | None = None,
        types: Collection[str] | None = None,
        size: int = PAGE_BYTES,
    ) -> list[StoredEvent]:
        with Translated(self._path):
            return pages.read(self._db, after, limit, tasks, types, size)

    def tail(self, task: str, count: int, types: Collection[str]) -> list[StoredEvent]:
        with Translated(self._path):
            return pages.tail(self._db, task, count, types)

    def past(
        self,
        task: str,
        upto: int,
        limit: int,
        *,
        types: Collection[str] | None = None,
        size: int = PAGE_BYTES,
        look: int = SCAN_LIMIT,
    ) -> HistoryPage:
        with Translated(self._path):
            return pages.past(self._db, task, upto, limit, types, size, look)

    def task(self, task_id: str) -> Task | None:
        row = self._one("SELECT snapshot FROM tasks WHERE id = ?", task_id)
        with Damage("tasks"):
            return _tasks_decoder.decode(row[0]) if row else None

    def tasks(
        self,
        *,
        state: TaskState | None = None,
        name: str | None = None,
        key: str | None = None,
        producer: str | None = None,
        before: str | None = None,
        locations: Collection[CellLocation] | None = None,
        limit: int = 50,
    ) -> list[Task]:
        where = {"state = ?": state, "name = ?": name, "producer = ?": producer, "id < ?": before}
        where[keys.WITH_KEY] = key
        where[cells_table.WITHIN] = None if locations is None else cells_table.locations_value(locations)
        wanted = {clause: value for clause, value in where.items() if value is not None}
        clause = " AND ".join(wanted) or "1"
        return self._found(f"WHERE {clause} ORDER BY id DESC LIMIT ?", *wanted.values(), limit)

    def cell_locations(self, cells: Collection[str] | None = None) -> list[CellLocation]:
        with Translated(self._path):
            return list(cells_table.cell_locations(self._db, cells))

    def open_tasks(self) -> list[Task]:
        return self._found("WHERE state IN ('queued', 'running') ORDER BY id")

    def owners(self, task_id: str, attempt: int) -> tuple[str, ...]:
        return self.load_owners(task_id, attempt) or ()

    def producer(self, producer: str) -> ProducerRow | None:
        return self.load_producer(producer)

    def producers(self) -> list[ProducerRow]:
        with Translated(self._path):
            return [_producer_row(row) for row in self._db.execute("SELECT * FROM producers ORDER BY id")]

    def pending(self, producer: str) -> list[PendingCommand]:
        with Translated(self._path):
            rows = self._db.execute(
                "SELECT offset, producer, body FROM commands WHERE producer = ? ORDER BY offset", [producer]
            )
            with Damage("commands"):
                return [
                    PendingCommand(offset, who, decode_event(body.encode())) for offset, who, body in rows
                ]

    def handled(self, offset: int) -> None:
        with Translated(self._path):
            self._db.execute("DELETE FROM commands WHERE offset = ?", [offset])

    def recoverable(self, after: int, tasks: Collection[str] | None) -> bool:
        if after > self.head or in_lost_range(after, self._voids):
            return False
        if after >= self._pruned:
            return True
        return tasks is not None and all(self.task(task) is not None for task in tasks)

    def forget(self, task_ids: Iterable[str]) -> None:
        gone = json.dumps(list(task_ids))
        among = "IN (SELECT value FROM json_each(?))"
        run = self._db.execute
        with Translated(self._path):
            run("BEGIN IMMEDIATE")
            try:
                last = run(f"SELECT max(offset) FROM events WHERE task {among}", [gone]).fetchone()[0] or 0
                pruned = max(self._pruned, last)
                for table, column in (
                    ("events", "task"),
                    ("tasks", "id"),
                    ("commands", "task"),
                    ("cells", "task"),
                    ("keys", "task"),
                ):
                    run(f"DELETE FROM {table} WHERE {column} {among}", [gone])
                run(
                    "DELETE FROM attempts WHERE task IN (SELECT DISTINCT task FROM attempts"
                    " WHERE task NOT IN (SELECT id FROM tasks) ORDER BY task DESC LIMIT -1 OFFSET ?)",
                    [MAX_FORGOTTEN],
                )
                run("INSERT OR REPLACE INTO meta VALUES ('pruned', ?)", [str(pruned)])
                run("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    run("ROLLBACK")
                raise
            run("PRAGMA incremental_vacuum(2000)").fetchall()
        self._pruned = pruned
        self._forget_cache()

    def ended_before(self, when: float) -> list[str]:
        with Translated(self._path):
            rows = self._db.execute(
                "SELECT id FROM tasks WHERE state NOT IN ('queued', 'running') AND ended < ? ORDER BY ended",
                [when],
            )
            return [task_id for (task_id,) in rows]

    def size(self) -> int:
        one = self._one
        pages, free, size = (one(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        assert pages is not None
        assert free is not None
        assert size is not None
        return int((pages[0] - free[0]) * size[0])

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._db.close()
            with suppress(OSError):  # then the next one only goes on farther behind
                self._reservation.release()

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        with Translated(self._path):
            row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
            return row

    def _found(self, clause: str, *values: object) -> list[Task]:
        with Translated(self._path):
            rows = self._db.execute(f"SELECT snapshot FROM tasks {clause}", values)
            with Damage("tasks"):
                return [_tasks_decoder.decode(snapshot) for (snapshot,) in rows]

    def _forget_cache(self) -> None:
        self._tasks.clear()
        self._owners.clear()
        self._producers.clear()

    def _trim_cache(self) -> None:
        """Everything cached is committed, so anything may go; ended tasks seldom come again."""
        if len(self._tasks) + len(self._owners) + len(self._producers) > 3 * _CACHED_TASKS:
            self._forget_cache()


def _create_private(path: Path) -> None:
    """SQLite would make the file by the umask; its other files take over this one's mode."""
    try:
        create_private(path).close()
    except FileExistsError:
        return
    except OSError as error:
        raise JournalError(f"{path} cannot be used: {error.strerror or error}") from error


def _producer_row(row: tuple[object, ...]) -> ProducerRow:
    with Damage("producers"):
        return msgspec.convert(row, ProducerRow)


def _rows_of(transaction: Transaction) -> Iterator[tuple[str, list[Row]]]:
    """What a draft writes, by table."""
    bodies = zip(transaction.events, transaction.bodies, strict=True)
    yield "events", [(event.offset, event.task, event.type, body.decode()) for event, body in bodies]
    yield (
        "tasks",
        [(t.id, t.state, t.name, t.producer, t.ended, _text(t)) for t in transaction.tasks.values()],
    )
    told = {
        event.task for event in transaction.events if event.type == "state"
    }  # where it is comes with these
    yield "cells", cells_table.rows(transaction.tasks[task] for task in told)
    yield "keys", keys.rows(transaction.tasks[task] for task in told)
    yield "producers", list(transaction.producers.values())
    yield "attempts", [(*attempt, " ".join(who)) for attempt, who in transaction.owners.items()]
    yield (
        "commands",
        [
            (p.offset, p.producer, p.event.task, p.event.attempt, _text(p.event))
            for p in transaction.pending.values()
        ],
    )


def _text(value: object) -> str:
    return _encode(value).decode()
