"""The journal in an SQLite file: one process, one connection, one thread.

``locking_mode=EXCLUSIVE`` with WAL needs no shared memory (so it works on network homes), one
``fsync`` makes one commit durable (``synchronous=FULL``), and with a single connection there is no
other reader to wait for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from ...core.query import NEWEST_TASKS, TaskQuery
from ...core.task import Task
from ..base import (
    NOWHERE,
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
    TaskIds,
)
from ..task_search import TaskSearch
from ..transaction import Transaction
from . import cell_index, event_queries, pruning, task_queries
from .commit import commit
from .committed_rows import CommittedRows
from .errors import sqlite_errors
from .immediate import immediate
from .offset_reservation import OffsetAllocator, in_lost_range
from .opening import open_file
from .records import SQLiteRecords

PURGED_AT_ONCE = 1000
"""Maximum number of events that `SQLiteJournal.forget` itself deletes."""


COPIED_PAGES = 1000
"""Pages copied at once, of 4 KiB each."""


class SQLiteJournal(SQLiteRecords, CommittedRows):
    """See `base.Journal`. Raises `CorruptJournal` when *path* is damaged, `JournalError` when it
    cannot be opened or written for another reason (permissions, a full disk)."""

    def __init__(self, path: Path, holder: str, new_epoch: str) -> None:
        super().__init__()
        self._holder = holder
        self._path = path
        self._offsets = OffsetAllocator(path)
        opened = open_file(path, new_epoch, self._offsets)
        self._db = opened.db
        self.epoch = opened.epoch
        self.head = opened.head
        self._pruned = opened.pruned
        self._unlisted = opened.unlisted
        self._lost_ranges = opened.lost_ranges
        self._closed = False

    def append(self, work: Sequence[Batch | HolderEvent], now: float) -> list[AppendResult]:
        transaction = Transaction(self, self._holder, now)
        try:
            answers = [transaction.apply(item) for item in work]
            if transaction.producers or transaction.events:
                # First the reservation on disk, then the offsets: an offset given out twice would
                # make a cursor ambiguous.
                self._offsets.reserve(transaction.head)
                self._write(transaction)
        except BaseException:
            self._clear_cache()  # the transaction has changed cached tasks in place
            raise
        self.head = transaction.head
        self._cache(transaction)
        return answers

    def probe(self) -> None:
        """Write something that changes nothing. Raises `JournalError` when that does not work."""
        with sqlite_errors(self._path), immediate(self._db) as run:
            run("UPDATE meta SET value = value")

    def _write(self, transaction: Transaction) -> None:
        with sqlite_errors(self._path):
            commit(self._db, transaction)

    def read(
        self,
        after: int,
        limit: int,
        *,
        tasks: Collection[str] | None = None,
        types: Collection[str] | None = None,
        size: int = PAGE_BYTES,
        upto: int | None = None,
    ) -> list[StoredEvent]:
        with sqlite_errors(self._path):
            return event_queries.read(self._db, after, limit, tasks, types, size, upto)

    def scan_end(self, after: int, limit: int) -> int:
        row = self._one(
            "SELECT offset FROM events WHERE offset > ? ORDER BY offset LIMIT 1 OFFSET ?", after, limit - 1
        )
        return int(row[0]) if row else self.head

    def tail(
        self, task: str, count: int, types: Collection[str], *, scan_limit: int | None = None
    ) -> list[StoredEvent]:
        with sqlite_errors(self._path):
            return event_queries.tail(self._db, task, count, types, self.head, scan_limit)

    def past(
        self,
        task: str,
        upto: int,
        limit: int,
        *,
        types: Collection[str] | None = None,
        size: int = PAGE_BYTES,
        scan_limit: int = SCAN_LIMIT,
    ) -> HistoryPage:
        with sqlite_errors(self._path):
            return event_queries.past(self._db, task, upto, limit, types, size, scan_limit)

    def task_ids(
        self,
        query: TaskQuery = NEWEST_TASKS,
        *,
        producer: str | None = None,
        locations: Collection[CellLocation] | None = None,
        scan_limit: int = SCAN_LIMIT,
    ) -> TaskIds:
        with sqlite_errors(self._path):
            return task_queries.task_ids(self._db, query, producer, locations, self._unlisted, scan_limit)

    def tasks_of(self, ids: Collection[str]) -> list[Task]:
        with sqlite_errors(self._path):
            return task_queries.tasks_of(self._db, ids)

    def tasks(
        self,
        query: TaskQuery = NEWEST_TASKS,
        *,
        producer: str | None = None,
        locations: Collection[CellLocation] | None = None,
    ) -> list[Task]:
        search = TaskSearch(query, producer, locations)
        while search.step(self):
            pass
        return self.tasks_of(search.ids)

    def cell_locations(
        self, cells: Collection[str] | None = None, *, after: CellLocation = NOWHERE, limit: int | None = None
    ) -> list[CellLocation]:
        with sqlite_errors(self._path):
            return list(cell_index.cell_locations(self._db, cells, after, limit))

    def open_tasks(
        self, *, producer: str | None = None, after: str = "", limit: int | None = None
    ) -> list[Task]:
        with sqlite_errors(self._path):
            ids = task_queries.open_ids(self._db, self._unlisted, producer, after, limit)
            return task_queries.tasks_of(self._db, ids)

    def owners(self, task_id: str, attempt: int) -> tuple[str, ...]:
        return self.load_owners(task_id, attempt) or ()

    def producer(self, producer: str) -> ProducerRow | None:
        return self.load_producer(producer)

    def producers(self, after: str = "", limit: int | None = None) -> list[ProducerRow]:
        with sqlite_errors(self._path):
            return task_queries.producers(self._db, after, limit)

    def pending_offsets(self) -> set[int]:
        with sqlite_errors(self._path):
            return {int(offset) for (offset,) in self._db.execute("SELECT offset FROM commands")}

    def pending(self, producer: str) -> list[PendingCommand]:
        with sqlite_errors(self._path):
            return task_queries.pending(self._db, producer)

    def handled(self, offset: int) -> None:
        with sqlite_errors(self._path):
            self._db.execute("DELETE FROM commands WHERE offset = ?", [offset])

    def recoverable(self, after: int, tasks: Collection[str] | None) -> bool:
        if after > self.head or in_lost_range(after, self._lost_ranges):
            return False
        if after >= self._pruned:
            return True
        return tasks is not None and all(self.task(task) is not None for task in tasks)

    def forget(self, task_ids: Iterable[str]) -> None:
        with sqlite_errors(self._path):
            self._pruned = pruning.forget(self._db, task_ids, self._pruned)
            self._clear_cache()
            pruning.purge(self._db, PURGED_AT_ONCE)

    def purge(self, limit: int) -> bool:
        with sqlite_errors(self._path):
            return pruning.purge(self._db, limit)

    def ended(self, after: int, upto: int, limit: int) -> list[tuple[int, str]]:
        with sqlite_errors(self._path):
            return pruning.ended(self._db, after, upto, limit)

    def index_older(self, limit: int) -> bool:
        if self._unlisted:
            with sqlite_errors(self._path):
                self._unlisted = pruning.index_older(self._db, self._unlisted, limit)
        return bool(self._unlisted)

    def size(self) -> int:
        with sqlite_errors(self._path):
            return pruning.used_bytes(self._db)

    def copy_to(self, path: Path, between: Callable[[], None]) -> None:
        """Write everything into the empty file *path*, also when the open file was deleted meanwhile.

        *between* is called after each `COPIED_PAGES`; what is written meanwhile is in the copy, too.
        """
        with sqlite_errors(self._path), closing(sqlite3.connect(path, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous=OFF")  # the caller syncs it
            copy.execute("PRAGMA journal_mode=OFF")
            self._db.backup(copy, pages=COPIED_PAGES, progress=lambda *_: between(), sleep=0)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._db.close()
        # After the close, never before: a reservation that remains only makes the next offsets larger.
        with suppress(OSError):
            self._offsets.release()
