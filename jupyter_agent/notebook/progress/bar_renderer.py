"""Renderer of the bars at the bottom of a terminal, with a thread of its own.

The forwarder's thread does not draw: a terminal that is stopped (Ctrl-S) blocks its writer.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, TextIO

from ...core.events import TaskState
from ...rendering.palette import TERMINAL_COLORS
from ...runtime.local_task import LocalTask
from ...runtime.progress_sampler import Position
from .bar import Bar, Line
from .terminal import TerminalLines, find_terminal

if TYPE_CHECKING:
    from rich.table import Table

DRAW_INTERVAL = 0.1
"""Seconds between two drawings. Of a loop that ends sooner only its last line is shown."""

MAX_BAR_WIDTH = 40
"""Maximum number of columns of a bar."""


def show_bar(task: LocalTask, positions: list[Position]) -> BarHandle | None:
    """Draw the first of *positions*, and those after it, until it is closed; ``None`` without a terminal."""
    global _board
    stream = find_terminal()
    if stream is None:
        return None
    fresh = BarBoard(stream)
    # Added under the guard: the last bar of a board closes it, and a board that is closed draws no bar.
    with _guard:
        if _board is None or not _board.is_open:
            _board = fresh
        board = _board
        handle = BarHandle(board, Bar(task, positions, time.monotonic()))
        board.bars.append(handle)
    if board is fresh:
        board.open()
    return handle


class BarHandle:
    """A bar that is being drawn on a board."""

    def __init__(self, board: BarBoard, bar: Bar) -> None:
        self._board = board
        self.bar = bar

    def close(self, state: TaskState) -> None:
        """Leave the bar as a line of its own: the loop ended in *state*. Idempotent."""
        self._board.remove(self, state)


class BarBoard:
    """The bars that are drawn together, from the start of the first to the end of the last."""

    def __init__(self, stream: TextIO) -> None:
        self.bars: list[BarHandle] = []
        self._stream = stream
        self._pid = os.getpid()
        self._lines = TerminalLines(stream)
        self._over = threading.Event()

    @property
    def is_open(self) -> bool:
        """Whether bars can be added; never in a forked child, whose terminal is its parent's."""
        return not self._over.is_set() and self._pid == os.getpid()

    def open(self) -> None:
        """Start drawing, until the last bar is removed."""
        self._lines.open()
        threading.Thread(target=self._keep_drawing, name="jupyter-agent-bars", daemon=True).start()

    def remove(self, handle: BarHandle, state: TaskState) -> None:
        """End a bar. Idempotent."""
        if not self.is_open:
            return
        is_last = self._discard(handle)
        if is_last is None:
            return
        with self._lines.lock:
            self._lines.leave(self._render([handle.bar.last_line(state, time.monotonic())]))
            if is_last:
                self._lines.close()

    def _discard(self, handle: BarHandle) -> bool | None:
        """Remove a bar; whether it was the last, ``None`` when it had been removed before."""
        # Takes no other lock inside: the garbage collector may end a loop in the middle of any code, also of
        # code that holds the terminal's lock.
        with _guard:
            if handle not in self.bars:
                return None
            self.bars.remove(handle)
            if not self.bars:
                self._over.set()
            return not self.bars

    def _keep_drawing(self) -> None:
        while not self._over.wait(DRAW_INTERVAL):
            with self._lines.lock:
                self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        lines = [line for handle in list(self.bars) for line in handle.bar.lines(now)]
        if lines:
            self._lines.draw(self._render(lines[: self._size().lines - 1]))

    def _render(self, lines: list[Line]) -> list[str]:
        """Return *lines* as text with colours, each narrower than the terminal."""
        from rich.console import Console

        width = max(20, self._size().columns - 1)
        console = Console(file=self._stream, force_terminal=True, width=width, highlight=False)
        with console.capture() as captured:
            console.print(_table(lines, width), crop=True)
        return captured.get().splitlines()

    def _size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):  # closed in between
            size = os.terminal_size((0, 0))
        return os.terminal_size((size.columns or 80, size.lines or 24))


def _table(lines: list[Line], width: int) -> Table:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    names = max(len(line.name) for line in lines)
    text = max(len(line.text) for line in lines)
    room = min(MAX_BAR_WIDTH, width - min(names, width // 3) - text - 4)
    has_bars = room >= 5 and any(line.share is not None for line in lines)
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(4, width // 3))
    if has_bars:
        table.add_column(no_wrap=True, width=room)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for line in lines:
        style = TERMINAL_COLORS[line.state]
        share = line.share or 0.0
        bar = ProgressBar(1.0, share, complete_style=style, finished_style=style)
        cells = [bar if line.share is not None else ""] if has_bars else []
        table.add_row(Text(line.name, style="bold"), *cells, Text(line.text))
    return table


_board: BarBoard | None = None
_guard = threading.RLock()


def _after_fork_in_child() -> None:
    global _board, _guard
    # A new lock: another thread of the parent may have held the old one at the fork.
    _guard, _board = threading.RLock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
