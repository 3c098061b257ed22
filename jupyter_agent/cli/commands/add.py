"""``jupyter agent tasks add``: queue a detached task, or make a schedule of them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click

from ...core.events import TaskState
from ...core.sanitize import to_single_line
from ...detached.parameters import read_parameters
from ...detached.submission import MAX_RETRIES, MAX_TAGS, Submission
from ...errors import BadSchedule, BadTarget, RequestRefused
from ...journal.operations.detached_tasks import NOT_STARTED
from ...journal.operations.schedules import ScheduleView
from ..backends.base import AddResult, first_line
from ..backends.caller import checked_text
from ..backends.journals import Journals
from ..output import print_json
from ..watch.added_task import watch_added
from .completion import files
from .help import examples
from .options import check_length
from .run_options import WHEN_OPTIONS, cell_timeout_option, limit_options, when_options
from .schedule import upcoming

BAD_REQUEST = 400


class WithCommand(click.Command):
    """A command whose words after ``--`` are another command, with its own options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        split = args.index("--") if "--" in args else len(args)
        ctx.meta[COMMAND] = args[split + 1 :] if split < len(args) else None
        return super().parse_args(ctx, args[:split])


COMMAND = f"{__name__}.command"


@click.command(
    "add",
    cls=WithCommand,
    short_help="Run a notebook, a function, a command or text.",
    epilog=examples(
        "tasks add train.ipynb -p epochs=50 --watch",
        "tasks add package.module:function -p rows=1000 --key nightly",
        "tasks add --every 30m --name backup -- rsync -a data/ backup/",
        "tasks add report.ipynb --cron '0 9 * * 1-5' --timezone Europe/Berlin",
        "tasks add 'Summarise the CSV files here'",
    ),
)
@click.argument("words", nargs=-1, metavar="TARGET | -- COMMAND...", shell_complete=files)
@click.option(
    "-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable."
)
@click.option("--name", callback=check_length, help="The task's name; default: from the target.")
@click.option("--key", callback=check_length, help="Do not run again what runs or completed under this key.")
@when_options
@click.option("--retries", type=click.IntRange(0, MAX_RETRIES), default=0, help="Attempts after a failure.")
@limit_options
@click.option("--kernel", help="The kernel that runs a notebook; else the one it names.")
@cell_timeout_option
@click.option("--allow-errors", is_flag=True, help="A notebook continues after a cell that raises.")
@click.option("--tag", "tags", multiple=True, callback=check_length, help="A label; repeatable.")
@click.option("--watch", is_flag=True, help="Watch it to its end; the exit status is its outcome.")
@click.option("--json", "as_json", is_flag=True, help="Print the snapshot, or the schedule, as JSON.")
@click.pass_context
def add(
    context: click.Context, /, *, words: tuple[str, ...], watch: bool, as_json: bool, **options: Any
) -> int:
    """Run something as a task of its own, which needs no kernel and no open terminal.

    TARGET is a notebook (its name ends in .ipynb), a function (module:function), or text for the agent
    that c.JupyterAgent.agent names. A command with its arguments comes after --.

    With --every, --cron or --at a schedule is made that runs it, while a server runs.
    """
    if watch and as_json:
        raise click.UsageError("--json prints what was queued, --watch follows it: give one of them")
    journals = Journals()
    try:
        submission = _submission(_target(context, words), **options)
        added = asyncio.run(journals.add(submission))
    except (BadTarget, BadSchedule) as error:
        raise click.UsageError(first_line(error)) from error
    except RequestRefused as error:
        if error.status != BAD_REQUEST:
            raise
        raise click.UsageError(first_line(error)) from error
    if as_json:
        print_json(added.schedule or added.task)
    else:
        _print_added(journals, added)
        if not watch:
            _print_watch_hint(added)
    if not _has_begun(added):
        return 1
    return watch_added(journals, added) if watch else 0


def _target(context: click.Context, words: tuple[str, ...]) -> str | list[str]:
    command: list[str] | None = context.meta[COMMAND]
    if command is not None and words:
        raise click.UsageError(f"give a TARGET or -- and a command, not both ({words[0]!r} is before --)")
    if command is not None:
        return command
    if len(words) > 1:
        raise click.UsageError("give one TARGET: put text in quotes, and -- before a command")
    if not words:
        raise click.UsageError("say what to run: a notebook, module:function, -- and a command, or text")
    return words[0]


def _submission(
    target: str | list[str], *, pairs: tuple[str, ...], tags: tuple[str, ...], **options: Any
) -> Submission:
    given = (value for value in options.values() if isinstance(value, str))
    for text in (*([target] if isinstance(target, str) else target), *pairs, *tags, *given):
        checked_text(text)
    if len(tags) > MAX_TAGS:
        raise click.UsageError(f"give at most {MAX_TAGS} tags, not {len(tags)}")
    schedule = _schedule({name: options.pop(name) for name in (*WHEN_OPTIONS, "timezone", "overlap")})
    return Submission(
        target, parameters=read_parameters(target, pairs), tags=list(tags), schedule=schedule, **options
    )


def _schedule(options: dict[str, Any]) -> dict[str, Any] | None:
    given = {name: value for name, value in options.items() if value is not None}
    when = [f"--{name}" for name in WHEN_OPTIONS if name in given]
    if len(when) > 1:
        raise click.UsageError(f"give one of {', '.join(when)}")
    if given and not when:
        raise click.UsageError(f"--{next(iter(given))} belongs to --every, --cron or --at")
    return given or None


def _print_added(journals: Journals, added: AddResult) -> None:
    if added.schedule is not None:
        _print_schedule(journals, added.schedule)
        return
    task = added.task
    assert task is not None
    named = f"{to_single_line(task.name) or 'the task'} ({task.id})"
    if not added.new:
        click.echo(f"Nothing was started: the key is that of {named}, which is {task.state.value}.")
    elif added.attempt > 1:
        click.echo(f"Queued attempt {added.attempt} of {named}, which has the same key.")
    else:
        click.echo(f"Queued {named}.")
    if added.waiting_for_worker:
        click.echo("It waits for a worker: all are busy.")


def _print_schedule(journals: Journals, schedule: ScheduleView) -> None:
    click.echo(f"Scheduled {to_single_line(schedule.name)} ({schedule.id}): {to_single_line(schedule.text)}.")
    click.echo(f"Next run: {upcoming(schedule, time.time())}.")
    if not journals.is_served():
        click.echo("Schedules run while a server runs; start one with 'jupyter agent serve'.")


def _print_watch_hint(added: AddResult) -> None:
    if added.schedule is not None:
        click.echo(f"See its runs with: jupyter agent schedule show {added.schedule.id}")
    elif added.task is not None:
        click.echo(f"Watch it with: jupyter agent tasks watch {added.task.id}")


def _has_begun(added: AddResult) -> bool:
    """False, after a sentence on standard error, when its worker could not be started."""
    task = added.task
    error = task.error if task is not None and task.state is TaskState.FAILED else None
    if task is None or error is None or error.type != NOT_STARTED:
        return True
    click.echo(f"jupyter agent: {to_single_line(task.name)}: {to_single_line(error.message)}", err=True)
    return False
