"""The journal in an SQLite file, opened by one process through one connection in one thread.

``locking_mode=EXCLUSIVE`` with WAL needs no shared memory (so it works on network homes), one
``fsync`` makes one commit durable (``synchronous=FULL``), and with a single connection there is no
other reader to wait for. Rows go in by one statement over ``json_each``: row-by-row binding takes the
GIL for each row while the transaction is open.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from ..core.events import UNREADABLE, TaskState, decode_event, with_offset
from ..core.ids import Cursor
from ..core.task import Task
from ..errors import BadCursor, JournalError
from ..places import create_private
from .base import PAGE_BYTES, Appended, Batch, Note, Pending, ProducerRow, Stored
from .draft import Draft, Owners

SCHEMA_VERSION = 1
_SCHEMA = """
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
_CACHED_TASKS = 512
_tasks_decoder = msgspec.json.Decoder(Task)
_encode = msgspec.json.Encoder().encode


class CorruptJournal(JournalError):
    """The file is no journal, or no longer one."""


class SQLiteJournal:
    """See `base.Journal`. Raises `CorruptJournal` when *path* is damaged, `JournalError` when it
    cannot be opened or written for another reason (permissions, a full disk)."""

    def __init__(self, path: Path, holder: str, new_epoch: str) -> None:
        self._holder = holder
        self._tasks: dict[str, Task] = {}
        self._owners: dict[tuple[str, int], Owners] = {}
        self._producers: dict[str, ProducerRow] = {}
        _create_private(path)
        with _Translated(path):
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._open(new_epoch)
            except BaseException:
                self._db.close()
                raise
        self._path = path

    def _open(self, new_epoch: str) -> None:
        run = self._db.execute
        run("PRAGMA auto_vacuum=INCREMENTAL")
        run("PRAGMA locking_mode=EXCLUSIVE")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        run("PRAGMA wal_autocheckpoint=4000")
        run("PRAGMA journal_size_limit=67108864")
        if not run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._create(new_epoch)
        meta = dict(run("SELECT key, value FROM meta").fetchall())
        if meta.get("schema") != str(SCHEMA_VERSION):
            raise CorruptJournal(f"the journal has schema {meta.get('schema')!r}, not {SCHEMA_VERSION}")
        with _Damage("meta"):
            self.epoch: str = Cursor.parse(f"{meta['epoch']}:0").epoch
            self._pruned = int(meta.get("pruned", 0))
            row = run("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
            self.head = int(row[0]) if row else 0
        run("SELECT id FROM tasks LIMIT 1").fetchone()
        run("SELECT offset FROM events ORDER BY offset DESC LIMIT 1").fetchone()

    def _create(self, epoch: str) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";\n"):
            self._db.execute(statement)
        self._db.executemany(
            "INSERT INTO meta VALUES (?, ?)", [("schema", str(SCHEMA_VERSION)), ("epoch", epoch)]
        )
        self._db.execute("COMMIT")

    def append(self, work: Sequence[Batch | Note], now: float) -> list[Appended]:
        draft = Draft(self, self._holder, now)
        try:
            answers = [draft.take(item) for item in work]
            if draft.producers or draft.events:
                with _Translated(self._path):
                    self._write(draft)
        except BaseException:
            self._forget_cache()
            raise
        self.head = draft.head
        self._tasks |= draft.tasks
        self._owners |= draft.owners
        self._producers |= draft.producers
        self._trim_cache()
        return answers

    def _write(self, draft: Draft) -> None:
        run = self._db.execute
        run("BEGIN IMMEDIATE")
        try:
            self._insert_events(draft)
            if draft.tasks:
                rows = [[t.id, t.state, t.name, t.producer, t.ended, _text(t)] for t in draft.tasks.values()]
                run(_from_rows("INSERT OR REPLACE INTO tasks", 6), [_text(rows)])
            run(_from_rows("INSERT OR REPLACE INTO producers", 4), [_text(list(draft.producers.values()))])
            if draft.owners:
                owners = [[task, attempt, " ".join(who)] for (task, attempt), who in draft.owners.items()]
                run(_from_rows("INSERT OR REPLACE INTO attempts", 3), [_text(owners)])
            for offset, p in draft.pending.items():
                command = (offset, p.producer, p.event.task, p.event.attempt, _text(p.event))
                run("INSERT INTO commands VALUES (?, ?, ?, ?, ?)", command)
            for settled in draft.settled:
                run("DELETE FROM commands WHERE task = ? AND attempt = ?", settled)
            run("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                run("ROLLBACK")
            raise

    def _insert_events(self, draft: Draft) -> None:
        if not draft.bodies:
            return
        try:
            self._db.execute(
                "INSERT INTO events"
                " SELECT ?1 + key, value ->> 'task', value ->> 'type', value FROM json_each(?2)",
                (self.head + 1, (b"[" + b",".join(draft.bodies) + b"]").decode()),
            )
        except sqlite3.OperationalError as error:
            if "malformed JSON" not in str(error):
                raise
            rows = zip(draft.events, draft.bodies, strict=True)
            self._db.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?)",
                [(e.offset, e.task, e.type, body.decode()) for e, body in rows],
            )

    def load_task(self, task_id: str) -> Task | None:
        if task_id in self._tasks:
            return self._tasks[task_id]
        row = self._one("SELECT snapshot FROM tasks WHERE id = ?", task_id)
        with _Damage("tasks"):
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
            with _Damage("attempts"):
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
    ) -> list[Stored]:
        select = "SELECT offset, task, type, body FROM events WHERE offset > ?"
        narrow = ""
        chosen: list[object] = []
        if types is not None:
            narrow = " AND type IN (SELECT value FROM json_each(?))"
            chosen = [json.dumps(list(types))]
        order = " ORDER BY offset LIMIT ?"
        with _Translated(self._path):
            if tasks is None:
                rows = iter(self._db.execute(select + narrow + order, [after, *chosen, limit]))
                return _page(rows, size)
            one = select + " AND task = ?" + narrow + order
            parts = [self._db.execute(one, [after, task, *chosen, limit]) for task in set(tasks)]
            return _page(islice(heapq.merge(*parts), limit), size)

    def tail(self, task: str, count: int, types: Collection[str]) -> list[Stored]:
        with _Translated(self._path):
            rows = self._db.execute(
                "SELECT offset, task, type, body FROM events WHERE task = ?"
                " AND type IN (SELECT value FROM json_each(?)) ORDER BY offset DESC LIMIT ?",
                (task, json.dumps(list(types)), count),
            )
            return _page(rows)[::-1]

    def task(self, task_id: str) -> Task | None:
        row = self._one("SELECT snapshot FROM tasks WHERE id = ?", task_id)
        with _Damage("tasks"):
            return _tasks_decoder.decode(row[0]) if row else None

    def tasks(
        self,
        *,
        state: TaskState | None = None,
        name: str | None = None,
        producer: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Task]:
        where = {"state = ?": state, "name = ?": name, "producer = ?": producer, "id < ?": before}
        wanted = {clause: value for clause, value in where.items() if value is not None}
        clause = " AND ".join(wanted) or "1"
        return self._found(f"WHERE {clause} ORDER BY id DESC LIMIT ?", *wanted.values(), limit)

    def open_tasks(self) -> list[Task]:
        return self._found("WHERE state IN ('queued', 'running') ORDER BY id")

    def owners(self, task_id: str, attempt: int) -> tuple[str, ...]:
        return self.load_owners(task_id, attempt) or ()

    def producer(self, producer: str) -> ProducerRow | None:
        return self.load_producer(producer)

    def producers(self) -> list[ProducerRow]:
        with _Translated(self._path):
            return [_producer_row(row) for row in self._db.execute("SELECT * FROM producers ORDER BY id")]

    def pending(self, producer: str) -> list[Pending]:
        with _Translated(self._path):
            rows = self._db.execute(
                "SELECT offset, producer, body FROM commands WHERE producer = ? ORDER BY offset", [producer]
            )
            with _Damage("commands"):
                return [Pending(offset, who, decode_event(body.encode())) for offset, who, body in rows]

    def handled(self, offset: int) -> None:
        with _Translated(self._path):
            self._db.execute("DELETE FROM commands WHERE offset = ?", [offset])

    def recoverable(self, after: int, tasks: Collection[str] | None) -> bool:
        if after > self.head:
            return False
        if after >= self._pruned:
            return True
        return tasks is not None and all(self.task(task) is not None for task in tasks)

    def forget(self, task_ids: Iterable[str]) -> None:
        gone = json.dumps(list(task_ids))
        among = "IN (SELECT value FROM json_each(?))"
        run = self._db.execute
        with _Translated(self._path):
            run("BEGIN IMMEDIATE")
            try:
                last = run(f"SELECT max(offset) FROM events WHERE task {among}", [gone]).fetchone()[0] or 0
                pruned = max(self._pruned, last)
                for table, column in (
                    ("events", "task"),
                    ("tasks", "id"),
                    ("attempts", "task"),
                    ("commands", "task"),
                ):
                    run(f"DELETE FROM {table} WHERE {column} {among}", [gone])
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
        with _Translated(self._path):
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
        self._db.close()

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        with _Translated(self._path):
            row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
            return row

    def _found(self, clause: str, *values: object) -> list[Task]:
        with _Translated(self._path):
            rows = self._db.execute(f"SELECT snapshot FROM tasks {clause}", values)
            with _Damage("tasks"):
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


class _Translated:
    """Turns SQLite's errors into this package's, with a sentence that says what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if not isinstance(error, sqlite3.Error | UnicodeDecodeError):  # the latter: of an error's own words
            return
        text = str(error)
        if not isinstance(error, sqlite3.InterfaceError) and any(word in text for word in _CORRUPT):
            raise CorruptJournal(f"{self._path} is damaged: {text}") from error
        raise JournalError(f"{self._path} cannot be used: {text}") from error


class _Damage:
    """Turns what reading a row of ours may raise, when a disk has changed it, into `CorruptJournal`."""

    def __init__(self, table: str) -> None:
        self._table = table

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, (*UNREADABLE, ValueError, TypeError, AttributeError, KeyError, BadCursor)):
            raise CorruptJournal(f"the journal's {self._table} are damaged: {error}") from error


_CORRUPT = (
    "malformed", "not a database", "corrupt", "no such table", "no such column", "file is encrypted",
    "unsupported file format", "decode", "has no column", "error in ",
)  # fmt: skip


def _producer_row(row: tuple[object, ...]) -> ProducerRow:
    with _Damage("producers"):
        return msgspec.convert(row, ProducerRow)


def _from_rows(insert: str, columns: int) -> str:
    values = ", ".join(f"value ->> {index}" for index in range(columns))
    return f"{insert} SELECT {values} FROM json_each(?)"


def _text(value: object) -> str:
    return _encode(value).decode()


def _page(rows: Iterable[tuple[int, str, str, str]], size: int | None = None) -> list[Stored]:
    page: list[Stored] = []
    weight = 0
    with _Damage("events"):
        for offset, task, kind, body in rows:
            page.append(Stored(offset, task, kind, with_offset(body.encode(), offset)))
            weight += len(body)
            if size is not None and weight > size:
                break
    return page
