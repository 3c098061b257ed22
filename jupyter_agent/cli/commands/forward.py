"""``jupyter agent forward …``: commands for forwards."""

from __future__ import annotations

import asyncio
import os

import click
from rich.table import Table
from rich.text import Text

from ...core.events import DATA_TYPES
from ...core.sanitize import to_single_line
from ...forwarding.spec import FORMATS, ForwardSpec, ForwardStatus
from ...forwarding.spec_parser import read_forward_spec
from ...rendering.formats import number
from ..backends import forwards
from ..backends.journals import Journals
from ..output import console, print_json
from .completion import forward_ids
from .help import ID, examples
from .options import json_option
from .references import reference


@click.group(
    short_help="Forwards: events sent to a WebSocket.",
    invoke_without_command=True,
    epilog=examples("forward add wss://example.org/events", "forward list", f"forward remove {ID}"),
)
@click.pass_context
def forward(context: click.Context) -> None:
    """Forwards: events sent to a WebSocket of yours, by whichever server runs.

    They outlive kernels and servers. Each event is one text frame, sent at least once: the same
    'producer' and 'n' are the same event.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@forward.command(
    epilog=examples(
        "forward add wss://example.org/events",
        f"forward add wss://example.org/events --task {ID}",
        "forward add wss://example.org/events --type state --type prompt --format cloudevents",
        "forward add wss://example.org/events --header-from-env Authorization=EVENTS_AUTH",
    )
)
@click.argument("url")
@click.option("--task", metavar="ID", help="This task only, from its first event.")
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice(list(DATA_TYPES)),
    help="Only such events; repeatable.",
)
@click.option("--header", "given", multiple=True, metavar="'K: V'", help="Send this header; repeatable.")
@click.option(
    "--header-from-env",
    "from_env",
    multiple=True,
    metavar="K=VAR",
    help="Send a header with what the environment variable VAR is now; 'ps' does not show it.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="json", show_default=True, help="How events look."
)
@click.option("--from-start", is_flag=True, help="Begin with the oldest event there is, not with now.")
@json_option
def add(
    *,
    url: str,
    task: str | None,
    types: tuple[str, ...],
    given: tuple[str, ...],
    from_env: tuple[str, ...],
    form: str,
    from_start: bool,
    as_json: bool,
) -> None:
    """Send events to the WebSocket at URL (ws:// or wss://), from now on.

    The same forward added again stays one, and sends the headers given last.
    """
    headers = dict(map(_header, given)) | dict(map(_header_from_env, from_env))
    asked = {"url": url, "types": types or None, "headers": headers, "format": form, "from_start": from_start}
    try:
        spec = read_forward_spec(asked | {"task": task.upper() if task else None})
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    found, is_new = asyncio.run(forwards.add(Journals(), spec))
    if as_json:
        print_json(found)
    else:
        click.echo(_answer(found, spec, is_new=is_new))


@forward.command("list", epilog=examples("forward list", "forward list --json"))
@json_option
def list_forwards(*, as_json: bool) -> int:
    """All forwards, oldest first, and how far each has got; of headers the names."""
    journals = Journals()
    found = asyncio.run(forwards.list_forwards(journals))
    for trouble in journals.troubles:
        click.echo(f"jupyter agent: {to_single_line(trouble)}", err=True)
    if as_json:
        print_json(found)
    elif found:
        console().print(_table(found))
        if any(one.error == forwards.NO_SENDER for one in found):
            click.echo(f"What waits: {forwards.NO_SENDER}.")
    else:
        click.echo("No forwards.")
    return 1 if journals.troubles else 0


@forward.command(epilog=examples(f"forward remove {ID}"))
@reference("ident", "FORWARD", forward_ids)
@json_option
def remove(*, ident: str, as_json: bool) -> None:
    """End a forward for good; what has not been sent is not sent."""
    found = asyncio.run(forwards.remove(Journals(), ident))
    if as_json:
        print_json(found)
    else:
        click.echo(f"Removed the forward to {to_single_line(found.url)} ({found.id}).")


def _header(text: str) -> tuple[str, str]:
    """Read a header. No error repeats *text*: it may be a password."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter("write it as 'Name: value'", param_hint="'--header'")
    return name.strip(), value.strip()


def _header_from_env(text: str) -> tuple[str, str]:
    name, _, variable = text.partition("=")
    if not name or not variable:
        raise click.BadParameter("write it as Name=VARIABLE", param_hint="'--header-from-env'")
    value = os.environ.get(variable)
    if value is None:
        raise click.BadParameter(
            f"there is no environment variable {variable!r}", param_hint="'--header-from-env'"
        )
    return name.strip(), value


def _answer(found: ForwardStatus, spec: ForwardSpec, *, is_new: bool) -> str:
    if not is_new:
        url = to_single_line(found.url)
        words = f"There already: the forward to {url} ({found.id}); it sends the headers given now."
    else:
        start = "the oldest event" if spec.from_start else "now"
        start = f"the first event of {found.tasks[0]}" if found.tasks else start
        words = f"Forwarding to {to_single_line(found.url)} from {start} on ({found.id})."
    return f"{words}\nIt waits: {found.error}." if found.error == forwards.NO_SENDER else words


def _table(found: list[ForwardStatus]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("ID", no_wrap=True, min_width=26)
    table.add_column("STATE", no_wrap=True, min_width=9)
    table.add_column("SENT", no_wrap=True, justify="right")
    table.add_column("BEHIND", no_wrap=True, justify="right")
    table.add_column("TO", overflow="fold")
    for one in found:
        counts = (number(one.delivered), number(one.lag) if one.lag else "")
        error = "" if one.error == forwards.NO_SENDER else one.error
        about = "\n".join(to_single_line(line) for line in (one.url, _what(one), error) if line)
        table.add_row(*(Text(to_single_line(cell)) for cell in (one.id, one.state, *counts)), Text(about))
    return table


def _what(one: ForwardStatus) -> str:
    tasks = f"of {', '.join(one.tasks)}" if one.tasks else ""
    form = f"as {one.format}" if one.format != "json" else ""
    headers = f"with {', '.join(one.headers)}" if one.headers else ""
    return " ".join(filter(None, (", ".join(one.types or ("everything",)), tasks, form, headers)))
