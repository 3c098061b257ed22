"""Segment log: the segments of one spool, oldest first, and a spare one for compaction.

The spool's lock guards them. A cancel and Ctrl-C raise in the writer's thread between any two steps, and a
kill may end it there, so every order of steps below leaves a valid log after each of them.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .compaction import compact
from .segment import OVERHEAD, SEGMENT_BYTES, START, Record, Segment

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MEMORY_CAP = 64 << 20
"""Maximum number of bytes of the segments that have no file, because the disk takes none."""

NewSegment = Callable[[Path, int, int], Segment]
"""Creates a segment: its path, the number of its first record, its size in bytes. Raises `OSError`."""


class Segments:
    """Appended to at the end and freed at the beginning; at most *cap* bytes, and a spare segment.

    ``full_since`` is when an event had to be dropped (Unix seconds), ``None`` once there is room again.
    ``trouble`` is why there was no room for the last record, ``disk_trouble`` why a file could not be made.
    With *in_memory*, the first segment has no file until `repair` makes it, as those have that `write`
    begins where no file can be made.
    """

    def __init__(
        self,
        folder: Path,
        first: int,
        *,
        cap: int,
        size: int = SEGMENT_BYTES,
        clock: Callable[[], float] = time.time,
        new_segment: NewSegment = Segment,
        in_memory: bool = False,
    ) -> None:
        self.full_since: float | None = None
        self.trouble = self.disk_trouble = ""
        self.freed = first - 1
        self._folder = folder
        self._replaced: list[Segment] = []
        self._undeleted: list[Segment] = []
        self._size = size
        self._max_segments = max(cap // size, 3)
        self._max_in_memory = max(MEMORY_CAP // size, 1)
        self._clock = clock
        self._new_segment = new_segment
        self._spare: Segment | None = None
        path = self._path(first)
        self._all = [
            Segment(path, first, size, in_memory=True) if in_memory else new_segment(path, first, size)
        ]
        self._make_spare()

    @property
    def newest(self) -> Segment:
        """The segment that is appended to."""
        return self._all[-1]

    @property
    def base(self) -> int:
        """The smallest number that is not freed."""
        return self._all[0].first

    @property
    def in_memory(self) -> int:
        """How many segments that have something to send have no file."""
        return sum(one.in_memory and one.last > self.freed for one in self._all)

    @property
    def has_unwritten(self) -> bool:
        """Whether a segment has no file, be there something to send in it or not."""
        return any(one.in_memory for one in tuple(self._all))

    def write(self, n: int, body: bytes) -> bool:
        """Append one record; false when there is no room for it, even after dropping others."""
        if self.newest.append(n, body):
            return True
        self._rotate(n)
        return self.newest.append(n, body)

    def write_in_memory(self, n: int, body: bytes) -> bool:
        """Append one record, for which `write` had no room, to a new segment without a file, if it may be."""
        return self._add_in_memory(n) and self.newest.append(n, body)

    def after(
        self, number: int, hint: tuple[Segment, int, int] | None
    ) -> Iterator[tuple[Segment, int, int, bytes]]:
        """Yield ``(segment, position behind it, n, body)`` of each record after *number*.

        *hint* is the place of an earlier record: its segment, the position behind it, its number.
        """
        for segment in self._all:
            if segment.last <= number:
                continue
            at_hint = hint is not None and hint[0] is segment and hint[2] == number
            start = hint[1] if hint is not None and at_hint else START
            for position, n, body in segment.records(start):
                if n > number:
                    yield segment, position, n, body

    def batch(
        self, number: int, hint: tuple[Segment, int, int] | None, events: int, size: int
    ) -> tuple[Segment, int, int, int, list[bytes]] | None:
        """Return what follows *number* in one segment; ``None`` when nothing does. *hint* as in `after`.

        ``(segment, first number, position behind, last number, bodies)``.
        """
        found = next(self.after(number, hint), None)
        if found is None:
            return None
        segment, behind, first, body = found
        return segment, first, *segment.take(behind - len(body) - OVERHEAD, events, size)

    def free(self, upto: int) -> bool:
        """Delete the segments with nothing after *upto*, except the newest; false when there were none."""
        self.freed = max(self.freed, upto)
        before = len(self._all)
        while len(self._all) > 1 and self._all[0].last <= self.freed:
            self._delete(self._all.pop(0))
        if len(self._all) < before or self.newest.last <= self.freed:
            self.full_since = None
        return len(self._all) < before

    def is_whole(self) -> bool:
        """Return True if every segment has its file. Any thread may ask while another appends."""
        spare = self._spare
        whole = all(one.is_in_place() for one in tuple(self._all)) and not self._undeleted
        return whole and (spare is None or spare.is_in_place())

    def repair(self) -> int:
        """Write every segment that has no file, from memory; return how many of them had one.

        Raises `OSError`.
        """
        self._undeleted, undeleted = [], self._undeleted
        for segment in undeleted:
            self._delete(segment)
        deleted = 0
        for index, old in enumerate(self._all):
            if not old.is_in_place():
                self._all[index] = old.copied()
                deleted += not old.in_memory
                old.close()  # last: interrupted before, it is copied once more
        if self._spare is not None and not self._spare.is_in_place():
            self._spare.close()
            self._spare = None
            self._make_spare()
        return deleted

    def close(self) -> None:
        """Unmap all segments. Idempotent."""
        for segment in self._all:
            segment.close()
        if self._spare is not None:
            self._spare.close()

    def _path(self, first: int) -> Path:
        return self._folder / f"{first:020d}.seg"

    def _rotate(self, first: int) -> None:
        """Start a new segment for number *first*, making room if there is none; else set ``trouble``."""
        self.newest.seal()
        full = len(self._all) >= self._max_segments
        if full and not self._make_room("the spool is full"):
            self.trouble = "the spool is full"
            return
        error = self._add(first)
        if error is None:
            return
        self.trouble = self.disk_trouble = (
            "the disk is full" if error.errno in _FULL else f"the spool cannot grow: {error.strerror}"
        )
        if self.newest.last <= self.freed and self._reuse(first):
            return
        if error.errno in _FULL and self._make_room(self.trouble):
            self._add(first)

    def _reuse(self, first: int) -> bool:
        """Start over in the newest segment, all of which is committed; False when its file is gone."""
        newest = self.newest
        newest.restart(first)
        try:
            newest.rename(self._path(first))
        except OSError:  # on a read-only disk it keeps its name; readers go by the numbers inside
            return newest.is_in_place()
        return True

    def _add_in_memory(self, first: int) -> bool:
        """Start a segment without a file; False when there are too many."""
        if self.in_memory >= self._max_in_memory or len(self._all) >= self._max_segments:
            self.full_since = self.full_since or self._clock()
            return False
        self._all.append(Segment(self._path(first), first, self._size, in_memory=True))
        return True

    def _add(self, first: int) -> OSError | None:
        try:
            self._all.append(self._new_segment(self._path(first), first, self._size))
        except OSError as error:
            return error
        return None

    def _make_spare(self) -> None:
        # Allocated while the disk has room: on a full disk compaction could not create a file.
        if self._spare is None:
            try:
                self._spare = self._new_segment(self._folder / "spare", 0, self._size)
            except OSError:
                return

    def _make_room(self, reason: str) -> bool:
        """Join old segments that are mostly committed; else drop the events that are dropped first, and if
        that is not enough, the oldest ones of all types."""
        self._delete_replaced()
        self._make_spare()
        if self._join():
            self._make_spare()
            return True
        if self._compact(reason, everything=False) or self._compact(reason, everything=True):
            self.full_since = self.full_since or self._clock()
            self._make_spare()
            return True
        return False

    def _delete_replaced(self) -> None:
        """Delete the segments that compaction has replaced; an interrupt may leave some for the next call."""
        while self._replaced:
            self._delete(self._replaced[-1])  # before the pop: interrupted between, it is deleted again
            self._replaced.pop()

    def _delete(self, segment: Segment) -> None:
        """Delete a segment that is committed; a disk that does not let it go is asked again by `repair`."""
        try:
            segment.delete()
        except OSError:
            self._undeleted.append(segment)

    def _join(self) -> bool:
        """Copy what is not committed of the oldest segments into the spare, if it has room for all of it."""
        count = 1 if len(self._all) == 1 else 2
        old = self._all[:count]
        room = self._size - 64 if count > 1 else self._size // 2
        kept, size = [], 0
        for record in self._unfreed(old):
            size += len(record[1]) + OVERHEAD
            if size > room:
                return False
            kept.append(record)
        return self._replace(old, kept)

    def _compact(self, reason: str, *, everything: bool) -> bool:
        """Rewrite the oldest segments into the spare; a single one only if that makes it half empty."""
        batch = max(2, len(self._all) // 8)
        counts = (batch, 2) if len(self._all) > 1 else (1,)
        for count in counts:
            old = self._all[:count]
            kept = list(compact(self._unfreed(old), reason, everything=everything))
            room = self._size - 64 if count > 1 else self._size // 2
            if sum(len(body) + OVERHEAD for _, body in kept) <= room:
                return self._replace(old, kept)
        return False

    def _unfreed(self, segments: list[Segment]) -> Iterator[Record]:
        records = ((n, body) for segment in segments for _, n, body in segment.records(START))
        return ((n, body) for n, body in records if n > self.freed)

    def _replace(self, old: list[Segment], kept: list[Record]) -> bool:
        spare = self._spare
        if spare is None:
            return False
        spare.restart(max(old[0].first, min(self.freed, old[-1].last) + 1))
        for n, body in kept:
            spare.append(n, body)
        spare.last = old[-1].last
        # The rename replaces the oldest file in one step: before it all old segments are whole, after it the
        # new one has all that is kept. Old files beside it are skipped by readers, which know their numbers.
        try:
            spare.rename(old[0].path)
        except OSError:
            self._spare = None
            self._delete(spare)
            return False
        rest = old[1:]
        # Give up the spare, list it, then let go of the old ones: interrupted after any step, every unfreed
        # record is in a listed segment and in a file. At worst an old file stays, which readers skip.
        self._spare = None
        self._all[: len(old)] = [spare]
        self._replaced = rest
        old[0].close()
        self._delete_replaced()
        return True
