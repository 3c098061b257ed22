"""`tasks watch`: a live view on a terminal, a line for each thing that happens elsewhere."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.live import Live

from ...core.events import Event, Input, Progress, Prompt, State, TaskState
from ...core.ids import Cursor
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...errors import UnknownTask
from ...protocol.subscriber import Apply, Restart
from ...rendering.durations import duration_words
from ...rendering.humanize import moment, number
from ...rendering.transcript import decode_payload, event_text
from ..backends.follow_all import follow_all
from ..backends.journals import Journals
from ..output import choices_of, percent
from .model import LINES, Row, WatchModel
from .prompt import Answer, Asking, Pausable, at_a_terminal
from .render import board_view

FEW_LINES = 4
REFRESH = 8.0
PROGRESS_EVERY = 2.0
"""Seconds of a task's own time between two plain progress lines."""


class Screen(Protocol):
    """Where a board is shown."""

    def begin(self, row: Row) -> None:
        """A task is watched from now on."""

    def end(self, row: Row) -> None:
        """A task has ended, and all that it said is shown."""

    def event(self, row: Row, event: Event) -> None:
        """Something happened."""


class LiveScreen(Pausable):
    """A live view draws the board by itself. Where *answer* can be given, it asks what the task asks."""

    def __init__(self, board: WatchModel, terminal: Console, lines: int, answer: Answer | None) -> None:
        self._board = board
        self._terminal = terminal
        self._lines = lines
        self._live: Live | None = None
        self._asking = Asking(self, answer) if answer is not None and at_a_terminal() else None

    def begin(self, row: Row) -> None:
        self._look(row)

    def end(self, row: Row) -> None:
        """The board has it."""

    def event(self, row: Row, event: Event) -> None:
        if self._asking is not None:
            self._asking.event(event)
        self._look(row)

    def go_on(self) -> None:
        self._live = Live(
            console=self._terminal,
            get_renderable=lambda: board_view(self._board.shown(), self._terminal.width, self._lines),
            refresh_per_second=REFRESH,
            vertical_overflow="ellipsis",
        )
        self._live.start()

    def pause(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def close(self) -> None:
        """Draw and ask no more."""
        if self._asking is not None:
            self._asking.close()
        self.pause()

    def _look(self, row: Row) -> None:
        if self._asking is not None:
            self._asking.look(row)


class PlainScreen:
    """A line for each thing that happens, for pipes and log files."""

    def __init__(self) -> None:
        self._progress: dict[str, float] = {}
        self._told: dict[str, str] = {}

    def begin(self, row: Row) -> None:
        if not row.task.state.ended or row.task.id in self._told:  # else its lines come first
            self.end(row)

    def end(self, row: Row) -> None:
        self._tell(row, row.task.updated or time.time(), _state_line(row))

    def event(self, row: Row, event: Event) -> None:
        data = decode_payload(event)
        if text := event_text(event):
            for line in text.splitlines():
                self._say(row, event.time, to_single_line(line))
        elif isinstance(data, State):
            self._tell(row, event.time, _state_line(row))
        elif isinstance(data, Prompt | Input):
            self._say(row, event.time, _talk_line(data))
        elif isinstance(data, Progress) and self._due(row, event):
            self._say(row, event.time, _progress_line(row))

    def _due(self, row: Row, event: Event) -> bool:
        due = event.time >= self._progress.get(row.task.id, 0.0) + PROGRESS_EVERY
        if due:
            self._progress[row.task.id] = event.time
        return due

    def _tell(self, row: Row, when: float, line: str) -> None:
        """A state line, unless it is what was said last."""
        if self._told.get(row.task.id) != line:
            self._told[row.task.id] = line
            self._say(row, when, line)

    def _say(self, row: Row, when: float, line: str) -> None:
        click.echo(f"{moment(when)[-8:]} {to_single_line(row.task.name)} | {line}")


def _talk_line(data: Prompt | Input) -> str:
    if isinstance(data, Prompt):
        return f"? {to_single_line(data.text)}{to_single_line(choices_of(data.choices))}"
    return f"{ANSWERS.get(data.role, '>')} {to_single_line(data.text)}".rstrip()


ANSWERS = {"default": "> (nobody answered in time)", "nobody": "> (nobody answered in time)"}


def _state_line(row: Row) -> str:
    task = row.task
    end = f": {to_single_line(task.error.type)}: {to_single_line(task.error.message)}" if task.error else ""
    return f"{task.state.value}{f' ({percent(task)})' if task.progress else ''}{end}"


def _progress_line(row: Row) -> str:
    parts = [percent(row.task)]
    if (rate := row.rate()) is not None:
        parts.append(f"{number(float(f'{rate:.3g}'))}/s")
    if (left := row.remaining()) is not None:
        parts.append(f"{duration_words(left)} to go")
    if row.task.progress is not None and row.task.progress.message:
        parts.append(to_single_line(row.task.progress.message))
    return ", ".join(filter(None, parts))


@contextmanager
def screen(
    board: WatchModel, terminal: Console, lines: int, answer: Answer | None = None
) -> Iterator[Screen]:
    """The right kind of view of *board* for *terminal*, for as long as the block lasts.

    With *answer*, a question can be answered there.
    """
    if not terminal.is_terminal or terminal.is_dumb_terminal:
        yield PlainScreen()
        return
    view = LiveScreen(board, terminal, lines, answer)
    view.go_on()
    try:
        yield view
    finally:
        view.close()


async def watch_one(journals: Journals, task_id: str, terminal: Console) -> int:
    """Show one task until it ends; 0 if it completed, else 1. Raises `UnknownTask`."""
    slot, task = await journals.find(task_id)
    board = WatchModel()

    async def answer(prompt_id: str, text: str) -> None:
        await journals.command(task.id, "input", {"text": text, "prompt_id": prompt_id})

    with screen(board, terminal, LINES // 2, answer) as view:
        async with aclosing(journals.follow(slot, [task.id], tail=LINES)) as news:
            async for item in news:
                await take(journals.task, board, slot, item, view, always=True)
                row = board.rows.get(task.id)
                if row is None:
                    raise UnknownTask(f"task {task.id} was deleted", task_id=task.id)
                row.at_first = False  # it was asked for by name: shown even if it had ended
                ended = row.task.state.ended and _is_caught_up(item, row.task)
                if ended and not await _goes_on(journals, slot, row.task):
                    view.end(row)
                    return int(row.task.state is not TaskState.COMPLETED)
    return 1


def _is_caught_up(item: Restart | Apply, seen: Task) -> bool:
    """Whether nothing is to come of before the snapshot: its last lines follow it, from their own place."""
    if item.cursor is None or seen.cursor is None:
        return True
    return Cursor.parse(item.cursor).offset >= Cursor.parse(seen.cursor).offset


async def _goes_on(journals: Journals, slot: str, seen: Task) -> bool:
    """Whether an attempt that failed is followed by another at once, which is heard of a moment later."""
    if seen.state is not TaskState.FAILED:
        return False
    return (await journals.task(slot, seen.id)).attempt > seen.attempt


async def watch_all(journals: Journals, terminal: Console) -> None:
    """Show everything that runs, until cancelled."""
    board = WatchModel()
    with screen(board, terminal, FEW_LINES) as view:
        async with aclosing(follow_all(journals)) as news:
            async for slot, item in news:
                await take(journals.task, board, slot, item, view)


async def take(
    fetch: Callable[[str, str], Awaitable[Task]],
    board: WatchModel,
    slot: str,
    item: Restart | Apply,
    view: Screen,
    *,
    always: bool = False,
) -> None:
    """Take one item in, with the snapshots it needs. *always*: tell of tasks that had ended, too."""
    if isinstance(item, Restart):
        board.restart(slot, item)
        for row in list(board.rows.values()) if always else board.shown():
            if row.journal == slot:
                view.begin(row)
        return
    for ident in board.unknown(item):
        try:
            board.put(slot, await fetch(slot, ident))
        except UnknownTask:
            continue  # deleted in between: nothing to show
    for row, event in board.apply(item):
        view.event(row, event)
