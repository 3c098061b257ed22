"""File locks that tell a living process from a dead one, and that only their owner can drop.

A lock belongs to an *open file description*, not to the process: POSIX record locks (`fcntl.lockf`) are
dropped when their process closes any descriptor of the file, and user code may open every file below
HOME (a backup, hashing, ``grep -r``). On Linux these are open-file-description locks (``F_OFD_SETLK``, see
fcntl(2)); elsewhere on POSIX `flock`, whose locks belong to the description too. The kernel releases both
when the last descriptor is closed, whatever kills the process.

A description is inherited by forked children, which would keep a dead parent's lock: a child closes its
copies before any other code runs in it (closing does not unlock, as the parent's descriptor is open). A
child that C code forks without Python's hooks keeps the lock until it ends or calls ``exec``.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from .files import identity, open_private

_RETRIES = 1
"""Attempts to acquire. More where a process that only looks may hold the lock for an instant."""

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try_lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def _is_held(fd: int) -> bool:
        try:
            _try_lock(fd)
        except PermissionError:
            return True
        return False

    def _unlock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    if hasattr(fcntl, "F_OFD_SETLK") and sys.platform == "linux":
        # struct flock: type, whence, start, length, and a pid that must be 0
        _FLOCK = "hhqqi"

        def _try_lock(fd: int) -> None:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))

        def _is_held(fd: int) -> bool:
            """Ask without acquiring: a lock taken only to look would turn its true owner away."""
            answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
            return bool(struct.unpack_from(_FLOCK, answer)[0] != fcntl.F_UNLCK)

        def _unlock(fd: int) -> None:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_UNLCK, 0, 0, 0, 0))
    else:
        _RETRIES = 20

        def _try_lock(fd: int) -> None:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

        def _is_held(fd: int) -> bool:
            """Acquire a shared lock for an instant: `flock` has no question."""
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

        def _unlock(fd: int) -> None:
            fcntl.flock(fd, fcntl.LOCK_UN)


_open: set[int] = set()
"""Descriptors of the locks that this process holds; a forked child closes them."""

_guard = threading.RLock()
"""Held while a descriptor is opened or closed, and across a fork, so that a child knows all that it inherits.

Reentrant: a signal handler may fork in the middle of `FileLock.acquire`."""


def _after_fork_in_child() -> None:
    for fd in _open:
        with suppress(OSError):  # user code may have closed it
            os.close(fd)  # the parent's descriptor is open, so the lock stays the parent's
    _open.clear()
    _guard.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_after_fork_in_child
    )


class FileLock:
    """An exclusive lock on *path*, held until `release` or the death of the process."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd
        self._identity = identity(fd)
        self._pid = os.getpid()

    @classmethod
    def acquire(cls, path: Path, *, create: bool = True) -> FileLock | None:
        """Acquire the lock without waiting; ``None`` when another process, or this one, holds it.

        A file that is not there is created (0600), unless *create* is false: then, and when it
        cannot be opened or the file system has no locks, raises `OSError`.
        """
        for attempt in range(_RETRIES):
            if attempt:
                time.sleep(0.001)
            with _guard:
                fd = _acquire(path, os.O_CREAT if create else 0)
                if fd is not None:
                    _open.add(fd)
                    return cls(path, fd)
        return None

    def is_in_place(self) -> bool:
        """Return True if the file at ``path`` is the one that is locked: not deleted, not replaced."""
        found = identity(self.path)
        return found is not None and found == identity(self._fd)

    def fileno(self) -> int:
        """Return the descriptor, for a program that is to inherit it, as one of its streams."""
        return self._fd

    def hand_over(self) -> None:
        """Close the file here without a release: a program that has inherited the descriptor has the lock."""
        with _guard:
            _open.discard(self._fd)
            os.close(self._fd)
            self._fd = -1

    def rename(self, path: Path) -> None:
        """Give the file another name, replacing any file there. Raises `OSError`."""
        self.path.replace(path)
        self.path = path

    def release(self) -> None:
        """Release the lock. Idempotent; does nothing in a forked child."""
        with _guard:
            if self._fd in _open and self._pid == os.getpid():
                _open.discard(self._fd)
                if identity(self._fd) == self._identity:  # else user code closed it; it may be another file
                    _unlock(self._fd)  # not by closing alone: a child that was just forked has a copy still
                    os.close(self._fd)
            self._fd = -1


def _acquire(path: Path, create: int) -> int | None:
    while True:
        fd = open_private(path, os.O_RDWR) if create else os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            _try_lock(fd)
        except (BlockingIOError, PermissionError):
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        if identity(path) == identity(fd):
            return fd
        os.close(fd)  # the file was replaced between open and lock: what is locked has no name


def is_locked(path: Path) -> bool:
    """Return True if a living process holds the lock; False when the file is not there."""
    try:
        fd = _open_to_look(path)
    except FileNotFoundError:
        return False
    try:
        return _is_held(fd)
    finally:
        os.close(fd)


def _open_to_look(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # the disk turned read-only; who holds it still does
