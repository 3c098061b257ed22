"""A live view on a terminal: it redraws all watched tasks a few times a second."""

from __future__ import annotations

from rich.console import Console
from rich.live import Live

from ...core.events import Event
from .model import Row, WatchModel
from .prompt import Answer, PromptReader, can_type
from .render import model_view

REFRESHES_PER_SECOND = 8.0


class LiveScreen:
    """See `Screen`. It draws the model by itself, and with *answer* asks a task's question."""

    def __init__(self, model: WatchModel, terminal: Console, lines: int, answer: Answer | None) -> None:
        self._model = model
        self._terminal = terminal
        self._lines = lines
        self._live: Live | None = None
        self._prompts = PromptReader(self, answer) if answer is not None and can_type() else None

    def begin(self, row: Row) -> None:
        self._update_prompt(row)

    def end(self, row: Row) -> None:
        """The model shows it."""

    def event(self, row: Row, event: Event) -> None:
        if self._prompts is not None:
            self._prompts.event(event)
        self._update_prompt(row)

    def resume(self) -> None:
        """Draw, from now on."""
        self._live = Live(
            console=self._terminal,
            get_renderable=lambda: model_view(self._model.shown(), self._terminal.width, self._lines),
            refresh_per_second=REFRESHES_PER_SECOND,
            vertical_overflow="ellipsis",
        )
        self._live.start()

    def pause(self) -> None:
        """Stop drawing, until `resume`."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def close(self) -> None:
        """Stop drawing and asking. Idempotent."""
        if self._prompts is not None:
            self._prompts.close()
        self.pause()

    def _update_prompt(self, row: Row) -> None:
        if self._prompts is not None:
            self._prompts.update(row)
