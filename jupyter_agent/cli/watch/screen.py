"""Screens: where watched tasks are shown, a live view on a terminal or plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console

from ...core.events import Event
from .live_screen import LiveScreen
from .model import Row, WatchModel
from .plain_screen import PlainScreen
from .prompt import Answer

FEW_LINES = 4
"""Last lines of output shown under each task when there may be several."""


class Screen(Protocol):
    """Where a model is shown."""

    def begin(self, row: Row) -> None:
        """A task is watched from now on."""

    def end(self, row: Row) -> None:
        """A task has ended, and all that it printed is shown."""

    def event(self, row: Row, event: Event) -> None:
        """*event* was applied to *row*."""


@contextmanager
def open_screen(
    model: WatchModel, terminal: Console, lines: int, answer: Answer | None = None
) -> Iterator[Screen]:
    """Show *model* on *terminal* while the block runs, with the last *lines* lines of each task.

    With *answer*, a person at the terminal can answer a task's question.
    """
    if not terminal.is_terminal or terminal.is_dumb_terminal:
        yield PlainScreen()
        return
    screen = LiveScreen(model, terminal, lines, answer)
    screen.resume()
    try:
        yield screen
    finally:
        screen.close()
