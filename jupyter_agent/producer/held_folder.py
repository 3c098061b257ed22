"""Held folder: the folder of a spool in the process that writes it, made again when it is deleted.

The mapped segments outlive their files, so whatever a clean-up script, a restored backup or ``rm -r`` does
to the folder, all events that are not committed yet can be written again.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

import msgspec

from ..errors import SpoolError
from ..system.files import identity, remove_folder, write_private
from ..system.locks import FileLock
from ..system.paths import DataPaths
from .notices import Notices
from .segment_log import Segments
from .spool_folder import Header, create_spool_folder

log = logging.getLogger(__name__)


class HeldFolder:
    """Folder, lock and header of one spool. Without a *header* nothing is made again.

    Without a *lock*, the folder could not be made so far. *notices* gets a sentence about files that were
    deleted, or cannot be made again.
    """

    def __init__(self, path: Path, lock: FileLock | None, header: Header | None, notices: Notices) -> None:
        self.path = path
        self._lock = lock
        self._header = header
        self._notices = notices
        self.is_missing = lock is None
        """Whether the folder could never be made."""

        self._trouble = ""  # why the folder, or what was deleted of it, cannot be made

    @property
    def _header_file(self) -> Path:
        return self.path / "spool.json"

    def is_in_place(self) -> bool:
        """Return True if the lock has its name still."""
        return self._lock is not None and self._lock.is_in_place()

    def is_whole(self) -> bool:
        """Return True if lock and header are there."""
        return self.is_in_place() and identity(self._header_file) is not None

    def begin_without(self, error: SpoolError) -> None:
        """Note why the folder could not be made."""
        self._trouble = f"{error}; events stay in memory until then, and are gone if this process is"
        self._notices.add(self._trouble)

    def say_what_is_lost(self, segments: Segments) -> None:
        """Say that the process ends while not all of it is in files."""
        if self.is_missing or segments.in_memory:
            why = "was never made" if self.is_missing else f"is cut off, {segments.trouble}"
            self._notices.add(f"{self.path} {why}: events that no server has are lost")

    def found_whole(self) -> None:
        """Note that nothing is missing, perhaps because its disk was mounted again."""
        self._trouble = ""

    def trouble_with(self, segments: Segments, *, is_dropping: bool) -> str:
        """Return what is wrong now, as a sentence; empty: nothing. Any thread may ask."""
        if is_dropping or segments.full_since is not None:
            why = segments.trouble or "the spool is full"
            return f"{why} for {self.path}: events are dropped, logs first, and `lost` events will say which"
        if segments.has_unwritten and not self._trouble:
            why = f"{segments.disk_trouble} for {self.path}"
            return f"{why}: events stay in memory until then, and are gone if this process is"
        return self._trouble

    def repair(self, segments: Segments) -> bool:
        """Make again what was deleted or replaced; return True when something was, and all is there now."""
        header = self._header
        if header is None:
            return False
        try:
            repaired = self._repair(header, segments)
        except (OSError, SpoolError) as error:
            if not segments.in_memory:  # else it was said when they began
                self._report(error)
            return False
        if repaired and not self.is_missing:
            self._notices.add(
                f"files of {self.path} were deleted or replaced while they are in use; everything that no "
                "journal has was written there again",
                lasting=True,
            )
        self.is_missing, self._trouble = False, ""
        return repaired

    def remove(self) -> None:
        """Remove the folder, if it is there; the next holder does it where that fails, on a broken disk."""
        try:
            if self.path.exists():
                remove_folder(self.path)
        except OSError as error:  # nothing is lost: all of it is committed
            log.debug("%s is left to the next holder: %s", self.path, error)

    def recreate(self) -> bool:
        """Make the removed folder again, for late events; False when it is there, or cannot be made."""
        if self._header is None or self.path.exists():
            return False
        try:
            self._lock = self._locked_again(self._header)
        except (OSError, SpoolError) as error:
            self._report(error)
            return False
        return True

    def release(self) -> None:
        """Release the lock. Idempotent."""
        if self._lock is not None:
            self._lock.release()

    def _repair(self, header: Header, segments: Segments) -> bool:
        relocked = not self.is_in_place()
        if relocked:
            self._take(self._locked_again(header))
        headless = identity(self._header_file) is None
        if headless:
            write_private(self._header_file, msgspec.json.encode(header))
        return bool(segments.repair()) or relocked or headless

    def _locked_again(self, header: Header) -> FileLock:
        if not self.path.exists():
            return create_spool_folder(DataPaths(self.path.parent.parent), header)[1]
        # Locked before it has its name, as in a new folder: a holder must never find it free.
        lock = FileLock.acquire(self.path / f".lock-{secrets.token_hex(4)}")
        if lock is None:
            raise SpoolError("its lock cannot be acquired")
        try:
            lock.rename(self.path / "lock")
        except BaseException:
            lock.release()
            raise
        return lock

    def _take(self, lock: FileLock) -> None:
        old, self._lock = self._lock, lock
        if old is not None:
            old.release()

    def _report(self, error: OSError | SpoolError) -> None:
        if not self.is_missing:
            self._trouble = f"files of {self.path} are gone and cannot be made again: {error}"
            self._notices.add(self._trouble)
