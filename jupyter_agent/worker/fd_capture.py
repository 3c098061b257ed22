"""Capture of file descriptors 1 and 2, for C code and child programs.

The descriptors become pipes, which a thread reads into the attempt's log.
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

from ..runtime.capture.recording import is_muted

Write = Callable[[str, str], None]
"""Called with the stream's name and text."""

CHUNK = 1 << 16
"""Bytes that are read at once."""


class FdCapture:
    """Owns the pipes and the thread, from `open` to `close`; *write* is called on that thread."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._drained = threading.Event()
        self._before: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(
            target=self._read_until_closed, name="jupyter-agent-fd-capture", daemon=True
        )

    def open(self) -> None:
        """Redirect file descriptors 1 and 2, and ``sys.stdout`` and ``sys.stderr`` with them.

        What the task writes to those two is captured before it gets here; see `PassthroughStream`.
        """
        for number, name in ((1, "stdout"), (2, "stderr")):
            self._before[number] = os.dup(number)
            reading, writing = os.pipe()
            # Only *number* and what inherits it may keep the pipe open: its end comes with the last of them.
            os.dup2(writing, number)
            os.close(writing)
            decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            self._selector.register(reading, selectors.EVENT_READ, (name, decode))
            stream = PassthroughStream(number)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        self._thread.start()

    def drain(self) -> None:
        """Wait until everything written before this call is in the log."""
        self._drained.clear()
        os.write(self._waker, b"d")
        self._drained.wait()

    def close(self) -> None:
        """Restore the file descriptors. What other processes write after that is not read."""
        self.drain()
        for number, before in self._before.items():
            os.dup2(before, number)
            os.close(before)
        os.close(self._waker)  # the end of this pipe ends the thread
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()

    def _read_until_closed(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is not None:
                    self._read(key)
                    continue
                request = os.read(self._wake, 1)
                self._read_available()
                self._drained.set()
                if not request:
                    return

    def _read_available(self) -> None:
        """Read what the pipes hold now, and no more: a program may go on writing without a pause."""
        for key in [key for key in self._selector.get_map().values() if key.data is not None]:
            waiting = _waiting(key.fd)
            while waiting > 0:
                waiting -= self._read(key, min(waiting, CHUNK))

    def _read(self, key: selectors.SelectorKey, limit: int = CHUNK) -> int:
        name, decode = key.data
        data = os.read(key.fd, limit)
        if not data:
            self._selector.unregister(key.fileobj)
            os.close(key.fd)
        elif text := decode(data):
            self._write(name, text)
        return len(data)


class PassthroughStream(io.TextIOWrapper):
    """Unbuffered text stream on file descriptor *number*, for `sys.stdout` and `sys.stderr`.

    What the task writes is recorded by `runtime.capture`, which wraps this stream, and is dropped here.
    Threads without a task and forked children write through it into the pipe.
    """

    def __init__(self, number: int) -> None:
        raw = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115 - never closed
        super().__init__(raw, "utf-8", "backslashreplace", write_through=True)

    def write(self, text: str, /) -> int:
        # Bytes are refused as by any text stream: that is how click tells which streams are for text.
        if is_muted() and isinstance(text, str):
            return len(text)
        return super().write(text)


def _waiting(fd: int) -> int:
    """Return how many bytes a pipe holds."""
    (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))
    return int(count)
