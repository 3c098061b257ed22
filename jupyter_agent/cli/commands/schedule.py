"""``jupyter agent schedule …``: commands for schedules."""

from __future__ import annotations

import asyncio
import time

import click
import msgspec
from rich.table import Table
from rich.text import Text

from ...core.sanitize import to_single_line
from ...journal.operations.schedules import ScheduleView
from ...journal.records import Firing
from ...rendering.formats import duration, moment
from ..backends import schedules
from ..backends.journals import Journals
from ..output import console, print_json
from .completion import schedule_ids
from .help import ID, examples
from .options import json_option
from .references import reference

WIDE = 120
"""Columns of a terminal from which on a next run takes one line."""

a_schedule = reference("ident", "SCHEDULE", schedule_ids)


@click.group(
    short_help="Schedules: what runs again, or later.",
    invoke_without_command=True,
    epilog=examples(
        "tasks add report.ipynb --every 1h", "schedule list", f"schedule show {ID}", f"schedule pause {ID}"
    ),
)
@click.pass_context
def schedule(context: click.Context) -> None:
    """Schedules: what runs again and again, or later; they run while a server runs.

    'jupyter agent tasks add' makes them, with --every, --cron or --at.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@schedule.command("list", epilog=examples("schedule list", "schedule list --json"))
@json_option
def list_schedules(*, as_json: bool) -> None:
    """All schedules, oldest first, and when each runs next."""
    found = asyncio.run(schedules.list_schedules(Journals()))
    if as_json:
        print_json(found)
    elif found:
        terminal = console()
        terminal.print(_table(found, time.time(), terminal.width))
    else:
        click.echo("No schedules.")


@schedule.command(epilog=examples(f"schedule show {ID}", f"schedule show {ID} --limit 100 --json"))
@a_schedule
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many runs."
)
@json_option
def show(*, ident: str, limit: int, as_json: bool) -> None:
    """One schedule and its history, newest first."""
    journals = Journals()
    found = asyncio.run(schedules.find_schedule(journals, ident))
    firings = asyncio.run(schedules.list_firings(journals, ident, limit))
    if as_json:
        print_json(msgspec.to_builtins(found) | {"firings": [firing._asdict() for firing in firings]})
        return
    out = console()
    out.print(_details(found, time.time()))
    if firings:
        out.print()
        out.print(_history(firings))


@schedule.command(short_help="Pause a schedule.", epilog=examples(f"schedule pause {ID}"))
@a_schedule
@json_option
def pause(*, ident: str, as_json: bool) -> None:
    """Pause a schedule until it is resumed; a run that has started continues."""
    found = asyncio.run(schedules.command_schedule(Journals(), ident, "pause"))
    _answer(found, f"Paused {_named(found)}.", as_json=as_json)


@schedule.command(short_help="Let a paused schedule run again.", epilog=examples(f"schedule resume {ID}"))
@a_schedule
@json_option
def resume(*, ident: str, as_json: bool) -> None:
    """Let a paused schedule run again; what was due meanwhile is left out."""
    found = asyncio.run(schedules.command_schedule(Journals(), ident, "resume"))
    _answer(found, f"Resumed {_named(found)}. Next run: {upcoming(found, time.time())}.", as_json=as_json)


@schedule.command(epilog=examples(f"schedule run {ID}"))
@a_schedule
@json_option
def run(*, ident: str, as_json: bool) -> None:
    """Run a schedule's target once now."""
    found = asyncio.run(schedules.command_schedule(Journals(), ident, "run"))
    task = (found.last or {}).get("task")
    when = f"now: task {task}" if task else "once the run before it has ended"
    _answer(found, f"{_named(found)} runs {when}.", as_json=as_json)


@schedule.command(epilog=examples(f"schedule delete {ID}"))
@a_schedule
def delete(*, ident: str) -> None:
    """Delete a schedule and its history; the tasks that it started stay."""
    found = asyncio.run(schedules.delete_schedule(Journals(), ident))
    click.echo(f"Deleted {_named(found)}.")


def upcoming(schedule: ScheduleView, now: float) -> str:
    """Return when it runs next, by this machine's clock: "2031-05-17 09:00:00 (in 2h 05m)"."""
    if schedule.paused:
        return "paused"
    if schedule.next is None:
        return "none"
    left = schedule.next - now
    return f"{moment(schedule.next)} ({f'in {duration(left, whole=True)}' if left > 0 else 'due'})"


def _table(found: list[ScheduleView], now: float, width: int) -> Table:
    """One row for each schedule; the next run takes two lines when *width* is below `WIDE`."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("ID", no_wrap=True, min_width=26)
    for title in ("NAME", "WHEN", "NEXT RUN", "LAST"):
        table.add_column(title, overflow="fold", no_wrap=title in ("NEXT RUN", "LAST"))
    for one in found:
        last = str(one.last.get("outcome", "")) if one.last else "-"
        coming = upcoming(one, now).replace(" (", " (" if width >= WIDE else "\n(")
        row = (one.id, to_single_line(one.name), to_single_line(one.text), coming, to_single_line(last))
        table.add_row(*map(Text, row))
    return table


def _details(found: ScheduleView, now: float) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in (
        ("schedule", found.id),
        ("name", found.name),
        ("runs", _target(found)),
        ("in", found.cwd),
        ("when", found.text),
        ("next run", upcoming(found, now)),
        ("overlap", found.overlap),
        ("tags", ", ".join(found.tags)),
        ("retries", str(found.retries or "")),
        ("timeout", duration(found.timeout)),
        ("made", moment(found.created)),
        ("last task", found.last_task or ""),
    ):
        if value:
            table.add_row(label, Text(to_single_line(value)))
    return table


def _target(found: ScheduleView) -> str:
    fields = msgspec.to_builtins(found.target)
    parameters = " ".join(f"{name}={value!r}" for name, value in fields.get("parameters", {}).items())
    argv = fields.get("argv")
    what = " ".join(argv) if argv else fields.get("text") or fields.get("path") or fields.get("function")
    return " ".join(filter(None, (str(what), parameters)))


def _history(firings: list[Firing]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("DUE", "OUTCOME", "TASK"):
        table.add_column(title, no_wrap=True)
    table.add_column("", overflow="fold")
    for firing in firings:
        cells = (moment(firing.due), firing.outcome, firing.task or "-", _remarks(firing))
        table.add_row(*(Text(to_single_line(cell)) for cell in cells))
    return table


def _remarks(firing: Firing) -> str:
    missed = f"and {firing.missed} missed before it" if firing.missed else ""
    return "; ".join(filter(None, ("asked for" if firing.asked else "", missed, firing.reason)))


def _named(found: ScheduleView) -> str:
    return f"{to_single_line(found.name) or 'the schedule'} ({found.id})"


def _answer(found: ScheduleView, words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(words)
