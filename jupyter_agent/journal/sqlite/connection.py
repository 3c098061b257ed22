"""The connection to a journal's file: transactions, and a guard that notices a file that was overwritten.

SQLite keeps the file locked and never asks whether it has changed: pages of both would be mixed, and the next
copy of the write-ahead log would write them over what was put there. Only this process's commits change the
sizes of the files and the first pages, which have the newest offset and the epoch; so what they are before a
transaction is what they were after the last one. What is copied over them while a commit copies the log to
the file is taken for the commit's own.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from os import SEEK_END, lseek, pread
from pathlib import Path
from sqlite3 import Connection, Cursor
from typing import Any

from .errors import CorruptJournal, sqlite_errors

Run = Callable[..., Cursor]
_Seen = tuple[int, bytes]
"""The length of a file, and its beginning."""

CHECKPOINT_PAGES = 1000
"""Pages of the write-ahead log from which on a commit copies them to the file; others wait for that."""

_FRAME_HEADER = 24  # bytes, before each page in the log
MAX_LOG_SIZE = (CHECKPOINT_PAGES - 20) * (4096 + _FRAME_HEADER)
"""Bytes to which the log is cut when it begins anew: while it is shorter than what is copied to the file at a
commit, it is known without a look that the file was left alone."""

_SET_CHECKPOINT = "PRAGMA wal_autocheckpoint="
_UNSYNCED_PAGES = 200
"""The same in long jobs: each of their steps is measured with its own share, not one of ten with all."""

_SETTLED_AFTER, _SETTLED_WITHIN = 0.3, 5.0
"""Seconds without a change after which what is copied over the file is complete; the wait's maximum."""

_FILE_START, _LOG_START = 5 * 4096, 32
"""Bytes of each file that are compared: the first pages, and the log's header, which has random numbers."""

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
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        log = _beside(path, "-wal")
        self._log = os.open(log, os.O_RDWR | os.O_CLOEXEC) if log.exists() else -1
        self._was_overwritten = False
        self.note()
        self.note_checkpoints(CHECKPOINT_PAGES)

    def note(self) -> None:
        """Remember what the files are, after this process may have written to both."""
        self._seen_file, self._seen_log = self._read_file(), self._read_log()

    def note_commit(self) -> None:
        """Remember what the files are after a commit. One of a log that is short has left the file alone."""
        self._seen_log = found = self._read_log()
        if found is None or found[0] >= self._copied_from:
            self._seen_file = self._read_file()

    def note_checkpoints(self, pages: int) -> None:
        """Note from how many pages of the log on a commit copies them. 65,536 bytes are written as 1."""
        size = int.from_bytes(self._seen_file[1][16:18], "big") if self._seen_file else 0
        self._copied_from = _LOG_START + pages * (size + _FRAME_HEADER)

    def note_failed(self) -> None:
        """Remember what the log is after a transaction that failed: it has not written to the file."""
        self._is_file_changed()
        self._seen_log = self._read_log()

    def check_log(self) -> None:
        """Raise `OverwrittenJournal` if another program has written into the log."""
        if self._is_log_changed():
            raise OverwrittenJournal(self._path)

    def check_file(self) -> None:
        """Raise `OverwrittenJournal` if another program has written into the file."""
        if self._is_file_changed():
            raise OverwrittenJournal(self._path)

    def is_overwritten(self) -> bool:
        """Return True if another program has written into the file; False where it cannot be read now."""
        return self._is_file_changed() or self._is_log_changed()

    def _is_file_changed(self) -> bool:
        found = self._read_file()
        if found != self._seen_file:
            self._was_overwritten |= None not in (found, self._seen_file)
            self._seen_file = self._seen_file or found
        return self._was_overwritten

    def _is_log_changed(self) -> bool:
        found = self._read_log()
        if found != self._seen_log:
            self._was_overwritten |= None not in (found, self._seen_log)
            self._seen_log = self._seen_log or found
        return self._was_overwritten

    def _read_file(self) -> _Seen | None:
        """Return what the file is; ``None`` when it cannot be read: SQLite says so, too."""
        try:
            return lseek(self._file, 0, SEEK_END), pread(self._file, _FILE_START, 0)
        except OSError:
            return None

    def _read_log(self) -> _Seen | None:
        """The same for the log, which a journal may not have."""
        try:
            return None if self._log < 0 else (lseek(self._log, 0, SEEK_END), pread(self._log, _LOG_START, 0))
        except OSError:
            return None

    def release(self, db: Connection) -> None:
        """Close *db* without a trace of it in the file that was put in its place. Waits until that is there.

        The journal's own log goes, as it belongs to the old content; one that was put there too is kept.
        """
        self._settle()
        log, kept = _beside(self._path, "-wal"), _beside(self._path, "-wal-kept")
        is_kept = log.exists() and not self._is_own_log(log)
        if is_kept:
            shutil.copyfile(log, kept)
        if self._log >= 0:
            os.ftruncate(self._log, 0)  # else the close copies it to the file, also without a name
        with sqlite_errors(self._path):
            db.close()
        self.close()
        log.unlink(missing_ok=True)
        if is_kept:
            kept.replace(log)

    def close(self) -> None:
        """Close the descriptors, after the connection. Idempotent."""
        for fd in (self._file, self._log):
            if fd >= 0:
                os.close(fd)
        self._file = self._log = -1

    def _is_own_log(self, log: Path) -> bool:
        if self._log < 0 or not os.path.samestat(log.stat(), os.fstat(self._log)):
            return False
        return self._read_log() == self._seen_log

    def _settle(self) -> None:
        deadline, before, since = time.monotonic() + _SETTLED_WITHIN, None, 0.0
        while (now := time.monotonic()) < deadline:
            found = os.fstat(self._file)  # its name may be gone
            if before != (found.st_size, found.st_mtime_ns):
                before, since = (found.st_size, found.st_mtime_ns), now
            elif now - since >= _SETTLED_AFTER and _is_whole(self._file, found.st_size):
                return
            time.sleep(_SETTLED_AFTER / 10)


class GuardedConnection(Connection):
    """A connection that checks the files before each statement that may write, and notes them after it.

    `immediate` does so for a transaction.
    """

    guard: FileGuard | None = None

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = (), /) -> Cursor:  # type: ignore[override]
        guard = self.guard
        if guard is None or self.in_transaction or sql.lstrip().startswith(("SELECT", "WITH")):
            return super().execute(sql, parameters)
        guard.check_log()
        guard.check_file()
        try:
            cursor = super().execute(sql, parameters)
        except BaseException:
            guard.note_failed()
            raise
        guard.note()
        if sql.startswith(_SET_CHECKPOINT):
            guard.note_checkpoints(int(sql.removeprefix(_SET_CHECKPOINT)))
        return cursor


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


def _is_whole(fd: int, size: int) -> bool:
    """Return True unless it is the beginning of an SQLite file."""
    header = os.pread(fd, 100, 0)
    page, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
    return header[:16] != _MAGIC or size >= page * pages


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


@contextmanager
def unsynced(db: Connection) -> Iterator[None]:
    """Commit without waiting for the disk: for work that is done again when a power failure undoes it.

    Commits are undone from the last one on, and the next one elsewhere syncs these, too.
    """
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute(f"{_SET_CHECKPOINT}{_UNSYNCED_PAGES}")
    try:
        yield
    finally:
        db.execute(f"{_SET_CHECKPOINT}{CHECKPOINT_PAGES}")
        db.execute("PRAGMA synchronous=FULL")


class immediate:  # noqa: N801 - reads as a function, like contextlib.suppress
    """One transaction: commit at the end, roll back on any exception. It yields what runs its statements."""

    __slots__ = ("_db", "_guard", "_run")

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._guard = db.guard if isinstance(db, GuardedConnection) else None
        self._run: Run = partial(Connection.execute, db)  # without the checks at each statement

    def __enter__(self) -> Run:
        if self._guard is not None:
            self._guard.check_log()  # which the commit changes; the file it does not, and is checked then
        self._run("BEGIN IMMEDIATE")
        return self._run

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None:
            self._roll_back()
            return
        guard = self._guard
        try:
            if guard is not None:
                guard.check_file()
            self._run("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        if guard is not None:
            guard.note_commit()

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # some errors, such as a full disk, have rolled back already
            self._run("ROLLBACK")
        if self._guard is not None:
            self._guard.note_failed()
