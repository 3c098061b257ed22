"""File locks that a process holds until it releases them or dies.

POSIX record locks (`fcntl.lockf`): the operating system releases them when the process dies, however it
dies, and forked children do not inherit them. (They do inherit `flock` locks, which kept dead parents
"alive".) Two rules of fcntl(2) shape this module. A process never conflicts with itself, so the locks that
are held are recorded here. And closing *any* descriptor of a file releases the process's locks on it, so a
file whose lock is held is never opened again.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from pathlib import Path

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try_lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def _is_held_elsewhere(fd: int) -> bool:
        try:
            _try_lock(fd)
        except PermissionError:
            return True
        return False
else:
    import fcntl

    # Layout of struct flock, and the index of l_type in it: the only field that is read.
    _FLOCK, _TYPE = ("qqihh", 3) if sys.platform == "darwin" else ("hhqqi", 0)

    def _try_lock(fd: int) -> None:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_held_elsewhere(fd: int) -> bool:
        """Ask without acquiring: a lock acquired only to look would turn its true owner away."""
        query = [0] * 5
        query[_TYPE] = fcntl.F_WRLCK
        answer = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack(_FLOCK, *query))
        return bool(struct.unpack(_FLOCK, answer)[_TYPE] != fcntl.F_UNLCK)


_held: dict[tuple[int, int], int] = {}
"""Descriptors of the locks that this process holds, by device and inode."""

_guard = threading.Lock()


def _after_fork_in_child() -> None:
    """Forget the parent's locks, which a child does not inherit, and a guard that may have been held."""
    global _guard
    _guard = threading.Lock()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


class FileLock:
    """An exclusive lock on *path*, held until `release` or the death of the process."""

    def __init__(self, path: Path, fd: int, identity: tuple[int, int]) -> None:
        self.path = path
        self._fd = fd
        self._identity = identity
        self._released = False

    @classmethod
    def acquire(cls, path: Path, *, create: bool = True) -> FileLock | None:
        """Acquire the lock without waiting; ``None`` when a process holds it, this one included.

        A missing file is created (0600). Raises `OSError` when it is missing and *create* is false, when it
        cannot be opened, or when the file system has no locks.
        """
        with _guard:
            return cls._acquire(path, os.O_CREAT if create else 0)

    @classmethod
    def _acquire(cls, path: Path, create: int) -> FileLock | None:
        while True:
            # Before opening: fcntl would grant a second lock to the same process, and closing the second
            # descriptor would release the first lock.
            if _identity(path) in _held:
                return None
            fd = os.open(path, os.O_RDWR | create | os.O_CLOEXEC, 0o600)
            try:
                _try_lock(fd)
            except (BlockingIOError, PermissionError):
                os.close(fd)
                return None
            except OSError:
                os.close(fd)
                raise
            status = os.fstat(fd)
            identity = (status.st_dev, status.st_ino)
            # The path may have been renamed or deleted since it was opened. Then this lock is on a file
            # that no other process looks at: try again with the file that has the name now.
            if _identity(path) == identity:
                _held[identity] = fd
                return cls(path, fd, identity)
            os.close(fd)

    def release(self) -> None:
        """Release the lock. Idempotent; in a forked child, which does not hold it, nothing is closed."""
        with _guard:
            if not self._released and self._identity in _held:
                del _held[self._identity]
                os.close(self._fd)
            self._released = True


def is_locked(path: Path) -> bool:
    """Return True if a living process holds the lock; false when the file is missing."""
    with _guard:
        identity = _identity(path)
        if identity is None:
            return False
        if identity in _held:  # not opened: closing it again would release the lock
            return True
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            return _is_held_elsewhere(fd)
        finally:
            os.close(fd)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
