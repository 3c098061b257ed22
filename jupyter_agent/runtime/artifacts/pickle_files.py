"""Pickles in files that only this user can write.

A pickle is a program: it is loaded only from a regular file that this user owns and no other user can
write.
"""

from __future__ import annotations

import os
import pickle
import stat
from io import BufferedReader
from pathlib import Path
from typing import IO

from ...core.ids import is_ulid
from ...errors import ResultNotStored, UnknownTask


def checked(task: str) -> str:
    """Return *task* if it is an id and so can be part of a file name. Raises `UnknownTask`."""
    if not is_ulid(task):
        raise UnknownTask(f"{task[:80]!r} is not a task id", task_id=task)
    return task


def pickled(value: object) -> bytes:
    """Pickle *value*; functions and classes of a notebook too. Raises what its own pickling raises."""
    import cloudpickle

    content: bytes = cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return content


def open_own(path: Path, task: str) -> BufferedReader:
    """Open *path* to load a pickle from it.

    Raises `FileNotFoundError`, and `ResultNotStored` for a file that another user may have written.
    """
    try:
        fd = os.open(path, os.O_RDONLY | _CAREFULLY)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ResultNotStored(f"{path} is not loaded: {error.strerror}", task_id=task) from error
    wrong = _distrust(os.fstat(fd))
    if wrong:
        os.close(fd)
        raise ResultNotStored(f"{path} {wrong} and is not loaded", task_id=task)
    return os.fdopen(fd, "rb")


def unpickled(file: IO[bytes], path: Path, task: str) -> object:
    """Unpickle the object at the position of *file*. Raises `ResultNotStored` with the reason."""
    try:
        return pickle.load(file)  # noqa: S301 - `open_own` has checked its owner
    except Exception as error:  # a damaged file, or a class that cannot be imported here
        why = f"{path} cannot be unpickled: {type(error).__name__}: {error}"
        raise ResultNotStored(why, task_id=task) from error


_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""Follow no symbolic links, and do not wait for the writer of a named pipe."""


def _distrust(status: os.stat_result) -> str | None:
    """Return why another user may have written a file; ``None`` when that is not possible."""
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if not hasattr(os, "getuid"):
        return None
    if status.st_uid != os.getuid():
        return "belongs to another user"
    return "can be written by others" if status.st_mode & 0o022 else None
