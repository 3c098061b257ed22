"""``jupyter agent status``: every journal, its holder and its health."""

from __future__ import annotations

import asyncio

import click
from rich.table import Table

from ...core.sanitize import to_single_line
from ...rendering.humanize import size
from ..backends.journals import Journals
from ..backends.status_report import JournalStatus, Report, status_report
from ..output import console, print_json
from .help import examples
from .options import json_option


@click.command(
    short_help="Journals, servers, workers, and whether all is well.",
    epilog=examples("status", "status --json"),
)
@json_option
def status(*, as_json: bool) -> int:
    """Which journals there are, who has them open, and whether all is well (else exit status 1)."""
    report = asyncio.run(status_report(Journals(answer_timeout=0.0, recover=False)))
    if as_json:
        print_json(report)
    else:
        _print(report)
    return int(any(journal.trouble for journal in report.journals))


def _print(report: Report) -> None:
    found, out = report.journals, console()
    out.print(f"Folder: {report.folder}", markup=False, soft_wrap=True)
    for sentence in filter(None, (report.moved, report.elsewhere)):
        out.print(sentence, markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("JOURNAL", "HELD BY", "HEALTH", "SIZE", "SPOOLS"):
        table.add_column(title, overflow="fold")
    for journal in found:
        table.add_row(journal.name, _holder(journal), _health(journal), _size(journal), _waiting(journal))
    out.print(table)
    out.print(_summary(report), markup=False, soft_wrap=True)
    for journal in found:
        if journal.trouble:
            out.print(f"{journal.name}: {to_single_line(journal.trouble)}", markup=False, soft_wrap=True)


def _summary(report: Report) -> str:
    workers = report.workers
    parts = []
    if workers is not None:
        parts.append(f"Workers: {workers.running} of {workers.limit} busy, {workers.waiting} waiting")
    if report.schedules is not None:
        parts.append(f"Schedules: {report.schedules}")
    if report.forwards is not None:
        parts.append(f"Forwards: {report.forwards}")
    return ". ".join(parts) + "." if parts else ""


def _holder(journal: JournalStatus) -> str:
    where = f" {journal.url}" if journal.url else ""
    holder = "not open" if journal.holder == "nobody" else journal.holder
    return f"{holder}{where}{f' (process {journal.pid})' if journal.pid else ''}"


def _health(journal: JournalStatus) -> str:
    if journal.holder != "server":
        return "-"
    return to_single_line(str(journal.health["status"])) if journal.health else "does not answer"


def _size(journal: JournalStatus) -> str:
    inside = (journal.health or {}).get("journal")
    count = inside.get("bytes", 0) if isinstance(inside, dict) and not journal.bytes else journal.bytes
    return size(count)


def _waiting(journal: JournalStatus) -> str:
    """Describe the spools. A living producer always has one, with little in it."""
    dead = journal.spools - journal.living
    return f"{journal.living} in use, {dead} waiting" if journal.spools else "none"
