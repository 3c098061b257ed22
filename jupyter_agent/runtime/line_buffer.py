"""Line buffer for captured output; text that a carriage return overwrites is dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable

MAX_LINE = 1 << 16
"""Characters after which an unfinished line is passed on as it is."""


class LineBuffer:
    """Passes complete lines on at once, several in one piece, and an unfinished line a little later.

    A line that is being redrawn (it has a carriage return) waits for its newline, so that only its final
    version is kept. Thread-safe.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._rest = ""
        self._waited = False
        self.renew_locks()

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Add written text."""
        with self._lock:
            whole, newline, self._rest = (self._rest + text).rpartition("\n")
            self._waited = False
            if newline:
                self._emit(_final(whole) + "\n")
            if "\r" in self._rest:
                self._rest = _redrawn(self._rest)
            elif len(self._rest) > MAX_LINE:
                self._flush()

    def flush_waiting(self) -> None:
        """Pass on an unfinished line that was there at the previous call already."""
        with self._lock:
            if self._rest and "\r" not in self._rest:
                if self._waited:
                    self._flush()
                self._waited = not self._waited

    def flush(self) -> None:
        """Pass on everything."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        rest, self._rest = self._rest, ""
        text = _final(rest)
        if text.strip() or (text and "\r" not in rest):
            self._emit(text)


def _final(text: str) -> str:
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _redrawn(line: str) -> str:
    """Return *line* without its overwritten parts; a leading carriage return marks it as being redrawn."""
    body = line.rstrip("\r")
    last = body.rpartition("\r")[2]
    return "\r" + last + ("\r" if line.endswith("\r") and last else "")
