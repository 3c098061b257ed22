"""Results and checkpoints: files beside the journal that only this user can read.

They are written to a temporary name, synced and renamed, so that a reader finds the whole new one or
the whole old one. A pickle is a program: it is loaded only from a regular file that this user owns and
nobody else may write.
"""

from __future__ import annotations

import os
import pickle
import reprlib
import stat
from pathlib import Path

from ..core.events import Result
from ..core.ids import is_ulid
from ..errors import ResultNotStored, UnknownTask
from ..places import Places, make_private, write_private

MAX_RESULT = 256 << 20
"""The largest pickled result, in bytes, that is kept; of a larger one only the repr is."""

MAX_CHECKPOINT = 1 << 30
MAX_REPR = 2000
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = MAX_REPR
_repr.maxlist = _repr.maxtuple = _repr.maxdict = _repr.maxset = 50


class Store:
    """Keeps results by ``(task, attempt)`` and checkpoints by key."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def save_result(self, task: str, attempt: int, value: object) -> Result:
        """Keep *value*; what the ``completed`` event says of it. Never raises: what cannot be
        pickled, is too large or finds no room is not stored, and only its repr is kept."""
        text = short_repr(value)
        if value is None:
            return Result(text, stored=True)
        try:
            content = _pickled(value)
            if len(content) > MAX_RESULT:
                return Result(text, stored=False)
            write_private(make_private(self._places.results) / f"{_checked(task)}-{attempt}.pickle", content)
        except Exception:  # noqa: BLE001 - pickling runs the user's code, which may raise anything
            return Result(text, stored=False)
        return Result(text, stored=True)

    def load_result(self, task: str, attempt: int, result: Result) -> object:
        """The object that attempt returned. Raises `ResultNotStored` with the reason."""
        if result.stored and result.repr == "None":
            return None
        path = self._places.results / f"{_checked(task)}-{attempt}.pickle"
        if not result.stored or not os.path.lexists(path):
            raise ResultNotStored(
                f"the result of task {task} was not kept (it could not be pickled, was over "
                f"{MAX_RESULT >> 20} MiB, or is on another machine); it looked like {result.repr}",
                task_id=task,
                repr=result.repr,
            )
        return _loaded(path, task)

    def save_checkpoint(self, key: str, state: object) -> int:
        """Keep *state* under *key* (a ULID), replacing the last one in one step; its size in bytes.

        Raises `ValueError` when it is over `MAX_CHECKPOINT`, and what pickling or the disk raises.
        """
        content = _pickled(state)
        if len(content) > MAX_CHECKPOINT:
            raise ValueError(f"a checkpoint of {len(content):,} bytes is over {MAX_CHECKPOINT:,}")
        write_private(make_private(self._places.checkpoints) / f"{_checked(key)}.pickle", content)
        return len(content)

    def load_checkpoint(self, key: str, default: object = None) -> object:
        """The last state saved under *key*, or *default* when there is none."""
        path = self._places.checkpoints / f"{_checked(key)}.pickle"
        return _loaded(path, key) if os.path.lexists(path) else default


def short_repr(value: object) -> str:
    """The repr of *value* in at most `MAX_REPR` characters; a repr that raises says so."""
    try:
        text = _repr.repr(value)
    except Exception as error:  # noqa: BLE001 - repr() is the user's code
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return text if len(text) <= MAX_REPR else text[: MAX_REPR - 3] + "..."


def _checked(task: str) -> str:
    if not is_ulid(task):
        raise UnknownTask(f"{task[:80]!r} is not a task id", task_id=task)
    return task


def _pickled(value: object) -> bytes:
    import cloudpickle

    content: bytes = cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return content


def _loaded(path: Path, task: str) -> object:
    try:
        fd = os.open(path, os.O_RDONLY | _CAREFULLY)
    except OSError as error:
        raise ResultNotStored(f"{path} is not loaded: {error.strerror}", task_id=task) from error
    wrong = _wrong_with(os.fstat(fd))
    if wrong:
        os.close(fd)
        raise ResultNotStored(f"{path} {wrong} and is not loaded", task_id=task)
    with os.fdopen(fd, "rb") as file:
        try:
            return pickle.load(file)  # noqa: S301 - whose it is was just checked
        except Exception as error:  # a damaged file, or a class that cannot be imported here
            why = f"{path} cannot be unpickled: {type(error).__name__}: {error}"
            raise ResultNotStored(why, task_id=task) from error


_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""No symbolic links, and no waiting for whoever writes into a pipe of that name."""


def _wrong_with(status: os.stat_result) -> str | None:
    """Why a file may hold somebody else's pickle; ``None`` when it may not."""
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file"
    if not hasattr(os, "getuid"):
        return None
    if status.st_uid != os.getuid():
        return "belongs to another user"
    return "can be written by others" if status.st_mode & 0o022 else None
