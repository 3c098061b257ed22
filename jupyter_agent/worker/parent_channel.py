"""Channel from the parent: the work and the commands that a child process reads."""

from __future__ import annotations

import os


class ParentChannel:
    """Reads what the parent writes: standard input, which is replaced by an empty one for the work.

    It reads the descriptor itself: a buffered stream has a lock, which the listening thread would hold when
    the interpreter ends.
    """

    def __init__(self) -> None:
        self._fd = os.dup(0)
        self._rest = b""
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)

    def read_line(self) -> bytes:
        """Return the next line; empty when the parent is dead."""
        while b"\n" not in self._rest and self._fill():
            pass
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, or fewer when the parent is dead."""
        while len(self._rest) < size and self._fill():
            pass
        content, self._rest = self._rest[:size], self._rest[size:]
        return content

    def _fill(self) -> bool:
        data = os.read(self._fd, 1 << 20)
        self._rest += data
        return bool(data)
