"""What SQLite, and rows that a disk has changed, may raise, as this package's errors."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ...core.events import UNREADABLE
from ...errors import BadCursor, JournalError

_CORRUPT = (
    "malformed", "not a database", "corrupt", "no such table", "no such column", "file is encrypted",
    "unsupported file format", "decode", "has no column", "error in ",
)  # fmt: skip


class CorruptJournal(JournalError):
    """The file is no journal, or no longer one."""


class Translated:
    """Turns SQLite's errors into this package's, with a sentence that says what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if not isinstance(error, sqlite3.Error | UnicodeDecodeError):  # the latter: of an error's own words
            return
        text = str(error)
        if not isinstance(error, sqlite3.InterfaceError) and any(word in text for word in _CORRUPT):
            raise CorruptJournal(f"{self._path} is damaged: {text}") from error
        raise JournalError(f"{self._path} cannot be used: {text}") from error


class Damage:
    """Turns what reading a row of ours may raise, when a disk has changed it, into `CorruptJournal`."""

    def __init__(self, table: str) -> None:
        self._table = table

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, (*UNREADABLE, ValueError, TypeError, AttributeError, KeyError, BadCursor)):
            raise CorruptJournal(f"the journal's {self._table} are damaged: {error}") from error
