"""Reservation of offsets: a high-water mark, persisted beside the journal.

A journal can go back in time: SQLite drops its write-ahead log from the first damaged frame on, a backup is
restored, a disk loses acknowledged writes at a power loss. It would then give the same offsets to other
events, and an old cursor could not be distinguished from a good one. So offsets are reserved on disk before
they are used, many at a time, and a journal that was not closed continues behind its reservation.
"""

from __future__ import annotations

from pathlib import Path

from ...system.files import write_private
from .errors import JournalUnavailable

STEP = 100_000
"""Offsets reserved at a time, beyond the one that is needed."""

MAX_LOST_RANGES = 200
"""Maximum number of lost ranges remembered, the newest ones."""

LostRange = tuple[int, int]
"""Offsets greater than the first number, up to and including the second, may have been lost."""


class OffsetAllocator:
    """Owner of the file. ``upto``: the last reserved offset; 0 when nothing is reserved."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}-reserved")
        self.upto = self._read()

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
        self.upto = 0

    def _read(self) -> int:
        try:
            return int(self._path.read_bytes())
        except (OSError, ValueError):
            return 0


def in_lost_range(after: int, lost_ranges: list[LostRange]) -> bool:
    """Return True if a cursor at *after* points into a range that may have been lost."""
    return any(low < after <= high for low, high in lost_ranges)
