"""A producer's own append-only log: events emitted and not yet committed to the journal.

`Spool.append` returns when the event is in the page cache, from where it survives ``kill -9`` of this
process. It never waits for a disk, a socket or a server. A folder holds ``lock`` (held while the
producer lives), ``spool.json`` (who it is) and segments named by their first number.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from ..core.events import MAX_EVENT_BYTES, Data
from ..errors import SpoolError
from ..locks import FileLock
from ..places import Places, boot, host, make_private, remove_folder
from .compaction import Gap, compact
from .segment import SEGMENT_BYTES, Record, Segment, read_segment

DEFAULT_CAP = 256 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
    """The writer's end. Thread-safe; numbers start at 1 and have no holes that are not named."""

    def __init__(
        self,
        folder: Path,
        lock: FileLock,
        producer: str,
        *,
        first: int = 1,
        cap: int = DEFAULT_CAP,
        clock: Callable[[], float] = time.time,
        new_segment: Callable[[Path, int], Segment] = Segment,
    ) -> None:
        self.folder = folder
        self.producer = producer
        self.last = first - 1
        self.full_since: float | None = None
        self._file_lock = lock
        self._cap = max(cap, 3 * SEGMENT_BYTES)
        self._clock = clock
        self._new_segment = new_segment
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        self._spare: Segment | None = None
        self._gap = Gap("spool full")
        self._reader: tuple[Segment, int, int] | None = None
        self._freed = first - 1
        self._closed = False
        self._open_segment(first)
        self._make_spare()

    @classmethod
    def create(cls, places: Places, header: Header, **options: int) -> Spool:
        """A new spool. Its folder appears under its final name only when its lock is held.

        Raises `SpoolError` when the disk has no room for the first segment.
        """
        spools = make_private(places.spools)
        newborn = spools / f".new-{header.producer}"
        try:
            make_private(newborn)
            lock = FileLock.acquire(newborn / "lock")
            if lock is None:
                raise SpoolError(f"somebody holds {newborn / 'lock'}, a name that is ours alone")
            (newborn / "spool.json").write_bytes(msgspec.json.encode(header))
            folder = spools / header.producer
            newborn.rename(folder)
            return cls(folder, lock, header.producer, cap=options.get("cap", DEFAULT_CAP))
        except OSError as error:
            raise SpoolError(f"no spool can be made in {spools}: {error.strerror or error}") from error

    @classmethod
    def adopt(cls, folder: Path, lock: FileLock) -> Spool:
        """Go on writing the spool of a dead producer whose lock the caller has just taken."""
        header, records = read_spool(folder)
        first = records[-1][0] + 1 if records else 1
        return cls(folder, lock, header.producer, first=first)

    @property
    def base(self) -> int:
        """The smallest number this spool still has."""
        return self._segments[0].first

    def append(self, task: str, attempt: int, kind: str, data: Data) -> int:
        """Number, encode and keep one event; its number.

        Raises `ValueError` for an event of more than `MAX_EVENT_BYTES`, and whatever encoding the
        payload raises; in both cases no number is used up.
        """
        with self._lock:
            n = self.last + 1
            body = _encode(_Envelope(task, attempt, self.producer, n, self._clock(), kind, data))
            if len(body) > MAX_EVENT_BYTES:
                raise ValueError(
                    f"a {kind} event of {len(body):,} bytes is over the limit of {MAX_EVENT_BYTES:,}; "
                    "store it in a file and log its path"
                )
            self.last = n
            if self._gap or not self._segments[-1].append(n, body):
                self._append_slowly(n, body)
        return n

    def batch(self, after: int, *, events: int = 1000, size: int = 256 << 10) -> Outgoing | None:
        """What follows number *after*, at most so many events and about so many bytes."""
        with self._lock:
            return self._batch(after, events, size)

    def records(self) -> list[Record]:
        """Everything still here."""
        with self._lock:
            return [(n, body) for s in self._segments for _, n, body in s.records(8)]

    def free(self, upto: int) -> None:
        """Numbers up to *upto* are committed elsewhere: delete the segments that are all that."""
        with self._lock:
            self._freed = max(self._freed, upto)
            while len(self._segments) > 1 and self._segments[0].last <= upto:
                self._segments.pop(0).delete()
                self.full_since = None

    def close(self) -> None:
        """Unmap and unlock; the folder goes when everything in it was freed."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for segment in [*self._segments, *([self._spare] if self._spare else [])]:
                segment.close()
            if self._freed >= self.last:
                remove_folder(self.folder)
            self._file_lock.release()

    def _batch(self, after: int, events: int, size: int) -> Outgoing | None:
        if after >= self.last:
            return None
        bodies: list[bytes] = []
        first, last, weight = 0, after, 0
        for segment, position, n, body in self._records_after(after):
            if bodies and (len(bodies) >= events or weight + len(body) > size):
                break
            first = first or n
            bodies.append(body)
            last, weight = n, weight + len(body)
            self._reader = (segment, position, n)
        return Outgoing(self.base, first, last, bodies) if bodies else None

    def _records_after(self, after: int) -> Iterator[tuple[Segment, int, int, bytes]]:
        hint = self._reader
        for segment in self._segments:
            if segment.last <= after:
                continue
            at_hint = hint is not None and hint[0] is segment and hint[2] == after
            start = hint[1] if hint is not None and at_hint else 8
            for position, n, body in segment.records(start):
                if n > after:
                    yield segment, position, n, body

    def _append_slowly(self, n: int, body: bytes) -> None:
        records = [*self._gap.close(), (n, body)] if self._gap else [(n, body)]
        for number, record in records:
            if self._segments[-1].append(number, record):
                continue
            if self._rotate(number) and self._segments[-1].append(number, record):
                continue
            head = msgspec.json.decode(record, type=_Named)
            first = head.data.first if head.type == "lost" else number
            self._gap.add(first, number, head.task, head.attempt, self.producer, self._clock())

    def _rotate(self, first: int) -> bool:
        if len(self._segments) * SEGMENT_BYTES >= self._cap:
            self._make_room("the spool is full")
        if self._try_open(first):
            return True
        self._make_room("the disk is full")
        return self._try_open(first)

    def _try_open(self, first: int) -> bool:
        try:
            self._open_segment(first)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            return False
        return True

    def _open_segment(self, first: int) -> None:
        self._segments.append(self._new_segment(self.folder / f"{first:020d}.seg", first))

    def _make_spare(self) -> None:
        if self._spare is None:
            try:
                self._spare = self._new_segment(self.folder / "spare", 0)
            except OSError as error:
                if error.errno not in _FULL:
                    raise

    def _make_room(self, reason: str) -> None:
        """Rewrite the oldest segments, without what goes first, into the spare one."""
        self.full_since = self.full_since or self._clock()
        for everything in (False, True):
            if self._spare is not None and self._compact(reason, everything=everything):
                self._make_spare()
                return

    def _compact(self, reason: str, *, everything: bool) -> bool:
        spare = self._spare
        assert spare is not None
        batch = max(2, len(self._segments) // 8)
        for count in (batch, 2, 1):
            old = self._segments[:count]
            kept = list(compact(_all(old), reason, everything=everything))
            if len(old) < count or (count == 1 and not everything) or not _fits(kept):
                continue
            spare.first = old[0].first
            for n, body in kept:
                spare.append(n, body)
            spare.last = old[-1].last
            spare.rename(old[0].path)
            old[0].close()
            for segment in old[1:]:
                segment.delete()
            self._segments[:count] = [spare]
            self._spare, self._reader = None, None
            return True
        return False


class _First(Struct):
    first: int = 0


class _Named(Struct):
    task: str
    attempt: int
    type: str
    data: _First


def _all(segments: list[Segment]) -> Iterator[Record]:
    return ((n, body) for segment in segments for _, n, body in segment.records(8))


def _fits(records: list[Record]) -> bool:
    return sum(len(body) + 16 for _, body in records) < SEGMENT_BYTES - 64


def read_spool(folder: Path) -> tuple[Header, list[Record]]:
    """The header and every sound record, by number, each once. Safe beside a living writer.

    Raises `SpoolError` when the header cannot be read.
    """
    try:
        header = msgspec.json.decode((folder / "spool.json").read_bytes(), type=Header)
    except (OSError, msgspec.MsgspecError) as error:
        raise SpoolError(f"{folder / 'spool.json'} cannot be read: {error}") from error
    records: dict[int, bytes] = {}
    for path in sorted(folder.glob("*.seg")):
        try:
            records.update(read_segment(path)[0])
        except FileNotFoundError:
            continue
    return header, sorted(records.items())


def header_for(producer: str, journal: str, now: float) -> Header:
    """The header of a spool that this process makes at *now* (Unix seconds)."""
    return Header(producer, journal, host(), boot(), os.getpid(), now)
