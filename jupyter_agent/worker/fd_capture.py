"""What a worker's process says by itself, not by Python's streams: C code, and programs that it starts.

Its file descriptors 1 and 2 become pipes that a thread reads out into the attempt's log.
"""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import selectors
import struct
import sys
import termios
import threading
from collections.abc import Callable

from ..runtime.context import current

Write = Callable[[str, str], None]
"""Takes the stream's name and text."""

PIECE = 1 << 16


class FdCapture:
    """Owns the pipes and the thread, from `open` to `close`; *write* is called on that thread."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._drained = threading.Event()
        self._before: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._read_out, name="jupyter-agent-outlet", daemon=True)

    def open(self) -> None:
        """From now on file descriptors 1 and 2 lead here, and with them what Python's own streams are not
        relieved of before (see `PassthroughStream`)."""
        for number, name in ((1, "stdout"), (2, "stderr")):
            self._before[number] = os.dup(number)
            reading, writing = os.pipe()
            os.dup2(writing, number)
            os.close(writing)
            decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            self._selector.register(reading, selectors.EVENT_READ, (name, decode))
            setattr(sys, name, PassthroughStream(number))
        self._thread.start()

    def drain(self) -> None:
        """Wait until what was said before this call is written."""
        self._drained.clear()
        os.write(self._waker, b"d")
        self._drained.wait()

    def close(self) -> None:
        """Give the file descriptors back; what others still write is read no more."""
        self.drain()
        for number, before in self._before.items():
            os.dup2(before, number)
            os.close(before)
        os.close(self._waker)
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()

    def _read_out(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is not None:
                    self._read(key)
                    continue
                wanted = os.read(self._wake, 1)
                self._read_what_is_there()
                self._drained.set()
                if not wanted:
                    return

    def _read_what_is_there(self) -> None:
        """What is there now: a program that writes without a pause would never have said all."""
        for key in [key for key in self._selector.get_map().values() if key.data is not None]:
            waiting = _waiting(key.fd)
            while waiting > 0:
                waiting -= self._read(key, min(waiting, PIECE))

    def _read(self, key: selectors.SelectorKey, most: int = PIECE) -> int:
        name, decode = key.data
        data = os.read(key.fd, most)
        if not data:
            self._selector.unregister(key.fileobj)
            os.close(key.fd)
        elif text := decode(data):
            self._write(name, text)
        return len(data)


class PassthroughStream(io.TextIOWrapper):
    """Python's stream on file descriptor *number*, unbuffered. What this process's task writes is caught
    above it and goes no further; threads that have no task, and forked children, are heard through it."""

    def __init__(self, number: int) -> None:
        raw = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115 - never closed
        super().__init__(raw, "utf-8", "backslashreplace", write_through=True)
        self._process = os.getpid()

    def write(self, text: str, /) -> int:
        if os.getpid() == self._process and current().id:
            return len(text)
        return super().write(text)


def _waiting(fd: int) -> int:
    """How many bytes a pipe holds."""
    (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))
    return int(count)
