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
from ...errors import JournalError
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
from ..joined_page import JoinedPage
from ..task_search import TaskSearch
from ..transaction import Transaction
from . import cell_index, event_queries, pruning, task_queries
from .commit import commit
from .committed_rows import CommittedRows
from .connection import FileGuard, GuardedFile, immediate
from .errors import sqlite_errors
from .offset_reservation import OffsetAllocator, in_lost_range
from .opening import open_file
from .records import SQLiteRecords

PURGED_AT_ONCE = 1000
"""Maximum number of events that `SQLiteJournal.forget` itself deletes."""


PLACED_AT_ONCE = 1000
"""Tasks that are indexed in one transaction when a search by key or cell cannot wait for the upkeep."""

COPIED_PAGES = 1000
"""Pages copied at once, of 4 KiB each."""


class SQLiteJournal(SQLiteRecords, CommittedRows, GuardedFile):
    """See `base.Journal`. Raises `CorruptJournal` when *path* is damaged, `JournalError` when it
    cannot be opened or written for another reason (permissions, a full disk). *notice* gets a sentence
    for the user when a damaged index was built again."""

    def __init__(
        self, path: Path, holder: str, new_epoch: str, notice: Callable[[str], None] = lambda _: None
    ) -> None:
        super().__init__()
        self._holder = holder
        self._path = path
        self._notice = notice
        self._offsets = OffsetAllocator(path)
        opened = open_file(path, new_epoch, self._offsets)
        self._db = opened.db
        try:
            self._guard = opened.db.guard = FileGuard(path)
        except OSError as error:  # no descriptor is left
            opened.db.close()
            raise JournalError(f"{path} cannot be used: {error.strerror or error}") from error
        self.epoch = opened.epoch
        self.head = opened.head
        self._pruned = opened.pruned
        self._unlisted, self._unplaced = opened.unlisted, opened.unplaced
        self._lost_ranges = opened.lost_ranges
        self._checked_to, self._check_to = 0, opened.head
        self._note_rebuilt(is_rebuilt=opened.is_mended)
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

    def joined(self, task: str, after: int, limit: int, types: Collection[str], longest: int) -> JoinedPage:
        with sqlite_errors(self._path):
            return event_queries.joined(self._db, task, after, limit, types, longest)

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
        if query.key is not None or locations is not None:
            self._place()
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
        self._place()
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
                self._unlisted = pruning.index_older(
                    self._db, self._unlisted, limit, with_places=self._unplaced
                )
        self._unplaced = self._unplaced and bool(self._unlisted)
        return bool(self._unlisted)

    @property
    def is_placed(self) -> bool:
        """Whether tasks can be found by key and cell at once; else the first search does `index_older`."""
        return not self._unplaced

    def _place(self) -> None:
        while self._unplaced:
            self.index_older(PLACED_AT_ONCE)

    def check_index(self, limit: int) -> bool:
        with sqlite_errors(self._path):
            last, is_rebuilt = event_queries.check_index(self._db, self._checked_to, limit)
        self._note_rebuilt(is_rebuilt=is_rebuilt)
        self._checked_to = last if 0 < last < self._check_to and not is_rebuilt else self._check_to
        return self._checked_to < self._check_to

    def _note_rebuilt(self, *, is_rebuilt: bool) -> None:
        if is_rebuilt:
            self._notice(f"{self._path} had a damaged index, which was built again; nothing is lost")

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
        if self.overwritten():
            self.release()
            return
        self._closed = True
        self._db.close()
        self._guard.close()
        # After the close, never before: a reservation that remains only makes the next offsets larger.
        with suppress(OSError):
            self._offsets.close(self.head)
