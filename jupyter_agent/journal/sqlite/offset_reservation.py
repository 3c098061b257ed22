"""How far offsets may have been given out: a number in a file beside the journal.

A journal can go back in time: SQLite drops its write-ahead log from the first damaged frame on, a copy is
restored, a disk lied at a power loss. It would give the same offsets out again, for other events, and a
cursor from before could not be told from a good one. So offsets are reserved before they are used, many at
a time, and whoever opens a journal that was not closed goes on behind the reservation.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import JournalError
from ...system.files import write_private

STEP = 100_000
MAX_LOST_RANGES = 200

LostRange = tuple[int, int]
"""Offsets after the first number, up to and with the second, may have been given out and then lost."""


class OffsetAllocator:
    """``upto`` is the last offset that may have been given out; 0: the journal was closed, or is new."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}-reserved")
        self.upto = self._read()

    def reserve(self, offset: int) -> None:
        """Reserve what is needed to give *offset* out. Raises `JournalError`."""
        if offset <= self.upto:
            return
        try:
            write_private(self._path, str(offset + STEP).encode())
        except OSError as error:
            raise JournalError(f"{self._path} cannot be written: {error.strerror or error}") from error
        self.upto = offset + STEP

    def release(self) -> None:
        """The journal is new, or closed with everything in it: nothing is reserved."""
        self._path.unlink(missing_ok=True)
        self.upto = 0

    def _read(self) -> int:
        try:
            return int(self._path.read_bytes())
        except (OSError, ValueError):
            return 0


def in_lost_range(after: int, lost_ranges: list[LostRange]) -> bool:
    """Whether a cursor at *after* comes from a time that the journal has lost."""
    return any(low < after <= high for low, high in lost_ranges)
