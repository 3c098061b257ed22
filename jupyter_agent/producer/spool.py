"""A producer's own append-only log: events emitted and not yet committed to the journal.

`Spool.append` returns when the event is in the page cache, from where it survives ``kill -9`` of this
process. It never waits for a disk, a socket or a server. A folder holds ``lock`` (held while the
producer lives), ``spool.json`` (who it is) and segments named by their first number.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from ..core.events import MAX_EVENT_BYTES, MAX_NESTING, UNREADABLE, Data, Display, too_deep
from ..errors import SpoolError
from ..system.files import create_private, make_private, remove_folder
from ..system.host import boot, host
from ..system.locks import FileLock
from ..system.paths import DataPaths
from .compaction import Gap
from .segment import SEGMENT_BYTES, Record, Segment, read_segment
from .segment_log import NewSegment, Segments

DEFAULT_CAP = 256 << 20


class Header(Struct, frozen=True):
    """``spool.json``: whose spool this is. ``journal`` is the slot it belongs to for life."""

    producer: str
    journal: str
    host: str
    boot: str
    pid: int
    created: float


class Outgoing(NamedTuple):
    """Encoded events *first* to *last*; *base* is the smallest number the spool still has."""

    base: int
    first: int
    last: int
    bodies: list[bytes]


class _Envelope(Struct):
    task: str
    attempt: int
    producer: str
    n: int
    time: float
    type: str
    data: Data


_encode = msgspec.json.Encoder().encode


class Spool:
    """The writer's end. Thread-safe; numbers start at 1 and have no holes that are not named.

    It may be interrupted anywhere by an exception raised into the writer's thread, and be called again
    by a finalizer or a signal handler that prints while its own thread is in here.
    """

    def __init__(
        self,
        folder: Path,
        lock: FileLock,
        producer: str,
        *,
        first: int = 1,
        adopted: bool = False,
        cap: int = DEFAULT_CAP,
        size: int = SEGMENT_BYTES,
        clock: Callable[[], float] = time.time,
        new_segment: NewSegment = Segment,
    ) -> None:
        self.folder = folder
        self.producer = producer
        self._file_lock = lock
        self._adopted = adopted
        self._clock = clock
        self._lock = threading.RLock()
        self._busy = False
        self._late: list[tuple[str, int, str, Data]] = []
        self._gap = Gap("")
        self._mend_at = 0.0
        self._reader: tuple[Segment, int, int] | None = None
        self._closed = False
        self._segments = Segments(folder, first, cap=cap, size=size, clock=clock, new_segment=new_segment)

    @classmethod
    def create(cls, paths: DataPaths, header: Header, *, cap: int = DEFAULT_CAP) -> Spool:
        """A new spool. Its folder appears under its final name only when its lock is held.

        Raises `SpoolError` when the disk has no room for the first segment.
        """
        folder = paths.spools / header.producer
        try:
            newborn = make_private(make_private(paths.spools) / f".new-{header.producer}")
            lock = FileLock.acquire(newborn / "lock")
        except OSError as error:
            raise _not_made(paths, error) from error
        if lock is None:
            raise SpoolError(f"somebody holds {newborn / 'lock'}, a name that is ours alone")
        try:
            with create_private(newborn / "spool.json") as file:
                file.write(msgspec.json.encode(header))
            newborn.rename(folder)
        except OSError as error:
            _undo(newborn, lock)
            raise _not_made(paths, error) from error
        try:
            return cls(folder, lock, header.producer, cap=cap)
        except OSError as error:
            _undo(folder, lock)
            raise _not_made(paths, error) from error

    @classmethod
    def adopt(cls, folder: Path, lock: FileLock) -> Spool:
        """Go on writing the spool of a dead producer whose lock the caller has just taken.

        What is there already stays for the next holder, whatever is freed here. Raises `SpoolError`.
        """
        header, records = read_spool(folder)
        first = records[-1][0] + 1 if records else 1
        try:
            return cls(folder, lock, header.producer, first=first, adopted=True)
        except OSError as error:
            raise SpoolError(f"{folder} cannot be written: {error.strerror or error}") from error

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
        """When something had to be dropped (Unix seconds); ``None`` once there is room again."""
        return self._segments.full_since

    def append(self, task: str, attempt: int, kind: str, data: Data) -> int:
        """Number, encode and keep one event; its number.

        0 when the spool is closed (then it is not kept), and when this thread is in here already
        (then it is kept next). Raises `ValueError` for an event of more than `MAX_EVENT_BYTES` or a
        display nested more than `MAX_NESTING` deep, and
        whatever encoding the payload raises; in both cases no number is used up.
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

    def batch(self, after: int, *, events: int = 1000, size: int = 256 << 10) -> Outgoing | None:
        """What follows number *after*, at most so many events and about so many bytes."""
        with self._alone():
            if self._gap.last and time.monotonic() >= self._mend_at:
                self._mend()
            return self._batch(after, events, size)

    def records(self) -> list[Record]:
        """Everything still here."""
        with self._alone():
            return [(n, body) for _, _, n, body in self._segments.after(0, None)]

    def free(self, upto: int) -> None:
        """Numbers up to *upto* are committed elsewhere: delete the segments that are all that."""
        with self._alone():
            if self._segments.free(upto):
                self._mend_at = 0.0

    def close(self) -> None:
        """Unmap and unlock; the folder goes when everything in it was freed."""
        with self._alone():
            if self._closed:
                return
            self._mend()
            self._closed = True
            self._segments.close()
            if self._segments.freed >= self.last and not self._adopted:
                remove_folder(self.folder)
            self._file_lock.release()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            self._busy = True
            try:
                yield
            finally:
                self._busy = False
                if self._late:
                    self._append_late()

    def _append(self, task: str, attempt: int, kind: str, data: Data) -> int:
        if self._closed:
            return 0
        newest = self._segments.newest
        gap = self._gap.last > newest.last
        n = (self._gap.last if gap else newest.last) + 1
        now = self._clock()
        body = _encode(_Envelope(task, attempt, self.producer, n, now, kind, data))
        if isinstance(data, Display) and too_deep(data.data):
            raise ValueError(f"a display nested more than {MAX_NESTING} deep cannot be read by everybody")
        if len(body) > MAX_EVENT_BYTES:
            raise ValueError(
                f"a {kind} event of {len(body):,} bytes is over the limit of {MAX_EVENT_BYTES:,}; "
                "store it in a file and log its path"
            )
        if (gap and not self._mend()) or not (newest.append(n, body) or self._segments.write(n, body)):
            if self._gap.last <= self._segments.newest.last:
                self._gap.clear()
            self._gap.reason = self._segments.trouble
            self._gap.add(n, n, task, attempt, self.producer, now)
        return n

    def _append_late(self) -> None:
        while self._late:
            self.append(*self._late.pop(0))

    def _mend(self) -> bool:
        """Write the ``lost`` events of what was dropped, if there is room now."""
        for n, body in self._gap.records():
            if n > self._segments.newest.last and not self._segments.write(n, body):
                self._mend_at = time.monotonic() + 1.0
                return False
        self._gap.clear()
        return True

    def _batch(self, after: int, events: int, size: int) -> Outgoing | None:
        found = self._segments.batch(after, self._reader, events, size)
        if found is None:
            return None
        segment, first, position, last, bodies = found
        self._reader = (segment, position, last)
        return Outgoing(self.base, first, last, bodies)


def _undo(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()


def _not_made(paths: DataPaths, error: OSError) -> SpoolError:
    return SpoolError(f"no spool can be made in {paths.spools}: {error.strerror or error}")


def read_spool(folder: Path) -> tuple[Header, list[Record]]:
    """The header and every sound record, by number, each once. Safe beside a living writer.

    Raises `SpoolError` when the header cannot be read.
    """
    header = read_spool_header(folder)
    records: list[Record] = []
    for path in sorted(folder.glob("*.seg")):
        last = records[-1][0] if records else 0  # a kill may leave files that were rewritten into this one
        try:
            found = dict(reversed(read_segment(path)))  # of one that damage doubled the first counts
        except FileNotFoundError:
            continue
        records += sorted(record for record in found.items() if record[0] > last)
    return header, records


def read_spool_header(folder: Path) -> Header:
    """Whose spool *folder* is. Raises `SpoolError` when that cannot be read, or is said of another folder."""
    path = folder / "spool.json"
    try:
        header = msgspec.json.decode(path.read_bytes(), type=Header)
    except (OSError, *UNREADABLE) as error:
        raise SpoolError(f"{path} cannot be read: {error}") from error
    if header.producer != folder.name:
        raise SpoolError(f"{path} is of another producer, {header.producer[:80]!r}")
    return header


def header_for(producer: str, journal: str, now: float) -> Header:
    """The header of a spool that this process makes at *now* (Unix seconds)."""
    return Header(producer, journal, host(), boot(), os.getpid(), now)
