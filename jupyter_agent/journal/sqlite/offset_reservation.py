"""Reservation of offsets: a high-water mark, persisted beside the journal.

A journal can go back in time: SQLite drops its write-ahead log from the first damaged frame on, a backup is
restored, a disk loses acknowledged writes at a power loss. It would then give the same offsets to other
events, and an old cursor could not be distinguished from a good one. So offsets are reserved on disk before
they are used, many at a time, and a journal that was not closed continues behind its reservation. One that
was closed left its newest offset, and when its file was last changed: whatever else is there is a copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ...core.events import MAX_NUMBER
from ...system.files import create_private, write_private
from .errors import JournalUnavailable

STEP = 100_000
"""Offsets reserved at a time, beyond the one that is needed."""

JUMP = 1 << 32
"""Offsets skipped where nothing tells how many a copied journal has lost: its folder was copied, too."""

MAX_LOST_RANGES = 200
"""Maximum number of lost ranges remembered, the newest ones."""

LostRange = tuple[int, int]
"""Offsets greater than the first number, up to and including the second, may have been lost."""


class Closed(Struct, frozen=True):
    """How a journal was closed: its newest offset, and the time at which its file was changed last.

    That time (``st_ctime_ns``) is the system's: no program that copies a file can set it.
    """

    head: Annotated[int, Meta(le=MAX_NUMBER)]
    changed: int


class OffsetAllocator:
    """Owner of the files. ``upto``: the last reserved offset; 0 when nothing is reserved."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._path = journal.with_name(f"{journal.name}-reserved")
        self._closed_path = journal.with_name(f"{journal.name}-closed")
        self.upto = self._read()
        self._closed = self._read_closed()
        self._is_copy = self._closed is not None and self._closed.changed != _changed(journal)

    def opened(self) -> None:
        """Remove the note of the last close: from now on it says nothing."""
        self._closed_path.unlink(missing_ok=True)

    def free_after(self, head: int) -> int:
        """Return up to which offset any may have been given out, when the journal's newest is *head*."""
        if self.upto > head or self._closed is None:
            return max(self.upto, head)
        if self._closed.head == head and not self._is_copy:
            return head
        return max(head, self._closed.head) + JUMP

    def reserve(self, offset: int) -> None:
        """Make sure that *offset* is reserved. Raises `JournalUnavailable` when that cannot be written."""
        if offset <= self.upto:
            return
        try:
            write_private(self._path, str(offset + STEP).encode())
        except OSError as error:
            raise JournalUnavailable(f"{self._path} cannot be written: {error.strerror or error}") from error
        self.upto = offset + STEP

    def release(self) -> None:
        """Remove the reservation: the journal is new, or was closed with every offset in it."""
        self._path.unlink(missing_ok=True)
        self.upto, self._closed = 0, None

    def close(self, head: int) -> None:
        """Note that the journal was closed with every offset up to *head* in it."""
        closed = msgspec.json.encode(Closed(head, _changed(self._journal)))
        self._closed_path.unlink(missing_ok=True)
        with create_private(self._closed_path) as file:  # not synced: without it, less is noticed
            file.write(closed)
        self.release()

    def _read(self) -> int:
        try:
            upto = int(self._path.read_bytes())
        except (OSError, ValueError):
            return 0
        return upto if upto <= MAX_NUMBER else 0  # no journal comes so far: the file is damaged

    def _read_closed(self) -> Closed | None:
        try:
            return msgspec.json.decode(self._closed_path.read_bytes(), type=Closed)
        except (OSError, msgspec.MsgspecError):
            return None


def _changed(journal: Path) -> int:
    try:
        return journal.stat().st_ctime_ns
    except OSError:
        return 0


def in_lost_range(after: int, lost_ranges: list[LostRange]) -> bool:
    """Return True if a cursor at *after* points into a range that may have been lost."""
    return any(low < after <= high for low, high in lost_ranges)
