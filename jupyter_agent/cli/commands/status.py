"""``jupyter agent status``: every journal, its holder and its health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Literal

import click
import msgspec
from msgspec import Struct
from rich.table import Table

from ...core.sanitize import json_text, to_single_line
from ...detached.work_queue import waiting_work_items
from ...detached.worker_slots import free_worker_slots, load_limits
from ...errors import AgentError, SpoolError
from ...journal.slots import holder_of
from ...producer.spool_folder import read_spool_header
from ...rendering.humanize import size
from ...system.locks import is_locked
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT, REMOTE
from ..backends.base import first_line
from ..backends.forwards import list_forwards
from ..backends.http import HttpBackend
from ..backends.journals import Journals
from ..backends.schedules import list_schedules
from ..output import console
from .help import examples


class JournalStatus(Struct):
    """One journal.

    ``bytes``: size of its files on this machine. ``spools``: how many have events that are not committed.
    ``living``: how many of those a process still writes. ``health``: what its server says.
    """

    name: str
    holder: Literal["server", "command line", "nobody"]
    url: str | None = None
    pid: int | None = None
    health: dict[str, Any] | None = None
    trouble: str | None = None
    bytes: int = 0
    spools: int = 0
    living: int = 0


class WorkersStatus(Struct):
    """Workers of this machine: how many run, how many may, and how many attempts wait for one."""

    running: int
    limit: int
    waiting: int


class Report(Struct):
    """``workers`` is ``None`` for a server on another machine, a count when it is unknown."""

    folder: str
    moved: str | None
    journals: list[JournalStatus]
    workers: WorkersStatus | None
    schedules: int | None
    forwards: int | None


@click.command(
    short_help="Journals, servers, workers, and whether all is well.",
    epilog=examples("status", "status --json"),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(*, as_json: bool) -> int:
    """Which journals there are, who has them open, and whether all is well (else exit status 1)."""
    report = asyncio.run(_report(Journals(answer_timeout=0.0, recover=False)))
    if as_json:
        click.echo(json_text(msgspec.json.encode(report)))
    else:
        _print(report)
    return int(any(journal.trouble for journal in report.journals))


async def _report(journals: Journals) -> Report:
    paths = journals.paths
    found = await asyncio.gather(*(_one(paths, slot) for slot in journals.slots()))
    well = not any(journal.trouble for journal in found)
    return Report(
        str(paths.root),
        paths.fallback_reason,
        list(found),
        _workers(paths) if journals.scheduling != REMOTE else None,
        await _count(partial(list_schedules, journals)) if well else None,
        await _count(partial(list_forwards, journals)) if well else None,
    )


async def _count(ask: Callable[[], Awaitable[Sequence[object]]]) -> int | None:
    try:
        return len(await ask())
    except AgentError:  # an older server, or one that has just stopped
        return None


def _workers(paths: DataPaths) -> WorkersStatus:
    limit = load_limits(paths).workers
    return WorkersStatus(limit - free_worker_slots(paths), limit, sum(1 for _ in waiting_work_items(paths)))


async def _one(paths: DataPaths, slot: str) -> JournalStatus:
    if slot == REMOTE:
        return await _served(paths, JournalStatus(slot, "server"))
    spools, living = _spools(paths, slot)
    report = JournalStatus(slot, "nobody", bytes=_bytes(paths, slot), spools=spools, living=living)
    holder = holder_of(paths, slot)
    if holder is None:
        return report
    report.pid = holder.pid
    if holder.kind == "moment":
        report.holder = "command line"
        return report
    report.holder, report.url = "server", holder.url
    return await _served(paths, report)


async def _served(paths: DataPaths, report: JournalStatus) -> JournalStatus:
    """Add the health that the server reports."""
    source = HttpBackend(paths, report.name)
    try:
        report.health = await source.health()
    except AgentError as error:
        if report.name == REMOTE:
            raise
        report.trouble = first_line(error)
    finally:
        source.close()
    if report.health is not None and report.health.get("status") != "ok":
        found = report.health.get("trouble") or ["the server says that it is degraded"]
        report.trouble = "; ".join(map(str, found)) if isinstance(found, list) else str(found)
    return report


def _bytes(paths: DataPaths, slot: str) -> int:
    files = (paths.journals / slot).glob("journal.sqlite*")
    return sum(path.stat().st_size for path in files if ".corrupt-" not in path.name)


def _spools(paths: DataPaths, slot: str) -> tuple[int, int]:
    """Return how many spools belong to this journal, and how many of those have a living writer."""
    count = living = 0
    for folder in paths.spools.glob("[0-9A-Z]*"):
        try:
            journal = read_spool_header(folder).journal
        except SpoolError:
            continue
        home = journal if (paths.journals / journal).is_dir() else DEFAULT
        if home == slot:
            count += 1
            living += is_locked(folder / "lock")
    return count, living


def _print(report: Report) -> None:
    found, out = report.journals, console()
    out.print(f"Folder: {report.folder}", markup=False, soft_wrap=True)
    if report.moved:
        out.print(report.moved, markup=False, soft_wrap=True)
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
    return f"{journal.holder}{where}{f' (process {journal.pid})' if journal.pid else ''}"


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
