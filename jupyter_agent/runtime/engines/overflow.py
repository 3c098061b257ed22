"""Overflow of a worker's output pipes, for C code that keeps the interpreter's lock while it writes.

The thread that reads the pipes needs that lock, so the C code would wait for ever once a pipe is full.
Another process then takes what is in the pipe into a file that both share, until the thread reads again. The
thread reads the file before the pipe.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import time
from collections.abc import Iterator, Sequence

from .pipes import CHUNK, capacity, waiting_bytes

log = logging.getLogger(__name__)

STUCK_AFTER = 0.3
"""Seconds for which a pipe is full and nothing is read, before another process takes from it."""

LOOK_INTERVAL = 0.1
"""Seconds between two looks whether a reader is stuck."""

TAKE_INTERVAL = 0.005
"""Seconds between two looks at the output of one that is."""

TAKE_TIMEOUT = 10.0
"""Seconds for which the reader waits for another process that takes something: it may have been killed."""

MAX_OVERFLOW = 1 << 26
"""Bytes that the file holds. What is beyond that is left out, and the text says so."""

_LEFT_OUT = b"\n[more than 64 MiB were written without a pause; what follows is left out]\n"
_READS, _TAKING, _END, _DONE, _FULL = range(5)
_HEADER = mmap.PAGESIZE
_PART = struct.Struct("=BI")


class Overflow:
    """The file *fd*, which two processes share: numbers that both see, then the parts of the output.

    The reader counts before it reads, then looks whether the rescuer takes something; the rescuer says that
    it takes something, then looks whether the reader has counted. So never do both take from a pipe.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._map = mmap.mmap(fd, _HEADER)
        self._numbers = memoryview(self._map).cast("Q")

    @classmethod
    def new(cls) -> Overflow:
        """Make the file, which has no name: on Linux it is memory."""
        fd = os.memfd_create("jupyter-agent-output") if hasattr(os, "memfd_create") else _temporary_file()
        os.ftruncate(fd, _HEADER)
        return cls(fd)

    @property
    def reads(self) -> int:
        return self._numbers[_READS]

    @property
    def is_pending(self) -> bool:
        """Whether there is, or soon will be, something that the reader has not read."""
        # No call in here: after one, another thread may get the interpreter's lock. See `FdCapture._take`.
        return self._numbers[_END] != self._numbers[_DONE] or self._numbers[_TAKING] != 0

    def begin_read(self) -> None:
        """Say that the reader is not stuck, and wait until nothing is being taken."""
        self._numbers[_READS] += 1
        deadline = time.monotonic() + TAKE_TIMEOUT
        while self._numbers[_TAKING]:
            if time.monotonic() > deadline:
                self._numbers[_TAKING] = 0
            time.sleep(0.001)

    def unread(self) -> Iterator[tuple[int, bytes]]:
        """Yield what was not read yet: the number of the pipe, and data. For the reader, or after its end."""
        offset, end = self._numbers[_DONE], self._numbers[_END]
        while offset < end:
            pipe, size = _PART.unpack(os.pread(self.fd, _PART.size, _HEADER + offset))
            yield pipe, os.pread(self.fd, size, _HEADER + offset + _PART.size)
            offset += _PART.size + size
            self._numbers[_DONE] = offset
            self._numbers[_READS] += 1  # a long backlog is no stuck reader

    def restart(self) -> None:
        """Begin at the front again, if all is read. For the rescuer, while the reader is stuck."""
        if self._numbers[_END] == self._numbers[_DONE]:
            self._numbers[_END] = self._numbers[_DONE] = self._numbers[_FULL] = 0
            os.ftruncate(self.fd, _HEADER)

    def add(self, pipe: int, data: bytes) -> None:
        """Add what was taken from *pipe*, or leave it out where there is no more room."""
        end = self._numbers[_END]
        if self._numbers[_FULL]:
            return
        if end + len(data) >= MAX_OVERFLOW:
            self._numbers[_FULL], data = 1, _LEFT_OUT
        try:
            os.pwrite(self.fd, _PART.pack(pipe, len(data)) + data, _HEADER + end)
        except OSError as error:  # no space is left: what cannot be kept must not stop the task
            log.warning("output of a task is left out: %s", error)
            self._numbers[_FULL] = 1
        else:
            self._numbers[_END] = end + _PART.size + len(data)

    def set_taking(self, *, taking: bool) -> None:
        self._numbers[_TAKING] = taking

    def close(self) -> None:
        """Close the file. Once."""
        self._numbers.release()
        self._map.close()
        os.close(self.fd)


def _temporary_file() -> int:
    import tempfile  # takes a while, and is rarely needed

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Rescuer:
    """Takes from *pipes* (the descriptors to read from) into *overflow* while their reader is stuck.

    `look` is to be called every now and then, by another process than the reader's.
    """

    def __init__(self, pipes: Sequence[int], overflow: Overflow) -> None:
        self._pipes = pipes
        self._overflow = overflow
        self._full = [capacity(fd) // 2 for fd in pipes]
        """Of a full pipe, each page is filled by half at least, on average."""
        self._seen: tuple[object, ...] = ()
        self._since = 0.0
        self._stuck_at: int | None = None

    def look(self) -> bool:
        """Take what is there if the reader is stuck; return whether it is."""
        reads, waiting = self._overflow.reads, [waiting_bytes(fd) for fd in self._pipes]
        if reads != self._stuck_at and not self._is_stuck(reads, waiting):
            return False
        is_new, self._stuck_at = reads != self._stuck_at, reads
        self._overflow.set_taking(taking=True)
        try:
            if self._overflow.reads == reads:
                if is_new:
                    self._overflow.restart()
                self._take(waiting)
        finally:
            self._overflow.set_taking(taking=False)
        return True

    def _is_stuck(self, reads: int, waiting: list[int]) -> bool:
        now = time.monotonic()
        if self._seen != (reads, *waiting):
            self._seen, self._since = (reads, *waiting), now
        is_full = any(count >= full for count, full in zip(waiting, self._full, strict=True))
        return is_full and now - self._since >= STUCK_AFTER

    def _take(self, waiting: list[int]) -> None:
        for pipe, (fd, count) in enumerate(zip(self._pipes, waiting, strict=True)):
            left = count - 1  # one byte stays: the reader sees that there is something to read
            while (size := min(left, waiting_bytes(fd) - 1, CHUNK)) > 0:
                data = os.read(fd, size)
                left -= len(data)
                self._overflow.add(pipe, data)
