"""Translation of SQLite errors and damaged rows into this package's errors."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ...core.events import UNREADABLE
from ...errors import BadCursor, JournalError

_CORRUPT = (
    "malformed", "not a database", "corrupt", "no such table", "no such column", "file is encrypted",
    "unsupported file format", "decode", "has no column", "error in ",
)  # fmt: skip
"""Parts of SQLite's messages that mean a damaged file."""

_DAMAGED_ROW = (*UNREADABLE, ValueError, TypeError, AttributeError, KeyError, BadCursor)


class JournalUnavailable(JournalError):
    """The file cannot be read or written now: the disk is full, read-only or broken."""


class CorruptJournal(JournalError):
    """The file is not a journal, or is damaged."""


class sqlite_errors:  # noqa: N801 - reads as a function, like contextlib.suppress
    """Translate SQLite's errors: `CorruptJournal` for a damaged file, else `JournalUnavailable`."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        # sqlite3 raises UnicodeDecodeError when it cannot decode its own error message.
        if not isinstance(error, sqlite3.Error | UnicodeDecodeError):
            return
        text = str(error)
        if not isinstance(error, sqlite3.InterfaceError) and any(word in text for word in _CORRUPT):
            raise CorruptJournal(f"{self._path} is damaged: {text}") from error
        if "closed database" in text:
            text = "its disk has failed, or it is damaged; it is opened again as soon as that works"
        raise JournalUnavailable(f"{self._path} cannot be used: {text}") from error


class row_errors:  # noqa: N801 - reads as a function, like contextlib.suppress
    """Translate what decoding a row of *table* raises, when a disk has changed it, to `CorruptJournal`."""

    __slots__ = ("_table",)

    def __init__(self, table: str) -> None:
        self._table = table

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, _DAMAGED_ROW):
            raise CorruptJournal(f"the journal's {self._table} are damaged: {error}") from error
