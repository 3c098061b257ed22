"""Line buffer for captured output: whole lines, of which redrawn ones are kept in their last state."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .terminal_rows import CONTROL, TerminalRows

MAX_LINE = 1 << 16
"""Characters after which an unfinished line is passed on as it is."""

SETTLE_AFTER = 20
"""Samples without new text, after which what a program draws is final as far as it can be."""


class LineBuffer:
    """Passes complete lines on at once, several in one piece, and an unfinished line a little later.

    What is being redrawn waits, so that only its final version is kept; see `TerminalRows`. After `clear`, as
    in a cell that shows one state after another, all text waits a second for the next one. Thread-safe.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._out = emit
        self._rest = ""
        self._waited = 0
        self._rows: TerminalRows | None = None
        self._shown: list[str] | None = None
        """What may still be cleared; ``None``: nothing was cleared so far."""
        self.renew_locks()

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Add written text."""
        with self._lock:
            self._waited = 0
            if self._rows is not None or CONTROL.search(text):
                self._redraw(text)
                return
            whole, newline, self._rest = (self._rest + text).rpartition("\n")
            if newline:
                self._emit(whole + "\n")
            if len(self._rest) > MAX_LINE:
                self._flush()

    def flush_waiting(self) -> None:
        """Pass on an unfinished line at the second call after it was written; a second later, the rest."""
        with self._lock:
            self._waited += 1
            if self._rows is None and self._rest and self._waited == 2:
                self._flush()
            elif self._waited == SETTLE_AFTER:
                if self._rows is not None:
                    self._rows.settle()
                self._pass_shown()

    def clear(self) -> None:
        """Drop what was not passed on yet, as all output is cleared."""
        with self._lock:
            self._rows, self._rest, self._shown = None, "", []

    def flush(self) -> None:
        """Pass on everything."""
        with self._lock:
            self._flush()
            self._pass_shown()

    def _redraw(self, text: str) -> None:
        if self._rows is None:
            self._rows = TerminalRows(self._emit)
            self._rows.begin(self._rest)
            self._rest = ""
        self._rows.write(text)
        line = self._rows.line
        if line is not None:
            self._rows, self._rest = None, line

    def _flush(self) -> None:
        rest, self._rest = self._rest, ""
        if self._rows is not None:
            rows, self._rows = self._rows, None
            rows.flush()
        elif rest:
            self._emit(rest)

    def _emit(self, text: str) -> None:
        if self._shown is None:
            self._out(text)
            return
        self._shown.append(text)
        if sum(map(len, self._shown)) > MAX_LINE:
            self._pass_shown()

    def _pass_shown(self) -> None:
        if self._shown:
            text, self._shown = "".join(self._shown), []
            self._out(text)
