"""A program in a real pseudo terminal, and the screen that it draws."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TOKEN = re.compile(
    r"\x1b\[(?P<number>\d*)(?P<what>[AJK])|\x1b\[[?0-9;]*[A-Za-z]"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|(?P<text>[^\x1b])",
    re.DOTALL,
)


class Terminal:
    """The screen of a program: `screen` is a list of lines, `raw` every byte that came."""

    def __init__(self, master: int, process: int) -> None:
        self.master = master
        self.raw = b""
        self._waiting = b""
        self._process = process
        self._status: int | None = None

    @property
    def screen(self) -> list[str]:
        """Return the screen's lines, without trailing blanks and without empty lines."""
        return [line for line in map(str.rstrip, drawn(self.raw.decode(errors="ignore"))) if line]

    def until(self, wanted: str, timeout: float = 20.0) -> list[str]:
        """Read until a line of the screen has *wanted* in it; the screen then."""
        deadline = time.monotonic() + timeout
        while not any(wanted in line for line in self.screen):
            assert time.monotonic() < deadline, self.screen
            assert self._read(), self.screen
        return self.screen

    def end(self, timeout: float = 20.0) -> int:
        """Read until the program has ended; its exit status."""
        deadline = time.monotonic() + timeout
        while self._read():
            assert time.monotonic() < deadline, self.screen
        return self.status()

    def type(self, keys: bytes) -> None:
        """Write *keys* as typed input."""
        os.write(self.master, keys)

    def status(self) -> int:
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        return self._status

    def kill(self) -> None:
        """End the program, if it has not."""
        if self._status is None:
            os.kill(self._process, 9)
            self.status()

    def _read(self) -> bool:
        """Read once; return False at the end. Each line that was drawn is recorded, however late we read."""
        if not self._waiting:
            if not select.select([self.master], [], [], 0.05)[0]:
                return True
            try:
                self._waiting = os.read(self.master, 65536)
            except OSError:  # what Linux says when the other side is closed
                return False
        end = self._waiting.find(b"\r", 1) % (len(self._waiting) + 1)
        piece, self._waiting = self._waiting[:end], self._waiting[end:]
        self.raw += piece
        return bool(piece)


@contextmanager
def in_terminal(*command: str, columns: int = 100, **environment: str) -> Iterator[Terminal]:
    """Run *command* in a terminal of so many columns."""
    process, master = pty.fork()
    if process == 0:
        os.environ.update({"TERM": "xterm-256color", **environment})
        os.execv(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    terminal = Terminal(master, process)
    try:
        yield terminal
    finally:
        terminal.kill()
        os.close(master)


@contextmanager
def script_in_terminal(folder: Path, text: str, columns: int = 100, **environment: str) -> Iterator[Terminal]:
    """Run *text* as a Python script there, warnings as errors."""
    script = folder / "script.py"
    script.write_text(text)
    with in_terminal(sys.executable, "-W", "error", str(script), columns=columns, **environment) as terminal:
        yield terminal


def drawn(text: str) -> list[str]:
    """The lines that a terminal shows for *text*, which moves only up, left and over what is there."""
    lines: list[list[str]] = [[]]
    row = column = 0
    for token in _TOKEN.finditer(text):
        what, letter = token["what"], token["text"]
        if what == "A":
            row = max(0, row - int(token["number"] or 1))
        elif what == "K":
            del lines[row][column:]
        elif what == "J":
            del lines[row][column:]
            del lines[row + 1 :]
        elif letter == "\r":
            column = 0
        elif letter == "\n":
            row += 1
            if row == len(lines):
                lines.append([])
        elif letter:
            lines[row].extend(" " * (column - len(lines[row])))
            lines[row][column : column + 1] = [letter]
            column += 1
    return ["".join(line) for line in lines]
