"""Cache of committed tasks, owners and producers, over their tables."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection
from typing import Any

import msgspec

from ...core.task import Task
from ..base import ProducerRow
from ..transaction import Owners, Transaction
from .errors import row_errors, sqlite_errors

_MAX_CACHED = 1536
"""Maximum number of cached tasks, attempts and producers together; beyond it the cache is emptied."""

task_decoder = msgspec.json.Decoder(Task)


class CommittedRows:
    """The half of `transaction.CommittedState` that reads rows; for `journal.SQLiteJournal`.

    Everything cached is committed, so any of it may be dropped at any time.
    """

    _db: Connection
    _path: Path

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._owners: dict[tuple[str, int], Owners] = {}
        self._producers: dict[str, ProducerRow] = {}

    def load_task(self, task_id: str) -> Task | None:
        if task_id in self._tasks:
            return self._tasks[task_id]
        return self.task(task_id)

    def load_producer(self, producer: str) -> ProducerRow | None:
        if producer not in self._producers:
            row = self._one("SELECT * FROM producers WHERE id = ?", producer)
            if row is None:
                return None
            if len(self._producers) >= _MAX_CACHED:
                self._producers.clear()
            self._producers[producer] = producer_row(row)
        return self._producers[producer]

    def load_owners(self, task_id: str, attempt: int) -> Owners | None:
        key = (task_id, attempt)
        if key not in self._owners:
            row = self._one("SELECT producers FROM attempts WHERE task = ? AND attempt = ?", *key)
            if row is None:
                return None
            with row_errors("attempts"):
                self._owners[key] = tuple(row[0].split(" "))
        return self._owners[key]

    def task(self, task_id: str) -> Task | None:
        """Return the committed task, never the cached object: a transaction may change that in place."""
        row = self._one("SELECT snapshot FROM tasks WHERE id = ?", task_id)
        with row_errors("tasks"):
            return task_decoder.decode(row[0]) if row else None

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        with sqlite_errors(self._path):
            row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
            return row

    def _cache(self, transaction: Transaction) -> None:
        """Keep what *transaction* has committed."""
        self._tasks |= transaction.tasks
        self._owners |= transaction.owners
        self._producers |= transaction.producers
        if len(self._tasks) + len(self._owners) + len(self._producers) > _MAX_CACHED:
            self._clear_cache()

    def _clear_cache(self) -> None:
        self._tasks.clear()
        self._owners.clear()
        self._producers.clear()


def producer_row(row: tuple[object, ...]) -> ProducerRow:
    """Return a row of ``producers``, typed. Raises `CorruptJournal` when a disk has changed it."""
    with row_errors("producers"):
        return msgspec.convert(row, ProducerRow)
