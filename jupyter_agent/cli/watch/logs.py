"""`tasks logs`: what a task printed, logged and said, and with `--follow` what it goes on to print."""

from __future__ import annotations

from contextlib import aclosing

import click

from ...core.events import Event
from ...core.logs.line_filter import EVERY_LINE, LineFilter
from ...core.query import EventQuery
from ...core.task import Task
from ...errors import UnknownTask
from ...protocol.subscriber import Restart
from ...rendering.formats import moment
from ...rendering.transcript import TEXT_TYPES, event_text
from ..backends.journals import Journals
from ..output import print_json
from .model import Row


class LogPrinter:
    """Prints events, each once, as text or as JSON; `close` ends the last line when it is still open.

    *every*: print events of every type, not only those that are text. *times*: begin each line with when it
    was written. Events that do not fit *line_filter* are left out.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        every: bool = False,
        times: bool = False,
        line_filter: LineFilter = EVERY_LINE,
    ) -> None:
        self.types = None if every else TEXT_TYPES
        self._as_json = as_json
        self._times = times
        self._filter = line_filter
        self._has_open_line = False
        self._last_printed: dict[str, int] = {}

    def query(self, after: str | None) -> EventQuery:
        """Return the query for the stored events after a cursor: what fits, as far as a server finds it."""
        level, text = self._filter.level, self._filter.text
        searches = level is not None or text is not None
        types = TEXT_TYPES if searches else self.types
        return EventQuery(after=after, types=types, level=level, grep=text)

    def write(self, events: list[Event]) -> None:
        for event in events:
            if self._is_wanted(event):
                self._last_printed[event.producer] = event.n
                self._print(event)

    def close(self) -> None:
        if self._has_open_line:
            click.echo()

    def _is_wanted(self, event: Event) -> bool:
        is_new = event.n > self._last_printed.get(event.producer, 0)
        return is_new and (self.types is None or event.type in self.types) and self._filter.wants(event)

    def _print(self, event: Event) -> None:
        if self._as_json:
            print_json(event)
        elif text := event_text(event):
            click.echo(self._with_time(text, event.time) if self._times else text, nl=False)
            self._has_open_line = not text.endswith("\n")

    def _with_time(self, text: str, when: float) -> str:
        """Return *text* with the time at the beginning of each line that begins in it."""
        stamp = f"{moment(when):19}  "
        shown = stamp + text[:-1].replace("\n", f"\n{stamp}") + text[-1:]
        return shown.removeprefix(stamp if self._has_open_line else "")


async def print_logs(journals: Journals, task_id: str, printer: LogPrinter, *, follow: bool) -> None:
    """Print the events of a task so far; with *follow*, go on until it ends."""
    slot, task = await journals.find(task_id)
    try:
        cursor = await _print_stored(journals, slot, task.id, printer)
        if follow:
            await _print_live(journals, slot, task.id, cursor, printer)
    finally:
        printer.close()


async def _print_stored(
    journals: Journals, slot: str, task_id: str, printer: LogPrinter, after: str | None = None
) -> str | None:
    """Print what is stored after the cursor *after*; return the cursor behind it."""
    more = True
    while more:
        page = await journals.events(slot, task_id, printer.query(after))
        printer.write(page.events)
        after, more = page.cursor, page.more
    return after


async def _print_live(
    journals: Journals, slot: str, task_id: str, cursor: str | None, printer: LogPrinter
) -> None:
    """Print the events after *cursor* until the task has ended."""
    slot, task = await journals.find(task_id)
    if task.state.ended:
        await _print_stored(journals, slot, task_id, printer, cursor)
        return
    row = Row(task, slot)
    async with aclosing(journals.follow(slot, [task_id], after=cursor)) as items:
        async for item in items:
            if isinstance(item, Restart):  # the cursor was not recoverable: print what was missed
                await _print_stored(journals, slot, task_id, printer)
                row = Row(_snapshot(item, task_id), slot)
            else:
                printer.write(item.events)
                for event in item.events:
                    row.apply(event)
            if row.task.state.ended:
                return


def _snapshot(restart: Restart, task_id: str) -> Task:
    for task in restart.tasks:
        if task.id == task_id:
            return task
    raise UnknownTask(f"task {task_id} was deleted", task_id=task_id)
