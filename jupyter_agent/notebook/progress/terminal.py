"""Lines at the bottom of a terminal, below all other output.

Other output, by ``print`` or by a logging handler created earlier, goes through the stream's own ``write``,
which is replaced for as long as there are such lines.
"""

from __future__ import annotations

import builtins
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

from ...runtime.capture.streams import untee
from ...runtime.origin import kernel_shell

_REST_OF_LINE, _REST_OF_SCREEN = "\x1b[K", "\x1b[J"


def find_terminal() -> TextIO | None:
    """Return standard error, or else standard output, if it is an interactive terminal; ``None`` otherwise.

    It is not one in a kernel, below a kernel, or below a process that has bars of its own.
    """
    parent = getattr(sys.modules.get("multiprocessing.process"), "parent_process", lambda: None)
    if kernel_shell() is not None or "JPY_PARENT_PID" in os.environ or parent() is not None:
        return None
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return None
    return next(iter(_terminals()), None)


def _terminals() -> list[TextIO]:
    streams: list[Any] = [untee(sys.stderr), untee(sys.stdout)]
    return [stream for stream in streams if _is_terminal(stream)]


def _is_terminal(stream: Any) -> bool:
    try:
        return os.isatty(stream.fileno())
    except (OSError, ValueError, AttributeError):  # closed, in memory, or none at all
        return False


def _is_in_background(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:  # not the terminal of this session: no shell has jobs there
        return False


class TerminalLines:
    """The last lines of the terminal *stream*, from `open` to `close`. Thread-safe.

    ``lock`` is re-entrant: a loop's iterator that the garbage collector finds removes its bar, on a thread
    that may hold the lock already.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._write = stream.write
        self.lock = threading.RLock()
        self._pid = os.getpid()
        self._lines: list[str] = []
        self._height = 0
        self._mid_line = False
        self._is_closed = False
        self._restore: list[Callable[[], None]] = []

    def open(self) -> None:
        """Intercept other output and `input` from now on."""
        for stream in _terminals():
            self._replace(stream, "write", self._above(stream.write))
        self._replace(builtins, "input", self._below(builtins.input))

    def close(self) -> None:
        """Remove the lines and restore what was replaced. Idempotent."""
        with self.lock:
            self._clear()
            self._is_closed = True
            while self._restore:
                self._restore.pop()()

    def draw(self, lines: list[str]) -> None:
        """Show *lines*, each narrower than the terminal, in place of the previous ones.

        They stay hidden while other output has an unfinished line, or another program reads the keyboard.
        """
        with self.lock:
            if self._is_closed:
                return
            self._lines = lines
            self._show()

    def leave(self, lines: list[str]) -> None:
        """Write *lines* permanently, above the others."""
        with self.lock:
            self._lines = []
            self._clear()
            self._put(("\n" if self._mid_line else "") + "".join(f"{line}\n" for line in lines))
            self._mid_line = False

    def _show(self) -> None:
        if self._lines and not self._mid_line and not self._is_in_use():
            text = f"{_REST_OF_LINE}\n".join(self._lines) + _REST_OF_LINE + _REST_OF_SCREEN
            self._put(self._back() + text)
            self._height = len(self._lines)

    def _clear(self) -> None:
        if self._height:
            back, self._height = self._back(), 0
            self._put(back + _REST_OF_SCREEN)

    def _back(self) -> str:
        """Return the sequence that moves to the first column of the first line."""
        up = f"\x1b[{self._height - 1}A" if self._height > 1 else ""
        return f"{up}\r" if self._height else ""

    def _put(self, text: str) -> None:
        try:
            self._write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal was closed
            self._is_closed = True

    def _is_in_use(self) -> bool:
        """Return whether a line editor, a password prompt or another job of the shell uses the terminal."""
        import termios

        try:
            file = self._stream.fileno()
            modes = termios.tcgetattr(file)[3]
        except (termios.error, OSError, ValueError):  # closed
            return True
        return not (modes & termios.ICANON and modes & termios.ECHO) or _is_in_background(file)

    def _above(self, write: Callable[[str], int]) -> Callable[[str], int]:
        def write_above(text: str) -> int:
            if os.getpid() != self._pid or not text:
                return write(text)
            with self.lock:
                self._clear()
                count = write(text)
                self._mid_line = not text.endswith("\n")
                self._show()
                return count

        return write_above

    def _below(self, ask: Callable[[object], str]) -> Callable[[object], str]:
        def ask_below(prompt: object = "", /) -> str:
            if os.getpid() != self._pid:
                return ask(prompt)
            with self.lock:
                self._clear()
                self._mid_line = True
            try:
                return ask(prompt)
            finally:
                self._mid_line = False

        return ask_below

    def _replace(self, owner: Any, name: str, value: object) -> None:
        """Replace an attribute of *owner* until `close`; not restored if other code has replaced it since."""
        own = vars(owner).get(name)

        def restore() -> None:
            if vars(owner).get(name) is value:
                if own is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, own)

        setattr(owner, name, value)
        self._restore.append(restore)
