"""The one lock function: a file that a living process keeps locked.

POSIX record locks (`fcntl.lockf`): the kernel releases them when the process dies, whatever kills
it, and forked children do not inherit them (`flock` locks they do, and so kept dead parents
"alive"). Two properties shape this module: a process never conflicts with itself, so held paths are
remembered here; and closing *any* descriptor of a file drops this process's locks on it, so a
path held here is never opened again.
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

    def _somebody_has(fd: int) -> bool:
        try:
            _try_lock(fd)
        except PermissionError:
            return True
        return False
else:
    import fcntl

    # struct flock: where its type stands differs, and nothing but the type is of interest
    _FLOCK, _TYPE = ("qqihh", 3) if sys.platform == "darwin" else ("hhqqi", 0)

    def _try_lock(fd: int) -> None:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _somebody_has(fd: int) -> bool:
        """Ask without taking: a lock taken only to look would turn its true owner away."""
        question = [0] * 5
        question[_TYPE] = fcntl.F_WRLCK
        answer = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack(_FLOCK, *question))
        return bool(struct.unpack(_FLOCK, answer)[_TYPE] != fcntl.F_UNLCK)


_held: dict[tuple[int, int], int] = {}
_guard = threading.Lock()


def _after_fork_in_child() -> None:
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
        """Take the lock without waiting; ``None`` when somebody has it (this process included).

        A file that is not there is created (0600), unless *create* is false: then, and when it
        cannot be opened or the file system has no locks, raises `OSError`.
        """
        with _guard:
            return cls._acquire(path, os.O_CREAT if create else 0)

    @classmethod
    def _acquire(cls, path: Path, create: int) -> FileLock | None:
        while True:
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
            if _identity(path) == identity:
                _held[identity] = fd
                return cls(path, fd, identity)
            os.close(fd)

    def release(self) -> None:
        """Give the lock back; again is nothing."""
        with _guard:
            if not self._released and self._identity in _held:
                del _held[self._identity]
                os.close(self._fd)
            self._released = True


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock; false when the file is not there."""
    with _guard:
        identity = _identity(path)
        if identity is None:
            return False
        if identity in _held:
            return True
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            return _somebody_has(fd)
        finally:
            os.close(fd)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
