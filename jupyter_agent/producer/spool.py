"""Spool: a producer's append-only log of events that are not committed to the journal yet.

`Spool.append` returns when the event is in the page cache, from where it survives ``kill -9`` of this
process. It never waits for a disk, a socket or a server.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..core.events import Data
from ..errors import SpoolError
from ..system.locks import FileLock
from ..system.orphaned_locks import renew_orphaned_locks
from ..system.paths import DataPaths
from .compaction import Gap
from .envelope import Envelope, SpoolBatch, encode
from .held_folder import HeldFolder
from .notices import Notices
from .segment import SEGMENT_BYTES, Record, Segment
from .segment_log import NewSegment, Segments
from .spool_folder import Header, create_spool_folder, creation_error, read_spool, undo_creation

DEFAULT_CAP = 256 << 20
"""Bytes of all segments after which events are dropped."""

_RETRY_INTERVAL = 1.0
"""Seconds between two tries to write the ``lost`` events of a gap."""


class Spool:
    """The writer's end of a spool. Thread-safe.

    Numbers start at 1; a ``lost`` event accounts for every missing one. An exception raised into the writer's
    thread may interrupt it anywhere. A finalizer or signal handler that prints may call it again while its
    own thread is inside.
    """

    def __init__(
        self,
        folder: Path,
        lock: FileLock | None,
        producer: str,
        *,
        first: int = 1,
        header: Header | None = None,
        adopted: bool = False,
        cap: int = DEFAULT_CAP,
        size: int = SEGMENT_BYTES,
        clock: Callable[[], float] = time.time,
        new_segment: NewSegment = Segment,
    ) -> None:
        self.folder = folder
        self.producer = producer
        self.notices = Notices()
        self._held = HeldFolder(folder, lock, header, self.notices)
        self._adopted = adopted
        self._clock = clock
        self._late: list[tuple[str, int, str, Data]] = []
        renew_orphaned_locks(self)
        self._gap = Gap("")
        self._mend_at = 0.0
        self._reader: tuple[Segment, int, int] | None = None
        self._accepting, self._closed, self._sealed = True, False, False
        self._new_log = partial(Segments, folder, cap=cap, size=size, clock=clock, new_segment=new_segment)
        self._segments = self._new_log(first, in_memory=lock is None)

    @classmethod
    def create(cls, paths: DataPaths, header: Header, *, cap: int = DEFAULT_CAP) -> Spool:
        """Create a new spool. Its folder appears under its final name only when its lock is held.

        Where none can be made, on a full disk for example, it begins in memory, until `repair` succeeds.
        Raises `SpoolError` when the producer's name is taken.
        """
        try:
            folder, lock = create_spool_folder(paths, header)
            try:
                return cls(folder, lock, header.producer, header=header, cap=cap)
            except OSError as error:
                undo_creation(folder, lock)
                raise creation_error(paths, error) from error
        except SpoolError as error:
            if (paths.spools / header.producer).exists():  # another one's
                raise
            spool = cls(paths.spools / header.producer, None, header.producer, header=header, cap=cap)
            spool._held.begin_without(error)
            return spool

    @classmethod
    def adopt(cls, folder: Path, lock: FileLock) -> Spool:
        """Append to the spool of a dead producer whose lock the caller has just acquired.

        What it contains stays for the next holder, whatever is freed here. Raises `SpoolError`.
        """
        header, records = read_spool(folder)
        first = records[-1][0] + 1 if records else 1
        try:
            return cls(folder, lock, header.producer, first=first, header=header, adopted=True)
        except OSError as error:
            raise SpoolError(f"{folder} cannot be written: {error.strerror or error}") from error

    def renew_locks(self) -> None:
        """See `LockOwner`."""
        # Re-entrant, with `_busy` as the guard: a finalizer that prints may enter `append` on the thread that
        # is inside already. Its event is put into `_late` and appended when the outer call is done.
        self._lock = threading.RLock()
        self._busy = False

    @property
    def last(self) -> int:
        """The newest number given out."""
        return max(self._segments.newest.last, self._gap.last)

    @property
    def base(self) -> int:
        """The smallest number this spool still has."""
        return self._segments.base

    @property
    def full_since(self) -> float | None:
        """When an event had to be dropped (Unix seconds); ``None`` once there is room again."""
        return self._segments.full_since

    @property
    def trouble(self) -> str:
        """What is wrong with the spool now, as a sentence; empty: nothing. Any thread may ask."""
        return self._held.trouble_with(self._segments, is_dropping=self._gap.last > 0)

    @property
    def is_in_memory(self) -> bool:
        """Whether it has events that are not committed and in no file."""
        return self._segments.in_memory > 0

    def append(self, task: str, attempt: int, kind: str, data: Data) -> int:
        """Number, encode and store one event; its number.

        0 when this thread is inside already (it is stored next), and when the spool was closed while not all
        was committed (it is not stored). Does not return after `append_last`. Raises what `encode` raises;
        then no number is used.
        """
        with self._lock:
            if self._busy:
                self._late.append((task, attempt, kind, data))
                return 0
            self._busy = True
            try:
                return self._append(task, attempt, kind, data)
            finally:
                self._busy = False
                if self._late:
                    self._append_late()

    def append_last(self, task: str, attempt: int, kind: str, data: Data) -> int:
        """As `append`, but no event follows: a thread that appends later waits until the process ends."""
        with self._lock:
            n = self.append(task, attempt, kind, data)
            self._sealed, self._accepting = True, False
            return n

    def batch(self, after: int, *, events: int = 1000, size: int = 256 << 10) -> SpoolBatch | None:
        """Return what follows number *after*: at most *events* events and about *size* bytes."""
        with self._exclusive():
            if self._gap.last and time.monotonic() >= self._mend_at:
                self._mend()
            found = self._segments.batch(after, self._reader, events, size)
            if found is None:
                return None
            segment, first, position, last, bodies = found
            self._reader = (segment, position, last)
            return SpoolBatch(self.base, first, last, bodies)

    def records(self) -> list[Record]:
        """Return every record that the spool still has."""
        with self._exclusive():
            return [(n, body) for _, _, n, body in self._segments.after(0, None)]

    def free(self, upto: int) -> None:
        """Delete the segments whose numbers are all up to *upto*, which is committed to the journal."""
        with self._exclusive():
            if self._segments.free(upto):
                self._mend_at = 0.0

    def is_in_place(self) -> bool:
        """Return False if the lock or the newest segment was deleted or replaced. Two calls of ``stat``."""
        return self._held.is_in_place() and self._segments.newest.is_in_place()

    def repair(self) -> bool:
        """Write again what was deleted of the spool's files; return True when something was."""
        # Looked for without the lock: on a network home that hangs, `append` must not wait for the answer.
        if not self._closed and self._held.is_whole() and self._segments.is_whole():
            self._held.found_whole()
            return False
        with self._exclusive():
            return self._repair()

    def close(self) -> None:
        """Unmap and unlock; the folder is removed if all of it was freed. Idempotent."""
        with self._exclusive():
            if not self._closed:
                self._mend()
                self._close()
        self.notices.report()

    def retire(self) -> None:
        """Close, if all of it is committed; what is appended later then goes into a new folder.

        Otherwise it stays open: the lock falls with the process, and the next holder recovers the spool.
        """
        with self._exclusive():
            self._mend()
            if not self._closed and self._segments.freed >= self.last:
                self._close()
            elif not self._repair():
                self._held.say_what_is_lost(self._segments)
        self.notices.report()

    def _close(self) -> None:
        done = self._segments.freed >= self.last and not self._adopted
        if not done:
            self._repair()
        self._closed, self._accepting = True, False
        self._segments.close()
        # The folder goes before the lock: unlocked, a holder could recover a spool that is committed.
        if done:
            self._held.remove()
        self._held.release()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._lock:
            self._busy = True
            try:
                yield
            finally:
                self._busy = False
                if self._late:
                    self._append_late()

    def _append(self, task: str, attempt: int, kind: str, data: Data) -> int:
        if not self._accepting and not self._reopen():
            return 0
        newest = self._segments.newest
        gap = self._gap.last > newest.last
        n = (self._gap.last if gap else newest.last) + 1
        now = self._clock()
        body = encode(Envelope(task, attempt, self.producer, n, now, kind, data))
        # The ``lost`` events of a gap come first: behind a later record nothing accounts for its numbers.
        if (gap and not self._mend()) or not (newest.append(n, body) or self._write(n, body)):
            if self._gap.last <= self._segments.newest.last:
                self._gap.clear()
            self._gap.reason = self._segments.trouble
            self._gap.add(n, n, task, attempt, self.producer, now)
        return n

    def _write(self, n: int, body: bytes) -> bool:
        """Write into a new segment; where that has no place because the folder was deleted, make it again."""
        segments = self._segments
        written = segments.write(n, body) or (self._repair() and segments.write(n, body))
        written = written or segments.write_in_memory(n, body)
        if trouble := self._held.trouble_with(segments, is_dropping=not written):
            self.notices.add(trouble)
        return written

    def _repair(self) -> bool:
        if self._closed or not self._held.repair(self._segments):
            return False
        self._reader = None
        return True

    def _reopen(self) -> bool:
        """Continue in a new folder after `close` removed the old one; false when it still has events."""
        if self._sealed:
            self._busy = False
            threading.Condition(self._lock).wait()  # releases the lock; only the end of the process ends this
        if not self._held.recreate():
            return False
        try:
            self._segments = self._new_log(self.last + 1)
        except OSError as error:
            self.notices.add(f"what this process emits while it ends is lost: {error}")
            return False
        self._closed, self._accepting = False, True
        return True

    def _append_late(self) -> None:
        while self._late:
            self.append(*self._late.pop(0))

    def _mend(self) -> bool:
        """Write the ``lost`` events of the gap; false when there is no room yet."""
        write, hold = self._segments.write, self._segments.write_in_memory
        mended = self._gap.mend(self._segments.newest.last, lambda n, body: write(n, body) or hold(n, body))
        if not mended:
            self._mend_at = time.monotonic() + _RETRY_INTERVAL
        return mended
