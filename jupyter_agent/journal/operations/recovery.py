"""Taking in: spools of dead producers and journals of slots that nobody holds.

Every step is idempotent by ``(producer, n)`` and the source is deleted only after the commit, under
its lock, so that being killed anywhere in here loses and doubles nothing.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from itertools import groupby, islice
from pathlib import Path

import msgspec

from ...core.events import UNREADABLE, Event, Lost, State, TaskState, decode_data, decode_event
from ...core.task import Task
from ...detached.work_state import is_waiting
from ...errors import JournalError, SpoolError
from ...producer.segment import Record, damaged_end
from ...producer.spool import Header, read_spool, read_spool_header
from ...system.files import remove_folder, sweep
from ...system.host import is_this_host
from ...system.ids import new_id
from ...system.locks import FileLock, is_locked
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT
from ..base import Batch, BatchOrigin, HolderEvent, Journal, ProducerRow, StoredEvent
from ..session import JournalSession
from ..slots import Slot, existing_slots, try_slot
from ..sqlite.journal import SQLiteJournal
from ..transaction import start_of
from .forwards import bring_forwards, sent_so_far, without_forwards

log = logging.getLogger(__name__)
CHUNK = 2000
GONE = "the process that ran it is gone"
NEWBORN = 3600.0
"""Seconds after which a spool that was never finished is what a killed process left; making one takes
milliseconds."""


def recover_all(session: JournalSession, paths: DataPaths, slot: str) -> int:
    """Take in everything that the holder of *slot* should; the number of sources taken in."""
    sources = merge_journals(session, paths) if slot == DEFAULT else 0
    return sources + recover_spools(session, paths, slot)


def recover_spools(session: JournalSession, paths: DataPaths, slot: str) -> int:
    """Take in the spools of this journal's dead producers, oldest first, and delete them."""
    sweep(paths.spools)
    _sweep_newborns(paths.spools)
    return sum(_recover_spool(session, paths, slot, folder) for folder in _own_spools(paths, slot))


def _sweep_newborns(spools: Path) -> None:
    for folder in spools.glob(".new-*"):
        try:
            age = time.time() - folder.stat().st_mtime
        except FileNotFoundError:  # it has just got its name
            continue
        if age > NEWBORN and not is_locked(folder / "lock"):
            shutil.rmtree(folder, ignore_errors=True)


def read_live_spools(session: JournalSession, paths: DataPaths, slot: str) -> None:
    """Read the living producers' spools too, without taking them: their events come again, and
    are known then. For a moment's holder, where there is no server that they could send to."""
    for folder in _own_spools(paths, slot):
        try:
            header, records = read_spool(folder) if is_locked(folder / "lock") else (None, [])
        except (SpoolError, OSError) as error:  # as when taking in
            log.debug("a spool is not looked into: %s", error)
            continue
        if header is not None:
            _append(session, header, _without_holes(records), folder)


def _own_spools(paths: DataPaths, slot: str) -> Iterator[Path]:
    slots = existing_slots(paths)
    for folder in sorted(paths.spools.glob("[0-9A-Z]*")):
        try:
            header = read_spool_header(folder)
        except SpoolError as error:
            log.debug("skipping a spool: %s", error)
            continue
        homeless = slot == DEFAULT and header.journal not in slots
        if (header.journal == slot or homeless) and is_this_host(header.host, header.boot):
            yield folder


def _recover_spool(session: JournalSession, paths: DataPaths, slot: str, folder: Path) -> bool:
    try:
        lock = FileLock.acquire(folder / "lock", create=False)
    except OSError as error:
        log.debug("a spool is left where it is: %s", error)
        return False
    if lock is None:
        return False
    try:
        header, records = read_spool(folder)
        session.dead_producers.add(header.producer)
        if _is_of_another(session, records):
            read_live_spools(session, paths, slot)
        _append(session, header, records, folder)
        _tell_of_the_end(session, folder, header.producer, records)
        interrupt(session, _open_tasks_of(session, header.producer))
        remove_folder(folder)
    except (SpoolError, OSError) as error:  # one that cannot be read must not keep the others out
        log.debug("a spool is left where it is: %s", error)
        interrupt(session, _open_tasks_of(session, folder.name))
        return False
    finally:
        lock.release()
    return True


def _is_of_another(session: JournalSession, records: list[Record]) -> bool:
    """Whether it is a worker's, and the living process that queued its task has not been heard yet: what
    that task is called, and its key, is said there, and has to come first."""
    if not records:
        return False
    try:
        first = decode_event(records[0][1])
        data = decode_data(first)
    except UNREADABLE:
        return False
    queued = isinstance(data, State) and data.state is TaskState.QUEUED
    return not queued and session.journal.task(first.task) is None


def _open_tasks_of(session: JournalSession, producer: str) -> list[Task]:
    return [task for task in session.journal.open_tasks() if task.producer == producer]


def _append(session: JournalSession, header: Header, records: list[Record], folder: Path) -> None:
    events = _decoded(records, folder)
    base = 0
    while chunk := list(islice(events, CHUNK)):
        base = base or start_of(chunk[0])
        session.append(Batch(header.producer, base, chunk, BatchOrigin.SPOOLED, header.host))
        if len(chunk) == CHUNK:
            session.yield_to_others()


def _tell_of_the_end(session: JournalSession, folder: Path, producer: str, records: list[Record]) -> None:
    """Name what was written last and cannot be read: no record follows that would show the gap."""
    last = records[-1][0] if records else 0
    newest = max(folder.glob("*.seg"), default=None)
    damaged = damaged_end(newest) if newest is not None else 0
    if damaged > last:
        lost = Lost(last + 1, damaged, "damaged on disk")
        tasks = _open_tasks_of(session, producer)
        session.append(*(HolderEvent(task.id, task.attempt, "lost", lost) for task in tasks))


def _decoded(records: list[Record], folder: Path) -> Iterator[Event]:
    for n, body in records:
        try:
            yield decode_event(body)
        except UNREADABLE as error:
            log.warning("event %d in %s cannot be read and is passed over: %s", n, folder, error)


def _without_holes(records: list[Record]) -> list[Record]:
    """The records up to the first hole; a writer may be in the middle of what looks like one."""
    good: list[Record] = []
    for n, body in records:
        if good and n != good[-1][0] + 1 and b'"type":"lost"' not in body:
            break
        good.append((n, body))
    return good


def interrupt(session: JournalSession, tasks: list[Task], reason: str = GONE) -> None:
    """Say of every task among *tasks* that has not ended that it is interrupted, or what it came to by our
    own doing."""
    data = State(TaskState.INTERRUPTED, reason=reason)
    open_tasks = [task for task in tasks if not task.state.ended]
    notes = [
        HolderEvent(task.id, task.attempt, "state", session.kill_outcomes.get(task.producer or "", data))
        for task in open_tasks
    ]
    if notes:
        session.append(*notes)


def interrupt_orphans(
    session: JournalSession, paths: DataPaths, connected: Callable[[str], bool], *, now: float, lease: float
) -> None:
    """Interrupt the open tasks whose producer is gone for good.

    *connected* says whether a producer has a connection now. One of another host is given *lease*
    seconds since its last event, because its lock cannot be judged from here.
    """

    def alive(producer: str | None) -> bool:
        if producer is None:
            return False
        if connected(producer):
            return True
        row = session.journal.producer(producer)
        return _has_spool(paths, producer) or _leased(row, now, lease)

    orphans = [
        task
        for task in session.journal.open_tasks()
        if not alive(task.producer)
        and not is_waiting(paths, task.producer or "")
        and not _waits_for_its_process(session.journal, task, alive)
    ]
    interrupt(session, orphans)


def _has_spool(paths: DataPaths, producer: str) -> bool:
    """Whether the producer has a spool: then it lives, or taking that in will say how it ended. A
    producer that has died since the last taking-in must not be called gone before its last words."""
    folder = paths.spools / producer
    try:
        read_spool_header(folder)
    except SpoolError:
        return False
    return (folder / "lock").exists()


def _leased(row: ProducerRow | None, now: float, lease: float) -> bool:
    """Whether a producer whose lock cannot be judged from here (another host's, or one that did not say
    where it is) was heard so recently that it counts as alive."""
    return row is not None and not (row.host and is_this_host(row.host)) and now - row.seen < lease


def _waits_for_its_process(journal: Journal, task: Task, alive: Callable[[str | None], bool]) -> bool:
    """Queued for a process that has not said anything yet, by one that is alive."""
    owners = journal.owners(task.id, task.attempt)
    return task.state is TaskState.QUEUED and len(owners) > 1 and alive(owners[0])


def merge_journals(session: JournalSession, paths: DataPaths) -> int:
    """Merge every other slot that nobody holds into this journal, and remove it."""
    taken = 0
    for name in existing_slots(paths):
        slot = None if name == DEFAULT else try_slot(paths, name)
        if slot is not None:
            taken += _merge_journal(session, slot)
    return taken


def _merge_journal(session: JournalSession, slot: Slot) -> bool:
    if not slot.file.exists():
        slot.delete()
        return False
    try:
        with _blamed():
            source = SQLiteJournal(slot.file, new_id(), new_id())
        with closing(source):
            _merge(session, source)
    except _SourceError as error:
        _tell_once(f"the journal {slot.name} is left where it is: {error}")
        slot.release()
        return False
    except BaseException:
        slot.release()
        raise
    for aside in slot.folder.glob("*.corrupt-*"):  # what was moved aside there is kept here
        aside.rename(slot.folder.with_name(DEFAULT) / f"{slot.name}.{aside.name}")
    slot.delete()
    return True


class _SourceError(Exception):
    """The journal that was to be taken in cannot be read; the one that takes it in is well."""


def _merge(session: JournalSession, source: Journal) -> None:
    with _blamed():
        rows = {row.id: row for row in source.producers()}
        kept, to_send = without_forwards(source.export_records()), sent_so_far(source)
        waiting = {p.offset for row in rows for p in source.pending(row)}
    bring_forwards(session.journal, to_send)
    after = 0
    while page := _page(source, after):
        after = page[-1].offset
        runs = groupby(_readable(page), key=lambda event: event.producer)
        session.append(*(_merged(rows, producer, list(run), waiting) for producer, run in runs))
        session.yield_to_others()
    session.append(
        *(Batch(row.id, row.last_n + 1, (), BatchOrigin.MERGED, row.host) for row in rows.values())
    )
    session.journal.import_records(kept)


def _page(source: Journal, after: int) -> list[StoredEvent]:
    with _blamed():
        return source.read(after, CHUNK)


def _readable(page: list[StoredEvent]) -> Iterator[Event]:
    for stored in page:
        try:
            yield decode_event(stored.encoded)
        except UNREADABLE as error:
            log.warning(
                "event %d of another journal cannot be read and is passed over: %s", stored.offset, error
            )


def _merged(rows: dict[str, ProducerRow], producer: str, events: list[Event], waiting: set[int]) -> Batch:
    handled = frozenset(event.n for event in events if event.offset not in waiting)
    own = [msgspec.structs.replace(event, offset=0, flag=None) for event in events]
    row = rows.get(producer)
    return Batch(producer, own[0].n, own, BatchOrigin.MERGED, row.host if row else None, handled)


@contextmanager
def _blamed() -> Iterator[None]:
    try:
        yield
    except JournalError as error:
        raise _SourceError(str(error)) from error


@cache
def _tell_once(sentence: str) -> None:
    log.error("%s", sentence)
