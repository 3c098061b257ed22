"""Plain lines for pipes and log files: one for each thing that happens to a watched task."""

from __future__ import annotations

import time

import click

from ...core.events import Event, Input, Progress, Prompt, State, Stopping
from ...core.sanitize import to_single_line
from ...rendering.formats import duration, moment, rate
from ...rendering.stopping import stopping_line, stopping_word
from ...rendering.transcript import decode_payload, event_text
from ..output import choices_of, how_far, outcome_line
from .model import Row

PROGRESS_INTERVAL = 2.0
"""Seconds of a task's own time between two of its progress lines."""

UNANSWERED = {"default": "> (not answered in time)", "nobody": "> (not answered)"}
"""Lines for the roles of an input that no person gave."""


class PlainScreen:
    """See `Screen`."""

    def __init__(self) -> None:
        self._progress_at: dict[str, float] = {}
        self._last_state: dict[str, str] = {}

    def begin(self, row: Row) -> None:
        # The lines of a task that had ended come first, and its state after them; see `end`.
        if not row.task.state.ended or row.task.id in self._last_state:
            self.end(row)

    def end(self, row: Row) -> None:
        self._print_state(row, row.task.updated or time.time())

    def event(self, row: Row, event: Event) -> None:
        data = decode_payload(event)
        if text := event_text(event):
            for line in text.splitlines():
                _print(row, event.time, to_single_line(line))
        elif isinstance(data, State):
            self._print_state(row, event.time)
        elif isinstance(data, Prompt | Input):
            _print(row, event.time, _conversation_line(data))
        elif isinstance(data, Stopping):
            word = stopping_word(row.task)  # none once its code has caught the interrupt and goes on
            line = f"{word}: {stopping_line(row.task, event.time)}" if word else row.task.state.value
            _print(row, event.time, line)
        elif isinstance(data, Progress) and self._is_due(row, event):
            _print(row, event.time, _progress_line(row))

    def _is_due(self, row: Row, event: Event) -> bool:
        due = event.time >= self._progress_at.get(row.task.id, 0.0) + PROGRESS_INTERVAL
        if due:
            self._progress_at[row.task.id] = event.time
        return due

    def _print_state(self, row: Row, when: float) -> None:
        """Print the state, unless it is the one that was printed last."""
        line = _state_line(row)
        if self._last_state.get(row.task.id) != line:
            self._last_state[row.task.id] = line
            _print(row, when, line)


def _print(row: Row, when: float, line: str) -> None:
    click.echo(f"{moment(when)[-8:]} {to_single_line(row.task.name)} | {line}")


def _conversation_line(data: Prompt | Input) -> str:
    if isinstance(data, Prompt):
        return f"? {to_single_line(data.text)}{to_single_line(choices_of(data.choices))}"
    return f"{UNANSWERED.get(data.role, '>')} {to_single_line(data.text)}".rstrip()


def _state_line(row: Row) -> str:
    task = row.task
    what = outcome_line(task)
    return f"{task.state.value}{f' ({how_far(task)})' if task.progress else ''}{f': {what}' if what else ''}"


def _progress_line(row: Row) -> str:
    parts = [how_far(row.task)]
    parts.append(rate(row.rate() or 0))
    if (left := row.remaining()) is not None:
        parts.append(f"{duration(left, whole=True)} left")
    if row.task.progress is not None and row.task.progress.message:
        parts.append(to_single_line(row.task.progress.message))
    return ", ".join(filter(None, parts))
