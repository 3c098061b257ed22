"""Place of a journal: whether its files still have their names, and how they get them back.

SQLite goes on reading and writing files that were deleted, or whose names other files have, and all of it is
gone when they are closed. While they are open, everything can be copied out of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import JournalError
from ..system.files import identity, open_private, sync_folder
from ..system.ids import new_id
from .slots import Slot
from .sqlite.connection import OverwrittenJournal
from .sqlite.errors import CorruptJournal
from .sqlite.journal import SQLiteJournal

_SIDE_FILES = ("-wal", "-shm", "-reserved")


class JournalPlace:
    """Remembers which files the journal of *slot*, which was just opened, has open."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._files = {path: identity(path) for path in (slot.file, _beside(slot.file, "-wal"))}

    def is_kept(self) -> bool:
        """Return False if a file was deleted, or another one has its name."""
        return self._slot.is_in_place() and self._has_files()

    def restore(
        self, journal: SQLiteJournal, holder: str, between: Callable[[], None]
    ) -> tuple[SQLiteJournal, str]:
        """Put a copy of the open *journal* in the place of its files; call *between* after each part of it.

        Returns the journal to use from now on and what happened, as a sentence. Raises `JournalError` when
        that does not work; *journal* stays open then and has everything still.
        """
        file = self._slot.file
        try:
            self._slot.restore()
            if self._has_files():
                return journal, f"files of {file.parent} were deleted while they are in use, and made again"
            rescued = _beside(file, "-rescued")
            _copy_out(journal, rescued, between)
            aside = self._move_aside()
            rescued.replace(file)
            sync_folder(file.parent)
            journal.close()
        except OSError as error:
            raise JournalError(f"{file} cannot be written again: {error.strerror or error}") from error
        return SQLiteJournal(file, holder, new_id()), _sentence(file, aside)

    def clear(
        self, journal: SQLiteJournal, holder: str, error: CorruptJournal, trouble: str | None
    ) -> str | None:
        """Close *journal*, whose file cannot be used; return what was done for it to be opened anew.

        A damaged file is moved aside, unless there was *trouble*: a disk that fails looks like damage. What
        overwrote the file stays. Raises `JournalError` or `OSError`.
        """
        if isinstance(error, OverwrittenJournal):
            journal.release()
            return str(error)
        journal.close()
        return move_aside(self._slot, holder, error) if not trouble and self._slot.file.exists() else None

    def _has_files(self) -> bool:
        # A file that was gone before its identity was taken is no file of this journal, either.
        return all(was is not None and identity(path) == was for path, was in self._files.items())

    def _move_aside(self) -> str:
        """Clear the names of the journal's files; return the name that another file there has now."""
        mark = f".replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        aside = ""
        for path in (self._slot.file, *(_beside(self._slot.file, suffix) for suffix in _SIDE_FILES)):
            found = identity(path)
            if found is None:
                continue
            if found == self._files.get(path, found):
                path.unlink()  # of this journal, all of which is in the copy
            else:
                path.rename(path.with_name(path.name + mark))
                aside = aside or path.name + mark
        return aside


def finish_restoring(file: Path) -> None:
    """Complete what a kill interrupted: a copy beside *file* has everything that *file* should have.

    Raises `JournalError`.
    """
    rescued = _beside(file, "-rescued")
    if not rescued.exists():
        return
    try:
        for suffix in _SIDE_FILES:  # of other content: SQLite would write it into the copy
            _beside(file, suffix).unlink(missing_ok=True)
        rescued.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise JournalError(f"{file} cannot be used: {error.strerror or error}") from error


def renew(journal: SQLiteJournal, epoch: str) -> None:
    """Begin a new epoch in *journal*, or close it: what it stores before it has one is in none.

    Raises `JournalError`.
    """
    try:
        journal.renew(epoch)
    except BaseException:
        journal.close()
        raise


def move_aside(slot: Slot, holder: str, error: Exception) -> str:
    """Clear the names of a damaged journal's files for a new journal; return what was done, as a sentence."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{holder[-4:]}"
    for path in slot.folder.glob("journal.sqlite*"):
        if ".corrupt-" not in path.name:
            path.rename(path.with_name(f"{path.name}.corrupt-{stamp}"))
    return (
        f"{error}; it was moved aside (.corrupt-{stamp}) and a new journal was started, "
        "without the schedules and forwards that were in it: add them again"
    )


def _copy_out(journal: SQLiteJournal, path: Path, between: Callable[[], None]) -> None:
    """Write everything in *journal* to *path*, which has its name only once it is complete and on disk."""
    partial = _beside(path, "-partial")
    partial.unlink(missing_ok=True)
    fd = open_private(partial, os.O_WRONLY | os.O_EXCL)

    def sync() -> None:
        os.fsync(fd)  # each part: all of a large file at once may take seconds
        between()

    try:
        journal.copy_to(partial, sync)
        os.fsync(fd)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def _sentence(file: Path, aside: str) -> str:
    done = f"{file.parent} was deleted or replaced while it is in use; the journal was written there again"
    return (
        f"{done}, and the other file was moved aside ({aside})" if aside else f"{done}, with everything in it"
    )


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
