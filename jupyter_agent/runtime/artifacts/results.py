"""Results: files beside the journal that only this user can read.

They are written under a temporary name, synced and renamed, so that a reader finds a complete one or none.
"""

from __future__ import annotations

import logging
import reprlib
from contextlib import suppress

from ...core.events import Result
from ...errors import ResultNotStored
from ...system.files import make_private, write_private
from ...system.paths import DataPaths
from .pickle_files import checked, open_own, pickled, unpickled

log = logging.getLogger(__name__)
MAX_RESULT = 256 << 20
"""Maximum size of a pickled result in bytes; of a larger one only the repr is kept."""

MAX_REPR = 2000
NONE = repr(None)
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = MAX_REPR
_repr.maxlist = _repr.maxtuple = _repr.maxdict = _repr.maxset = 50


class Store:
    """Stores results by ``(task, attempt)``."""

    def __init__(self, paths: DataPaths) -> None:
        self._paths = paths

    def save_result(self, task: str, attempt: int, value: object) -> Result:
        """Store *value*; what the ``completed`` event contains of it.

        Never raises: if *value* cannot be pickled, is too large or does not fit on the disk, only its repr is
        kept.
        """
        if value is None:
            return Result(NONE, stored=True)
        text = short_repr(value)
        try:
            content = pickled(value)
            if len(content) > MAX_RESULT:
                return Result(text, stored=False)
            write_private(make_private(self._paths.results) / f"{checked(task)}-{attempt}.pickle", content)
        except OSError as error:
            log.error("the result of task %s is not kept, only its repr: %s", task, error)
            return Result(text, stored=False)
        except Exception:  # noqa: BLE001 - pickling runs the user's code, which may raise anything
            return Result(text, stored=False)
        return Result(text, stored=True)

    def load_result(self, task: str, attempt: int, result: Result) -> object:
        """Return the object that the attempt returned. Raises `ResultNotStored` with the reason."""
        if result.stored and result.repr == NONE:
            return None
        path = self._paths.results / f"{checked(task)}-{attempt}.pickle"
        if result.stored:
            with suppress(FileNotFoundError), open_own(path, task) as file:
                return unpickled(file, path, task)
        raise ResultNotStored(
            f"the result of task {task} was not kept (it could not be pickled or written, was over "
            f"{MAX_RESULT >> 20} MiB, was deleted, or is on another machine); it looked like {result.repr}",
            task_id=task,
            repr=result.repr,
        )


def short_repr(value: object) -> str:
    """Return the repr of *value* in at most `MAX_REPR` characters, also if its repr raises.

    It is never `NONE` for another object than None: that repr alone says that there is no file.
    """
    try:
        text = _repr.repr(value)
    except Exception as error:  # noqa: BLE001 - repr() is the user's code
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    if text == NONE and value is not None:
        text = f"<{type(value).__name__} whose repr is None>"
    return text if len(text) <= MAX_REPR else text[: MAX_REPR - 3] + "..."
