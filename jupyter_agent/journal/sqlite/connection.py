"""The connection to a journal's file: transactions, and a guard that notices a file that was overwritten.

SQLite keeps the file locked and never asks whether it has changed: pages of both would be mixed, and the next
copy of the write-ahead log would write them over what was put there. Only this process's commits change the
sizes of the files and the first pages, which have the newest offset and the epoch; so what they are before a
transaction is what they were after the last one. What is copied over them while a commit waits for the disk
is taken for the commit's own.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection, Cursor
from typing import Any

from .errors import CorruptJournal, sqlite_errors

Run = Callable[..., Cursor]
CHECKPOINT_PAGES = 1000
"""Pages of the write-ahead log from which on a commit copies them to the file; others wait for that."""

_UNSYNCED_PAGES = 200
"""The same in long jobs: each of their steps is measured with its own share, not one of ten with all."""

_SETTLED_AFTER, _SETTLED_WITHIN = 0.3, 5.0
"""Seconds without a change after which what is copied over the file is complete; the wait's maximum."""

_START = {"": 8 * 4096, "-wal": 32}
"""How much of each file is compared: the first pages, and the header of the log, which has random numbers."""

_MAGIC = b"SQLite format 3\0"


class OverwrittenJournal(CorruptJournal):
    """Another program has written into the open file: what was only in it is gone."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was overwritten by another program while it is in use, for example by a backup: what is "
            "there now is used, and running processes send again what they still have; stop the server "
            "before you restore a backup"
        )


class FileGuard:
    """Knows how long the files of a journal are, and what they begin with. Lives as long as its connection.

    It has descriptors of its own: to close one of them drops the locks that SQLite has on the file. It does
    not ask for times or sizes by `os.fstat`: Linux 6.13 and newer then write the time with the next commit,
    which took 40 of 220 microseconds more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fds = {
            suffix: os.open(_beside(path, suffix), (os.O_RDWR if suffix else os.O_RDONLY) | os.O_CLOEXEC)
            for suffix in _START
            if _beside(path, suffix).exists()
        }
        self._seen: dict[str, tuple[int, bytes]] | None = None
        self._was_overwritten = False
        self.note()

    def note(self) -> None:
        """Remember what the files are, after a commit of this process."""
        self._seen = self._read()

    def check(self) -> None:
        """Raise `OverwrittenJournal` if another program has written into the file."""
        if self.is_overwritten():
            raise OverwrittenJournal(self._path)

    def check_commit(self) -> None:
        """Raise `OverwrittenJournal` if the file has changed in a transaction, which writes to the log."""
        found = self._read()
        if found is not None and self._seen is not None and found[""] != self._seen[""]:
            self._was_overwritten = True
            raise OverwrittenJournal(self._path)

    def is_overwritten(self) -> bool:
        """Return True if another program has written into the file; False where it cannot be read now."""
        found = self._read()
        if self._seen is None:
            self._seen = found
        if found is not None and found != self._seen:
            self._was_overwritten = True
        return self._was_overwritten

    def release(self, db: Connection) -> None:
        """Close *db* without a trace of it in the file that was put in its place. Waits until that is there.

        The journal's own log goes, as it belongs to the old content; one that was put there too is kept.
        """
        self._settle()
        log, kept = _beside(self._path, "-wal"), _beside(self._path, "-wal-kept")
        is_kept = log.exists() and not self._is_own_log(log)
        if is_kept:
            shutil.copyfile(log, kept)
        if "-wal" in self._fds:
            os.ftruncate(self._fds["-wal"], 0)  # else the close copies it to the file, also without a name
        with sqlite_errors(self._path):
            db.close()
        self.close()
        log.unlink(missing_ok=True)
        if is_kept:
            kept.replace(log)

    def close(self) -> None:
        """Close the descriptors, after the connection. Idempotent."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds = {}

    def _is_own_log(self, log: Path) -> bool:
        own = self._fds.get("-wal")
        if own is None or not os.path.samestat(log.stat(), os.fstat(own)):
            return False
        return (self._read() or {}).get("-wal") == (self._seen or {}).get("-wal")

    def _read(self) -> dict[str, tuple[int, bytes]] | None:
        try:
            return {
                suffix: (os.lseek(fd, 0, os.SEEK_END), os.pread(fd, _START[suffix], 0))
                for suffix, fd in self._fds.items()
            }
        except OSError:  # a disk that fails: SQLite says so
            return None

    def _settle(self) -> None:
        deadline, before, since = time.monotonic() + _SETTLED_WITHIN, None, 0.0
        while (now := time.monotonic()) < deadline:
            found = os.fstat(self._fds[""])  # its name may be gone
            if before != (found.st_size, found.st_mtime_ns):
                before, since = (found.st_size, found.st_mtime_ns), now
            elif now - since >= _SETTLED_AFTER and self._is_whole(found.st_size):
                return
            time.sleep(_SETTLED_AFTER / 10)

    def _is_whole(self, size: int) -> bool:
        """Return True unless it is the beginning of an SQLite file."""
        header = os.pread(self._fds[""], 100, 0)
        page, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
        return header[:16] != _MAGIC or size >= page * pages


class GuardedConnection(Connection):
    """A connection that checks the file before each transaction that may write, and notes it after each."""

    guard: FileGuard | None = None

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = (), /) -> Cursor:  # type: ignore[override]
        guard, was_open = self.guard, self.in_transaction
        if guard is None or (not was_open and sql.lstrip().startswith(("SELECT", "WITH"))):
            return super().execute(sql, parameters)
        if not was_open:
            guard.check()
        elif sql == "COMMIT":
            guard.check_commit()
        try:
            return super().execute(sql, parameters)
        finally:
            if not self.in_transaction:
                guard.note()


class GuardedFile:
    """What an overwritten file is asked and done to; for `journal.SQLiteJournal`."""

    epoch: str
    _db: Connection
    _guard: FileGuard
    _path: Path
    _closed: bool

    def overwritten(self) -> OverwrittenJournal | None:
        """Return the error that says so if another program has written into the open file."""
        if self._closed or not self._guard.is_overwritten():
            return None
        return OverwrittenJournal(self._path)

    def renew(self, epoch: str) -> None:
        """Begin a new epoch: the file is not what cursors of the old one were given for.

        Raises `JournalError` when that does not work.
        """
        with sqlite_errors(self._path), immediate(self._db) as run:
            run("UPDATE meta SET value = ? WHERE key = 'epoch'", [epoch])
        self.epoch = epoch

    def release(self) -> None:
        """Close an overwritten file and leave it as it is, with the reservation. Idempotent."""
        if not self._closed:
            self._guard.release(self._db)
        self._closed = True


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


@contextmanager
def unsynced(db: Connection) -> Iterator[None]:
    """Commit without waiting for the disk: for work that is done again when a power failure undoes it.

    Commits are undone from the last one on, and the next one elsewhere syncs these, too.
    """
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute(f"PRAGMA wal_autocheckpoint={_UNSYNCED_PAGES}")
    try:
        yield
    finally:
        db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        db.execute("PRAGMA synchronous=FULL")


@contextmanager
def immediate(db: Connection) -> Iterator[Run]:
    """Yield what runs statements in one transaction: commit at the end, roll back on any exception."""
    run = db.execute
    run("BEGIN IMMEDIATE")
    try:
        yield run
        run("COMMIT")
    except BaseException:
        if db.in_transaction:  # some errors, such as a full disk, have rolled back already
            run("ROLLBACK")
        raise
