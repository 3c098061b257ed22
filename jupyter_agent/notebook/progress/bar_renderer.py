"""The bars of tracked loops at the bottom of a terminal, drawn beside the loops by a thread of their own.

Not by the forwarder's thread: a terminal that is stopped (Ctrl-S) blocks whoever writes to it.
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
from .terminal import Lines, find_terminal

if TYPE_CHECKING:
    from rich.table import Table

DRAW_EVERY = 0.1
"""Seconds between two looks at the loops. One that is over sooner shows its last line only."""

WIDEST = 40
"""Columns of a bar, where there is room."""


def show_bar(task: LocalTask, positions: list[Position]) -> BarHandle | None:
    """Draw the first of *positions* until it is closed, with those after it; ``None`` where nobody looks."""
    global _board
    stream = find_terminal()
    if stream is None:
        return None
    fresh = BarBoard(stream)
    with _guard:
        if _board is None or not _board.is_open:
            _board = fresh
        board = _board
        shown = BarHandle(board, Bar(task, positions, time.monotonic()))
        board.bars.append(shown)
    if board is fresh:
        board.open()
    return shown


class BarHandle:
    """A bar on a board."""

    def __init__(self, board: BarBoard, bar: Bar) -> None:
        self._board = board
        self.bar = bar

    def close(self, state: TaskState) -> None:
        """The loop ended: its bar stays as a line of its own; again is nothing."""
        self._board.remove(self, state)


class BarBoard:
    """All bars of this process, from the first that begins to the last that ends."""

    def __init__(self, stream: TextIO) -> None:
        self.bars: list[BarHandle] = []
        self._stream = stream
        self._pid = os.getpid()
        self._lines = Lines(stream)
        self._over = threading.Event()

    @property
    def is_open(self) -> bool:
        """Whether bars can be added; not in a forked child, whose terminal is its parent's."""
        return not self._over.is_set() and self._pid == os.getpid()

    def open(self) -> None:
        """Draw from now on, until the last bar is removed."""
        self._lines.open()
        threading.Thread(target=self._keep_drawing, name="jupyter-agent-bars", daemon=True).start()

    def remove(self, shown: BarHandle, state: TaskState) -> None:
        """Let a bar end; one that is not there (any more) is nothing."""
        if not self.is_open:
            return
        is_last = self._take_out(shown)
        if is_last is None:
            return
        with self._lines.lock:
            self._lines.leave(self._render([shown.bar.last_line(state, time.monotonic())]))
            if is_last:
                self._lines.close()

    def _take_out(self, shown: BarHandle) -> bool | None:
        """Whether it was the last bar; ``None`` when it is not there. Takes no other lock: a collected loop
        may end in the middle of anything."""
        with _guard:
            if shown not in self.bars:
                return None
            self.bars.remove(shown)
            if not self.bars:
                self._over.set()
            return not self.bars

    def _keep_drawing(self) -> None:
        while not self._over.wait(DRAW_EVERY):
            with self._lines.lock:
                self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        lines = [line for shown in list(self.bars) for line in shown.bar.lines(now)]
        if lines:
            self._lines.draw(self._render(lines[: self._size().lines - 1]))

    def _render(self, lines: list[Line]) -> list[str]:
        """*lines* as text with colours, each narrower than the terminal."""
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
    told = max(len(line.told) for line in lines)
    room = min(WIDEST, width - min(names, width // 3) - told - 4)
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
        shown = [bar if line.share is not None else ""] if has_bars else []
        table.add_row(Text(line.name, style="bold"), *shown, Text(line.told))
    return table


_board: BarBoard | None = None
_guard = threading.RLock()


def _after_fork_in_child() -> None:
    global _board, _guard
    _guard, _board = threading.RLock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
