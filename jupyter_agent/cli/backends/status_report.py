"""Status report: every journal with its holder and health, and the workers of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Literal

from msgspec import Struct

from ...core.ids import is_ulid
from ...detached.observed.waiting import WorkersStatus, workers_status
from ...errors import AgentError, SpoolError
from ...journal.slots import holder_of
from ...producer.spool_folder import read_spool_header
from ...system.files import probe_writing
from ...system.locks import is_locked
from ...system.paths import DataPaths, left_elsewhere
from ...transport.discovery import DEFAULT, ONE_SHOT, REMOTE
from .base import first_line
from .forwards import list_forwards
from .http import HttpBackend
from .journals import Journals
from .schedules import list_schedules


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


class Report(Struct):
    """``workers`` is ``None`` for a server on another machine, a count when it is unknown.

    ``moved``: why the folder is not the configured one. ``elsewhere``: where other tasks are therefore.
    """

    folder: str
    moved: str | None
    journals: list[JournalStatus]
    workers: WorkersStatus | None
    schedules: int | None
    forwards: int | None
    elsewhere: str | None = None


async def status_report(journals: Journals) -> Report:
    """Ask every journal's holder, and count what waits on this machine."""
    paths = journals.paths
    found = await asyncio.gather(*(_journal_status(paths, slot) for slot in journals.slots()))
    well = not any(journal.trouble for journal in found)
    return Report(
        str(paths.root),
        paths.fallback_reason,
        list(found),
        workers_status(paths) if journals.scheduling != REMOTE else None,
        await _count(partial(list_schedules, journals)) if well else None,
        await _count(partial(list_forwards, journals)) if well else None,
        left_elsewhere(paths),
    )


async def _count(ask: Callable[[], Awaitable[Sequence[object]]]) -> int | None:
    try:
        return len(await ask())
    except AgentError:  # an older server, or one that has just stopped
        return None


async def _journal_status(paths: DataPaths, slot: str) -> JournalStatus:
    if slot == REMOTE:
        return await _with_health(paths, JournalStatus(slot, "server"))
    spools, living, trouble = _spools(paths, slot)
    journal = JournalStatus(
        slot, "nobody", trouble=trouble, bytes=_bytes(paths, slot), spools=spools, living=living
    )
    holder = holder_of(paths, slot)
    if holder is None:
        if slot == DEFAULT:
            journal.trouble = trouble or _why_unwritable(paths)
        return journal
    journal.pid = holder.pid
    if holder.kind == ONE_SHOT:
        journal.holder = "command line"
        return journal
    journal.holder, journal.url = "server", holder.url or holder.unix_url
    return await _with_health(paths, journal)


async def _with_health(paths: DataPaths, journal: JournalStatus) -> JournalStatus:
    """Add the health that the server reports."""
    source = HttpBackend(paths, journal.name)
    try:
        journal.health = await source.health()
    except AgentError as error:
        if journal.name == REMOTE:
            raise
        journal.trouble = first_line(error)
    finally:
        source.close()
    if journal.health is not None and journal.health.get("status") != "ok":
        found = journal.health.get("trouble") or ["the server says that it is degraded"]
        journal.trouble = "; ".join(map(str, found)) if isinstance(found, list) else str(found)
    return journal


def _why_unwritable(paths: DataPaths) -> str | None:
    """Return what keeps a server from starting, and tasks from being stored, in this folder."""
    try:
        probe_writing(paths.root)
    except OSError as error:
        return f"nothing can be stored in {paths.root}: {error.strerror or error}"
    return None


def _bytes(paths: DataPaths, slot: str) -> int:
    files = (paths.journals / slot).glob("journal.sqlite*")
    return sum(path.stat().st_size for path in files if ".corrupt-" not in path.name)


def _spools(paths: DataPaths, slot: str) -> tuple[int, int, str | None]:
    """Return how many spools belong to this journal, how many of those have a living writer, and a trouble.

    That is what is wrong with the first spool that cannot be read, whose journal is not known.
    """
    count = living = 0
    trouble = None
    for folder in paths.spools.glob("[0-9A-Z]*"):
        try:
            journal = read_spool_header(folder).journal
            is_alive = is_locked(folder / "lock")
        except (SpoolError, OSError) as error:
            if is_ulid(folder.name) and slot == DEFAULT:
                trouble = trouble or f"a spool cannot be stored ({error})"
            continue
        home = journal if (paths.journals / journal).is_dir() else DEFAULT
        if home == slot:
            count += 1
            living += is_alive
    return count, living, trouble
