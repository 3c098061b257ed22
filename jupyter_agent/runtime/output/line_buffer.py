"""Line buffer for captured output: whole lines of each thread, redrawn ones in their last state."""

from __future__ import annotations

import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import get_ident

from ...core.logs.styles import end_style
from .terminal_rows import CONTROL, TerminalRows

MAX_LINE = 1 << 16
"""Characters after which an unfinished line is passed on as it is."""

MAX_OPEN = 1000
"""Threads whose unfinished lines are kept; that of the one that wrote first is passed on then."""

SETTLE_AFTER = 20
"""Samples without new text, after which what a program draws is final as far as it can be."""

BELOW = 0
"""The writer of what comes by the file descriptors: nothing says which thread has written it."""

_ENDED = -1
"""The writer of an unfinished line whose thread has ended: another one that ends may continue it."""

_NONE = -2
"""No writer."""

_MOVES = re.compile("[\x1b\x9b](?!\\[[0-9;:]*m)")
"""More than carriage returns and colours: such a picture may be drawn by several threads together."""


class _Writer:
    """What one thread has begun: a *rest* without a line end, or *rows* that it draws."""

    __slots__ = ("age", "rest", "rows", "waited")

    def __init__(self) -> None:
        self.rest = ""
        self.rows: TerminalRows | None = None
        self.age = 0
        """Samples since it wrote something."""
        self.waited = 0
        """Samples since its *rest* began."""

    @property
    def is_open(self) -> bool:
        return bool(self.rest) or self.rows is not None


class LineBuffer:
    """Passes complete lines on at once, several in one piece, and an unfinished line a little later.

    `print` writes a line in pieces, so each thread has its own unfinished line; where several threads print,
    it waits a second for its end. What is being redrawn waits, so that only its final version is kept; see
    `TerminalRows`. After `clear`, as in a cell that shows one state after another, all text waits a second
    for the next one. Thread-safe, and re-entrant: for signal handlers and finalizers that print.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._out = emit
        self._writers: dict[int, _Writer] = {}
        """All that have begun something, and the present one."""
        self._ident = _NONE
        self._writer = _Writer()
        """The present one, and its thread."""
        self._has_several = False
        self._picture: TerminalRows | None = None
        """What threads draw together."""
        self._unended = _NONE
        """The writer of the line that was passed on last, if that is not ended."""
        self._waited = 0
        self._shown: list[str] | None = None
        """What may still be cleared; ``None``: nothing was cleared so far."""
        self._is_busy = False
        self._interrupting: deque[Callable[[], None]] = deque()
        self.renew_locks()

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        self._lock = threading.RLock()
        self._is_busy = False

    def write(self, text: str, writer: int | None = None) -> None:
        """Add text that *writer* has written: `BELOW`, or ``None`` for this thread."""
        with self._lock:
            ident = get_ident() if writer is None else writer
            if self._is_busy:  # this interrupts another call in this thread
                self._interrupting.append(partial(self._write, text, ident))
                return
            try:
                self._is_busy = True
                self._write(text, ident)
                while self._interrupting:
                    self._interrupting.popleft()()
            finally:
                self._is_busy = False

    def flush_waiting(self) -> None:
        """Pass on an unfinished line at the second call after it was written; a second later, the rest."""
        self._do(self._sample)

    def clear(self) -> None:
        """Drop what was not passed on yet, as all output is cleared."""
        self._do(self._clear)

    def end_thread(self) -> None:
        """Pass on the line that this thread, which ends now, has not ended."""
        self._do(partial(self._end, get_ident()))

    def flush(self) -> None:
        """Pass on everything."""
        self._do(self._flush)

    def _do(self, work: Callable[[], None]) -> None:
        """Call *work*, or have it called by the call in this thread that this one interrupts."""
        with self._lock:
            self._interrupting.append(work)
            if self._is_busy:
                return
            try:
                self._is_busy = True
                while self._interrupting:
                    self._interrupting.popleft()()
            finally:
                self._is_busy = False

    def _write(self, text: str, ident: int) -> None:
        if ident != self._ident:
            self._turn_to(ident)
        writer = self._writer
        writer.age = self._waited = 0
        if writer.rows is not None:
            self._draw(writer, text)
        elif text.isprintable():  # a cheap test for most pieces of a line
            writer.rest += text
        elif (text == "\n" or not CONTROL.search(text)) and "\x1b" not in writer.rest:
            whole, newline, writer.rest = (writer.rest + text).rpartition("\n")
            if newline:
                writer.waited = 0
                self._pass_lines(whole + newline)
        else:
            self._draw(writer, text)
        if len(writer.rest) > MAX_LINE:
            self._pass_rest(self._ident, writer)

    def _turn_to(self, ident: int) -> None:
        """Make *ident* the present writer; it goes on with what it has begun."""
        before = self._ident
        if not self._has_several and before != _NONE:
            if ident == BELOW:  # it continues the line of the only thread
                return
            self._has_several = before != BELOW
        if not self._has_several or not self._writer.is_open:
            self._writers.pop(before, None)
        if self._has_several:
            self._writer = self._writers.get(ident) or _Writer()
        self._writers[ident] = self._writer
        self._ident = ident
        if len(self._writers) > MAX_OPEN:
            self._end(next(iter(self._writers)))

    def _draw(self, writer: _Writer, text: str) -> None:
        if writer.rows is None:
            rest, writer.rest = writer.rest, ""
            if self._picture is None:
                writer.rows = TerminalRows(self._pass_drawn)
                writer.rows.begin(rest)
            else:
                writer.rows = self._picture
                text = rest + text
        if self._picture is None and _MOVES.search(text):
            self._picture = writer.rows
        writer.rest = self._draw_into(writer.rows, text)

    def _draw_into(self, rows: TerminalRows, text: str) -> str:
        """Add *text* to *rows*. Where nothing of them is redrawn any more, let them go; return their rest."""
        rows.write(text)
        line = rows.line
        if line is None:
            return ""
        for writer in self._writers.values():
            if writer.rows is rows:
                writer.rows = None
        if self._picture is rows:
            self._picture = None
        return line

    def _pass_lines(self, text: str) -> None:
        """Pass on what the present writer, which draws nothing, has printed."""
        if self._picture is None or not text.isspace():
            self._pass(text, self._ident)
        else:  # this may end what another thread has drawn
            self._writer.rest = self._draw_into(self._picture, text) + self._writer.rest

    def _pass_drawn(self, text: str) -> None:
        self._pass(text, self._ident)

    def _pass_rest(self, ident: int, writer: _Writer) -> None:
        rest, writer.rest = writer.rest, ""
        writer.waited = 0
        if "\x1b" in rest:
            rest, writer.rest = end_style(rest)
        if rest:
            self._pass(rest, ident)

    def _pass(self, text: str, ident: int) -> None:
        """Pass on what *ident* has written: on a line of its own, if another thread's is not ended."""
        if self._unended not in (_NONE, ident):
            text = "\n" + text
        self._unended = _NONE if text.endswith("\n") else ident
        self._emit(text)

    def _sample(self) -> None:
        self._waited += 1
        for ident, writer in list(self._writers.items()):
            writer.age += 1
            writer.waited += bool(writer.rest)
            if writer.age == 2 and self._has_several and self._is_gone(ident):
                self._end(ident)
            elif writer.waited >= SETTLE_AFTER if self._has_several else writer.age == 2:
                self._pass_rest(ident, writer)
            if writer.age == SETTLE_AFTER and writer.rows not in (None, self._picture):
                writer.rows.settle()
        if self._waited == SETTLE_AFTER:
            if self._picture is not None:
                self._picture.settle()
            self._pass_shown()

    def _is_gone(self, ident: int) -> bool:
        """Return whether *ident* is a thread that has ended without `end_thread`."""
        return ident != BELOW and ident not in sys._current_frames()  # noqa: SLF001

    def _end(self, ident: int) -> None:
        """*ident* writes no more; what it has drawn may be drawn over by another thread."""
        writer = self._writers.pop(ident, None)
        if writer is None:  # it has begun nothing
            return
        if ident == self._ident:
            self._writer, self._ident = _Writer(), _NONE
        if self._unended == ident:
            self._unended = _ENDED
        self._pass_rest(_ENDED, writer)
        if self._picture is None:
            self._picture = writer.rows
        elif writer.rows not in (None, self._picture):
            writer.rows.flush()

    def _clear(self) -> None:
        for writer in self._writers.values():
            writer.rows, writer.rest = None, ""
        self._picture, self._shown = None, []

    def _flush(self) -> None:
        for ident, writer in self._writers.items():
            self._pass_rest(ident, writer)
            if writer.rows not in (None, self._picture):
                writer.rows.flush()
            writer.rows = None
        if self._picture is not None:
            self._picture.flush()
        self._picture = None
        self._pass_shown()

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
