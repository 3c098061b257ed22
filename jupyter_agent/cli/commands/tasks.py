"""``jupyter agent tasks …``: commands for tasks."""

from __future__ import annotations

import asyncio
import time

import click

from ...core.events import TaskState
from ...core.logs.levels import LEVELS
from ...core.logs.line_filter import LineFilter
from ...core.query import TaskQuery
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...errors import AgentError, NotNow, UnknownTask
from ...rendering.humanize import parse_moment, resources_text
from ..backends.journals import Journals
from ..backends.references import LAST
from ..output import console, details, print_json, task_table
from ..watch import view
from ..watch.logs import LogPrinter, print_logs
from .add import add
from .completion import task_ids
from .help import ID, examples
from .options import check_utf8, json_option
from .references import argument, chosen, last_option, reference

STATES = [state.value for state in TaskState]
ENDED = [state.value for state in TaskState if state.ended]
a_task = reference("task_id", "TASK", task_ids)


@click.group(
    invoke_without_command=True,
    epilog=examples("tasks list", f"tasks watch {ID}", "tasks add train.ipynb -p epochs=50 --watch"),
)
@click.pass_context
def tasks(context: click.Context) -> None:
    """Tasks: what runs, what ran, and what became of it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


tasks.add_command(add)


@tasks.command(
    "list",
    epilog=examples("tasks list", "tasks list --status failed --limit 5", "tasks list --key nightly --json"),
)
@click.option("--status", type=click.Choice(STATES), help="Only tasks in this state.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--name", callback=check_utf8, help="Only tasks of this name.")
@click.option("--key", callback=check_utf8, help="Only tasks with this key.")
@json_option
def list_tasks(*, status: str | None, limit: int, name: str | None, key: str | None, as_json: bool) -> int:
    """The newest tasks of all journals, newest first."""
    journals = Journals()
    found = asyncio.run(journals.tasks(TaskQuery(state=status, name=name, key=key, limit=limit)))
    for trouble in journals.troubles:
        click.echo(f"jupyter agent: {to_single_line(trouble)}", err=True)
    if as_json:
        print_json(found)
    else:
        print_tasks(found)
    return 1 if journals.troubles else 0


@tasks.command(epilog=examples(f"tasks show {ID}", f"tasks show {ID} --json"))
@a_task
@json_option
def show(*, task_id: str, as_json: bool) -> None:
    """Everything known about one task."""
    journals = Journals()
    slot, task = asyncio.run(journals.find(task_id))
    if as_json:
        print_json(task)
    else:
        uses = asyncio.run(_uses(journals, slot, task)) if task.state is TaskState.RUNNING else ""
        console().print(details(task, time.time(), uses))


@tasks.command(
    short_help="Watch a task, or everything that runs.",
    epilog=examples("tasks watch", f"tasks watch {ID} && echo it completed"),
)
@argument("task_id", "[TASK]", task_ids)
@last_option
def watch(*, task_id: str | None, last: bool) -> int:
    """Watch one task until it ends (exit status 0 if it completed), or everything that runs."""
    task_id = chosen(task_id, "TASK", last=last)
    if task_id is not None:
        return asyncio.run(view.watch_one(Journals(), task_id, console()))
    asyncio.run(view.watch_all(Journals(), console()))
    return 0


@tasks.command(
    epilog=examples(
        f"tasks logs {ID}", f"tasks logs {ID} --follow", f"tasks logs {ID} -t --level warning --since 10m"
    )
)
@a_task
@click.option("--follow", "-f", is_flag=True, help="Go on until the task ends.")
@click.option("--times", "-t", is_flag=True, help="Begin each line with its time.")
@click.option("--level", type=click.Choice(list(LEVELS)), help="Only log records of this level or above.")
@click.option("--since", metavar="T", help="Only what came after a date, a time, or an age (10m).")
@click.option("--grep", metavar="TEXT", callback=check_utf8, help="Only what contains this text.")
@click.option("--json", "as_json", is_flag=True, help="Print one event a line.")
@click.option("--all", "every", is_flag=True, help="With --json: events of every type.")
def logs(
    *,
    task_id: str,
    follow: bool,
    times: bool,
    level: str | None,
    since: str | None,
    grep: str | None,
    as_json: bool,
    every: bool,
) -> None:
    """What a task printed, logged and said."""
    if every and not as_json:
        raise click.UsageError("--all is for --json")
    if times and as_json:
        raise click.UsageError("--times is for text; with --json every event has its time")
    wanted = LineFilter(level, grep or None, _moment(since, "--since"))
    printer = LogPrinter(as_json=as_json, every=every, times=times, line_filter=wanted)
    asyncio.run(print_logs(Journals(), task_id, printer, follow=follow))


@tasks.command(epilog=examples(f"tasks cancel {ID}", f"tasks cancel {ID} --now"))
@a_task
@click.option(
    "--now", is_flag=True, help="End it at once, without time to clean up, as a second cancel does."
)
def cancel(*, task_id: str, now: bool) -> None:
    """Ask a task to stop; the second time, end it at once."""
    task = asyncio.run(Journals().command(task_id, "cancel", {"now": True} if now else None))
    if now or task.cancel_requested:
        click.echo(f"Stopped {_named(task)} ({task.id}) at once.")
    else:
        click.echo(f"Asked {_named(task)} ({task.id}) to stop.")


@tasks.command(short_help="Run an ended task again.", epilog=examples(f"tasks retry {ID}"))
@a_task
def retry(*, task_id: str) -> None:
    """Run an ended task again: a detached one in a new worker, else in the process that ran it."""
    task = asyncio.run(Journals().command(task_id, "retry"))
    click.echo(f"Asked for another attempt of {_named(task)} ({task.id}).")


@tasks.command(
    short_help="Answer a task, or say something.",
    epilog=examples(f"tasks send {ID} yes", f"tasks send {ID} 'use the small model'"),
)
@click.argument("words", metavar="TASK TEXT", nargs=-1, callback=check_utf8, shell_complete=task_ids)
@last_option
def send(*, words: tuple[str, ...], last: bool) -> None:
    """Send text to a task: the answer to its question, or something unasked."""
    if len(words) != (1 if last else 2):
        raise click.UsageError("give a TASK and one TEXT, or --last and one TEXT; put text in quotes")
    task_id, text = (LAST, *words) if last else words
    task = asyncio.run(_send(Journals(), task_id, text))
    click.echo(f"Sent to {_named(task)} ({task.id}).")


@tasks.command(epilog=examples(f"tasks delete {ID}"))
@a_task
def delete(*, task_id: str) -> None:
    """Delete an ended task, with its events, results and checkpoints."""
    task = asyncio.run(Journals().delete(task_id))
    click.echo(f"Deleted {_named(task)} ({task.id}).")


@tasks.command(
    epilog=examples("tasks clear --status completed --before 7d", "tasks clear --status failed --json")
)
@click.option("--status", type=click.Choice(ENDED), required=True, help="The state of the tasks to forget.")
@click.option("--before", metavar="T", help="Only those that ended before a date, a time, or an age (7d).")
@json_option
def clear(*, status: str, before: str | None, as_json: bool) -> None:
    """Forget ended tasks, with their events, results and checkpoints."""
    deleted = asyncio.run(_clear(Journals(), status, _moment(before, "--before")))
    if as_json:
        print_json({"deleted": deleted})
    else:
        click.echo(f"Deleted {len(deleted)} {'task' if len(deleted) == 1 else 'tasks'}.")


def print_tasks(found: list[Task]) -> None:
    """Print a table of tasks, or that there are none."""
    if found:
        terminal = console()
        terminal.print(task_table(found, time.time(), terminal.width))
    else:
        click.echo("No tasks.")


async def _uses(journals: Journals, slot: str, task: Task) -> str:
    """Return what a running task's processes use now; empty where that cannot be had."""
    try:
        found = await journals.use(slot, lambda backend: backend.resources(task))
    except AgentError:  # it was deleted meanwhile, or the server goes away: its snapshot is there already
        return ""
    whose = "" if found.scope in ("task", None) else f"its {found.scope}:"
    return resources_text(found.values, whose) if found.values else ""


def _named(task: Task) -> str:
    return to_single_line(task.name) or "the task"


def _moment(text: str | None, option: str) -> float | None:
    try:
        return None if text is None else parse_moment(text, time.time())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from error


async def _send(journals: Journals, task_id: str, text: str) -> Task:
    _, task = await journals.find(task_id)
    prompt = {"prompt_id": task.prompt.prompt_id} if task.prompt else {}
    return await journals.command(task_id, "input", {"text": text} | prompt)


async def _clear(journals: Journals, status: str, before: float | None) -> list[str]:
    deleted = []
    for task in await journals.tasks(TaskQuery(state=status, limit=None)):
        if before is not None and (task.ended is None or task.ended >= before):
            continue
        try:
            await journals.delete(task.id)
        except (UnknownTask, NotNow):
            continue  # it was deleted, or retried, in the meantime
        deleted.append(task.id)
    return deleted
