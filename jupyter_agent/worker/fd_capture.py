"""Capture of file descriptors 1 and 2, for C code and child programs.

The descriptors become pipes, which a thread reads into the attempt's log. Python's own ``print`` does not
take that way: see `passthrough_stream`.
"""

from __future__ import annotations

import codecs
import os
import selectors
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..runtime.engines.overflow import Overflow
from ..runtime.engines.pipes import CHUNK, open_output_pipe, waiting_bytes, write_all
from .libc import PendingInput, flush_stdout, write_stdout_by_the_line
from .passthrough_stream import PassthroughStream

Write = Callable[[str, str], None]
"""Called with the stream's name and text."""


class _Stream(NamedTuple):
    """A captured descriptor."""

    number: int
    name: str
    decoder: codecs.IncrementalDecoder


class FdCapture:
    """Owns the thread from `open` to `close`; *write* is called on that thread.

    *is_shown*: what is read is also written to where the descriptor went before. *pipes*: the ends of two
    pipes that there are already, to read from and to write to. *overflow*: what another process takes from
    them.
    """

    def __init__(
        self,
        write: Write,
        *,
        is_shown: bool = False,
        pipes: Sequence[Sequence[int]] | None = None,
        overflow: Overflow | None = None,
    ) -> None:
        self._write = write
        self._is_shown = is_shown
        self._pipes = [open_output_pipe(), open_output_pipe()] if pipes is None else pipes
        self._overflow = overflow
        self._before: dict[int, int] = {}
        self._streams: list[_Stream] = []
        self._is_pending = PendingInput(reading for reading, _ in self._pipes)
        self._is_reading = self._is_closing = False
        self._requests: deque[tuple[threading.Event, bool]] = deque()
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(
            target=self._read_until_closed, name="jupyter-agent-fd-capture", daemon=True
        )

    def open(self) -> None:
        """Redirect the output and read it."""
        self.redirect()
        self.start()

    def redirect(self) -> None:
        """Redirect file descriptors 1 and 2, and ``sys.stdout`` and ``sys.stderr`` with them."""
        for number, name, (reading, writing) in zip((1, 2), ("stdout", "stderr"), self._pipes, strict=True):
            self._before[number] = os.dup(number)
            # Only *number* and what inherits it may keep the pipe open: its end comes with the last of them.
            os.dup2(writing, number)
            os.close(writing)
            os.set_inheritable(reading, False)
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            captured = _Stream(number, name, decoder)
            self._streams.append(captured)
            self._selector.register(reading, selectors.EVENT_READ, captured)
            stream = PassthroughStream(number, self)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        write_stdout_by_the_line()

    def start(self) -> None:
        """Read what was written, and what will be."""
        self._thread.start()

    def show(self, number: int, text: str) -> None:
        """Write what is recorded elsewhere to where descriptor *number* went before, if that is shown."""
        if self._is_shown:
            write_all(self._before[number], text.encode("utf-8", "backslashreplace"))

    def sync(self) -> None:
        """Have what was written to the descriptors before this call recorded before what comes after it."""
        # The reader sets `_is_reading` before it takes anything out of a pipe.
        has_more = self._overflow is not None and self._overflow.is_pending
        if self._is_pending() or self._is_reading or has_more:
            self._request(is_final=False)

    def finish(self) -> None:
        """Wait until everything written before this call is in the log, incomplete characters included."""
        flush_stdout()
        self._request(is_final=True)

    def close(self) -> None:
        """Restore the file descriptors. What other processes write after that is not read."""
        self.finish()
        for number, before in self._before.items():
            os.dup2(before, number)
        self._is_closing = True
        os.write(self._waker, b".")  # not by its end: a forked child may keep it open
        self._thread.join()
        # The pipes stay open until the process ends: another thread may be just looking into one.
        self._selector.close()

    def _request(self, *, is_final: bool) -> None:
        """Wait until all that the pipes hold now is read; *is_final*: with what no character follows."""
        # A forked child has no such thread, and the thread itself must not wait for itself.
        if not self._thread.is_alive() or threading.current_thread() is self._thread:
            return
        done = threading.Event()
        self._requests.append((done, is_final))
        os.write(self._waker, b".")
        done.wait()

    def _read_until_closed(self) -> None:
        while not self._is_closing:
            for key, _ in self._selector.select():
                if key.data is not None:
                    self._read(key)
                else:
                    os.read(self._wake, CHUNK)
                    self._answer()

    def _answer(self) -> None:
        # All of them, whose byte is read or not: a cancel may raise between a request and its byte. What they
        # are about was written before.
        requests = [self._requests.popleft() for _ in range(len(self._requests))]
        self._read_available(is_final=any(is_final for _, is_final in requests))
        for done, _ in requests:
            done.set()

    def _read_available(self, *, is_final: bool) -> None:
        """Read what the pipes hold now, and no more: a program may go on writing without a pause."""
        for key in [key for key in self._selector.get_map().values() if key.data is not None]:
            waiting = waiting_bytes(key.fd)
            while waiting > 0:
                # Not more than there is: another process may have taken some meanwhile.
                waiting = min(waiting - self._read(key, min(waiting, CHUNK)), waiting_bytes(key.fd))
            if is_final and (rest := key.data.decoder.decode(b"", final=True)):
                self._write(key.data.name, rest)

    def _read(self, key: selectors.SelectorKey, limit: int = CHUNK) -> int:
        self._is_reading = True
        try:
            data = self._take(key.fd, limit)
            if data:
                self._record(key.data, data)
            else:
                self._selector.unregister(key.fileobj)
        finally:
            self._is_reading = False
        return len(data)

    def _take(self, fd: int, limit: int) -> bytes:
        """Return what is in the pipe *fd*, after what was taken from the pipes before is recorded."""
        overflow = self._overflow
        if overflow is None:
            return os.read(fd, limit)
        while True:
            overflow.begin_read()
            for index, data in overflow.unread():
                self._record(self._streams[index], data)
            # Between this look and the read, no other thread can get the interpreter's lock.
            if not overflow.is_pending:
                return os.read(fd, limit)

    def _record(self, stream: _Stream, data: bytes) -> None:
        if text := stream.decoder.decode(data):
            self._write(stream.name, text)
        if self._is_shown:
            write_all(self._before[stream.number], data)
