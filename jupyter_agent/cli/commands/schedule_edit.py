"""``jupyter agent schedule edit``: change what a schedule runs, or when."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click

from ...core.sanitize import to_single_line
from ...detached.parameters import read_parameters
from ...detached.submission import MAX_RETRIES, MAX_TAGS
from ...detached.targets import FunctionTarget, NotebookTarget
from ...errors import BadSchedule, BadTarget, RequestRefused
from ...journal.operations.schedules import ScheduleView
from ..backends import schedules
from ..backends.base import first_line
from ..backends.caller import checked_text
from ..backends.journals import Journals
from ..output import print_json
from .add import BAD_REQUEST, COMMAND, WithCommand
from .completion import files
from .help import ID, examples
from .options import check_length, json_option
from .run_options import WHEN_OPTIONS, cell_timeout_option, limit_options, when_options
from .schedule import a_schedule, upcoming

RESETS = ("name", "tags", "retries", "timeout", "grace", "kernel", "cell-timeout", "parameters", "timezone")


@click.command(
    "edit",
    cls=WithCommand,
    short_help="Change what a schedule runs, or when.",
    epilog=examples(
        f"schedule edit {ID} --cron '0 7 * * 1-5' --timezone Europe/Berlin",
        f"schedule edit {ID} -p days=14 --retries 2",
        f"schedule edit {ID} --reset timeout",
        f"schedule edit {ID} -- rsync -a data/ backup/",
    ),
)
@a_schedule
@click.argument("words", nargs=-1, metavar="[TARGET | -- COMMAND...]", shell_complete=files)
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="Set one; repeatable.")
@click.option("--name", callback=check_length, help="The name of its tasks.")
@when_options
@click.option("--retries", type=click.IntRange(0, MAX_RETRIES), help="Attempts after a failure.")
@limit_options
@click.option("--kernel", help="The kernel that runs a notebook.")
@cell_timeout_option
@click.option("--allow-errors/--no-allow-errors", default=None, help="Continue after a cell that raises.")
@click.option("--tag", "tags", multiple=True, callback=check_length, help="Its labels; repeatable.")
@click.option("--reset", "resets", multiple=True, type=click.Choice(RESETS), help="Back to the default.")
@json_option
@click.pass_context
def edit(
    context: click.Context, /, *, ident: str, words: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """Change what a schedule runs, or when; everything that is not given stays.

    A run that has started continues as it is. Another TARGET runs in the current folder and environment.
    """
    journals = Journals()
    try:
        before = asyncio.run(schedules.find_schedule(journals, ident))
        changes = _changes(before, _target(context, words), **options)
        found = asyncio.run(schedules.change_schedule(journals, before.id, changes))
    except (BadTarget, BadSchedule) as error:
        raise click.UsageError(first_line(error)) from error
    except RequestRefused as error:
        if error.status != BAD_REQUEST:
            raise
        raise click.UsageError(first_line(error)) from error
    if as_json:
        print_json(found)
        return
    named = f"{to_single_line(found.name) or 'the schedule'} ({found.id})"
    click.echo(f"Changed {named}: {to_single_line(found.text)}.")
    click.echo(f"Next run: {upcoming(found, time.time())}.")


def _target(context: click.Context, words: tuple[str, ...]) -> str | list[str] | None:
    command: list[str] | None = context.meta[COMMAND]
    if words and (command is not None or len(words) > 1):
        raise click.UsageError("give one TARGET, or -- and a command: put text in quotes")
    return words[0] if words else command


def _changes(
    before: ScheduleView,
    target: str | list[str] | None,
    *,
    pairs: tuple[str, ...],
    tags: tuple[str, ...],
    resets: tuple[str, ...],
    **options: Any,
) -> dict[str, Any]:
    """Return the body of the request. Raises `BadTarget`, `click.UsageError`."""
    given = {name: value for name, value in options.items() if value is not None}
    words = [target] if isinstance(target, str) else target or []
    for text in (*words, *pairs, *tags, *(value for value in given.values() if isinstance(value, str))):
        checked_text(text)
    if len(tags) > MAX_TAGS:
        raise click.UsageError(f"give at most {MAX_TAGS} tags, not {len(tags)}")
    changes: dict[str, Any] = {} if target is None else {"target": target}
    changes |= {"tags": list(tags)} if tags else {}
    changes |= {"parameters": _parameters(before, target, pairs)} if pairs else {}
    when = {name: given.pop(name) for name in (*WHEN_OPTIONS, "timezone", "overlap") if name in given}
    for name in (one.replace("-", "_") for one in resets):
        if name in given or name in when or name in changes:
            raise click.UsageError(f"give --reset {name.replace('_', '-')} or a new value, not both")
        (when if name == "timezone" else changes)[name] = None
    changes |= given | ({"schedule": when} if when else {})
    if not changes:
        raise click.UsageError("say what to change; --help lists it")
    return changes


def _parameters(
    before: ScheduleView, target: str | list[str] | None, pairs: tuple[str, ...]
) -> dict[str, Any]:
    """Return what was given before, unless the target is another one, and *pairs*."""
    if target is not None:
        return read_parameters(target, pairs)
    match before.target:
        case NotebookTarget(path=asked, parameters=known) | FunctionTarget(function=asked, parameters=known):
            return known | read_parameters(asked, pairs)
        case _:
            raise BadTarget("parameters are for notebooks and functions, which this schedule does not run")
