"""What a worker's process says by itself, not by Python's streams: C code, and programs that it starts.

Its file descriptors 1 and 2 become pipes that a thread reads out into the attempt's log.
"""

from __future__ import annotations

import codecs
import os
import selectors
import sys
import threading
from collections.abc import Callable

Write = Callable[[str, str], None]
"""Takes the stream's name and text."""

PIECE = 1 << 16


class Outlet:
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
        """From now on file descriptors 1 and 2 lead here. Python's own streams lead nowhere: what is written
        to them is captured before it gets to a file descriptor."""
        for number, name in ((1, "stdout"), (2, "stderr")):
            self._before[number] = os.dup(number)
            reading, writing = os.pipe()
            os.dup2(writing, number)
            os.close(writing)
            decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            self._selector.register(reading, selectors.EVENT_READ, (name, decode))
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - lives as long as the process
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
        while ready := [key for key, _ in self._selector.select(0) if key.data is not None]:
            for key in ready:
                self._read(key)

    def _read(self, key: selectors.SelectorKey) -> None:
        name, decode = key.data
        data = os.read(key.fd, PIECE)
        if not data:
            self._selector.unregister(key.fileobj)
            os.close(key.fd)
        elif text := decode(data):
            self._write(name, text)
