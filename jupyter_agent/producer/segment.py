"""Segment: one file of a spool, preallocated and memory-mapped.

Layout (little endian): 8 bytes magic, then for each record ``length u32, crc32 u32, n u64`` and
``length`` bytes of event JSON. The CRC covers ``n`` and the JSON. A record is written body first, so that
one cut short by a kill does not exist. One that a bad disk changed fails its CRC and is skipped, which the
gap in ``n`` shows; the next record is found by the bytes with which every body starts.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import SpoolError
from ..system.files import identity, open_private

MAGIC = b"JASPOOL1"
_MAGIC_OF_ALL = re.compile(rb"JASPOOL\d")
SEGMENT_BYTES = 2 << 20
_HEADER = struct.Struct("<IIQ")
_BODY_START = b'{"task":"'
START = len(MAGIC)
OVERHEAD = _HEADER.size

Record = tuple[int, bytes]
"""A record: its number and the encoded event."""


def preallocate(path: Path, size: int) -> int:
    """Create *path* (0600) with *size* bytes allocated on disk, all zero; its descriptor.

    A file left by an interrupted attempt is replaced. Raises `OSError` when the disk is full; writing into
    the mapping of a sparse file would then kill the process by SIGBUS.
    """
    fd = open_private(path, os.O_RDWR | os.O_TRUNC)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, size)
        else:  # pragma: no cover - macOS, Windows
            for start in range(0, size, 1 << 16):
                os.write(fd, bytes(min(1 << 16, size - start)))
    except BaseException:
        os.close(fd)
        path.unlink()
        raise
    return fd


class Segment:
    """An open segment of the process that writes it. Not thread-safe: the spool's lock guards it.

    One *in_memory* has no file (yet): `copied` makes it.
    """

    def __init__(self, path: Path, first: int, size: int = SEGMENT_BYTES, *, in_memory: bool = False) -> None:
        self._identity: tuple[int, int] | None = None
        if in_memory:
            self._map = mmap.mmap(-1, size)
        else:
            fd = preallocate(path, size)
            try:
                self._map = mmap.mmap(fd, size)
                self._identity = identity(fd)
            finally:
                os.close(fd)
        self._map[:START] = MAGIC
        self.path = path
        self.size = size
        self.first = first
        self.last = first - 1
        self.end = START

    def append(self, n: int, body: bytes) -> bool:
        """Copy one record in; false when it does not fit."""
        end = self.end + OVERHEAD + len(body)
        if end > self.size:
            return False
        start = self.end + OVERHEAD
        # Body, then header, then `end`. Interrupted before the header, there is no record (length 0).
        # Interrupted before `end`, there is a record, which the next append overwrites under the same number.
        self._map[start:end] = body
        _HEADER.pack_into(self._map, self.end, len(body), _checksum(n, body), n)
        self.end, self.last = end, n
        return True

    def records(self, position: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield ``(position behind it, n, body)`` of each record from *position* on."""
        while position < self.end:
            length, _, n = _HEADER.unpack_from(self._map, position)
            start = position + OVERHEAD
            position = start + length
            yield position, n, self._map[start:position]

    def take(self, position: int, events: int, size: int) -> tuple[int, int, list[bytes]]:
        """Return ``(position behind them, last number, bodies)`` of the records from *position* on.

        At most *events* records and *size* bytes, but at least one record. Three times as fast as `records`.
        """
        unpack, content, bodies = _HEADER.unpack_from, self._map, list[bytes]()
        last = 0
        while position < self.end and len(bodies) < events:
            length, _, n = unpack(content, position)
            if bodies and length > size:
                break
            start = position + OVERHEAD
            position, last, size = start + length, n, size - length
            bodies.append(content[start:position])
        return position, last, bodies

    def seal(self) -> None:
        """Zero the header behind the last record: an interrupted append may have written one."""
        room = min(OVERHEAD, self.size - self.end)
        self._map[self.end : self.end + room] = bytes(room)

    def restart(self, first: int) -> None:
        """Empty the segment; the next record has number *first*."""
        if self.end > START:
            self._map[START:] = bytes(self.size - START)
        self.first, self.last, self.end = first, first - 1, START

    def rename(self, path: Path) -> None:
        """Give the file another name, replacing any file there. Raises `OSError`."""
        if self._identity is not None:
            self.path.replace(path)
        self.path = path

    @property
    def in_memory(self) -> bool:
        """Whether it never had a file."""
        return self._identity is None

    def is_in_place(self) -> bool:
        """Return True if the file at ``path`` is the mapped one: not deleted, not replaced."""
        return self._identity is not None and identity(self.path) == self._identity

    def copied(self) -> Segment:
        """Return a copy with a new file in the place of this one's, which stays mapped. Raises `OSError`."""
        copy = Segment(self.path.with_suffix(".copy"), self.first, self.size)
        copy._map[: self.end] = self._map[: self.end]
        copy.last, copy.end = self.last, self.end
        copy.rename(self.path)
        return copy

    def close(self) -> None:
        """Unmap. Idempotent."""
        if not self._map.closed:
            self._map.close()

    def delete(self) -> None:
        """Unmap and remove the file. Raises `OSError`; then it may be tried again."""
        self.close()
        if not self.in_memory:
            self.path.unlink(missing_ok=True)


def read_segment(path: Path) -> list[Record]:
    """Return every sound record of a segment file, in file order. Safe beside a living writer.

    Raises `SpoolError` for one that another version has written, which is no damage.
    """
    content = path.read_bytes()
    records = [(n, body) for _, n, body in _sound_records(content)]
    # With sound records, the magic alone is damaged.
    if not records and content[:START] != MAGIC and _MAGIC_OF_ALL.match(content):
        raise SpoolError(f"{path} was written by a newer version of jupyter_agent; upgrade this environment")
    return records


def damaged_end(path: Path) -> int:
    """Return the last number that was written behind the last sound record and cannot be read; 0: none.

    A header is written after its body, so a header with the next number belongs to a complete record.
    """
    content = path.read_bytes()
    position, last = START, int(path.stem) - 1  # a segment is named by its first number
    for position, last, _ in _sound_records(content):  # noqa: B007 - only the last one counts
        pass
    found = 0
    while position + OVERHEAD <= len(content):
        length, _, n = _HEADER.unpack_from(content, position)
        if not length or position + OVERHEAD + length > len(content) or n != last + 1:
            break
        last = found = n
        position += OVERHEAD + length
    return found


def _sound_records(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield ``(position behind it, n, body)`` of each sound record."""
    position = START
    while position + OVERHEAD <= len(content):
        length, crc, n = _HEADER.unpack_from(content, position)
        start, end = position + OVERHEAD, position + OVERHEAD + length
        if length and end <= len(content) and _checksum(n, body := content[start:end]) == crc:
            yield end, n, body
            position = end
            continue
        following = content.find(_BODY_START, start + 1)
        if following < 0:
            return
        position = following - OVERHEAD


def _checksum(n: int, body: bytes) -> int:
    return zlib.crc32(body, (n ^ n >> 32) & 0xFFFFFFFF)
