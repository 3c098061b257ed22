"""Recovery of spools: import those of dead producers, read those of living ones."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ...core.events import UNREADABLE, Event, Lost, State, TaskState, decode_data, decode_event
from ...core.task import Task
from ...detached.work_state import is_waiting
from ...errors import SpoolError
from ...producer.segment import Record, damaged_end
from ...producer.spool_folder import Header, read_ending, read_spool, read_spool_header
from ...system.files import remove_folder, sweep
from ...system.host import is_this_host
from ...system.locks import FileLock, is_locked
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT
from ..base import Batch, BatchOrigin, HolderEvent
from ..session import JournalSession
from ..slots import existing_slots
from ..transaction import start_of
from .interruption import end_tasks, interrupt, open_tasks_of, reason_of_death

log = logging.getLogger(__name__)
CHUNK = 2000
"""Maximum number of events imported in one transaction."""

UNFINISHED_TIMEOUT = 3600.0
"""Seconds after which an unfinished spool folder counts as left by a killed process; making one takes
milliseconds."""


def recover_spools(session: JournalSession, paths: DataPaths, slot: str) -> int:
    """Import the spools of this journal's dead producers, oldest first, and delete them; return how many."""
    sweep(paths.spools)
    _sweep_unfinished(paths.spools)
    recovered = 0
    for folder in _own_spools(paths, slot):
        if _recover_spool(session, paths, slot, folder):
            recovered += 1
            session.yield_to_others()
    return recovered


def _sweep_unfinished(spools: Path) -> None:
    for folder in spools.glob(".new-*"):
        try:
            age = time.time() - folder.stat().st_mtime
        except FileNotFoundError:  # it was renamed just now: its producer is alive
            continue
        if age > UNFINISHED_TIMEOUT and not is_locked(folder / "lock"):
            shutil.rmtree(folder, ignore_errors=True)


def read_live_spools(session: JournalSession, paths: DataPaths, slot: str) -> None:
    """Append the events in the spools of living producers, which stay where they are.

    For a one-shot holder, when no server is running that the producers could publish to. Their events come
    again later and are known then.
    """
    for folder in _own_spools(paths, slot):
        try:
            header, records = read_spool(folder) if is_locked(folder / "lock") else (None, [])
        except (SpoolError, OSError) as error:  # it is being deleted, or cannot be read now
            log.debug("a spool is not read: %s", error)
            continue
        if header is not None:
            _append(session, header, _up_to_first_hole(records), folder)


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
        if not records and is_waiting(paths, header.producer):
            # A worker that was killed before it claimed its item: the next one has its id and its task.
            remove_folder(folder)
            return True
        session.dead_producers.add(header.producer)
        if _was_queued_elsewhere(session, records):
            read_live_spools(session, paths, slot)
        _append(session, header, records, folder)
        _record_damaged_end(session, folder, header.producer, records)
        _end_open_tasks(session, paths, folder)
        remove_folder(folder)  # last, and still under its lock: everything in it is committed
    except (SpoolError, OSError) as error:  # one unreadable spool must not keep the others out
        log.debug("a spool is left where it is: %s", error)
        interrupt(session, open_tasks_of(session, folder.name))
        return False
    finally:
        lock.release()
    return True


def _end_open_tasks(session: JournalSession, paths: DataPaths, folder: Path) -> None:
    written = read_ending(folder)

    def end(task: Task) -> State:
        return written or State(TaskState.INTERRUPTED, reason=reason_of_death(session, paths, task))

    end_tasks(session, [(task, end(task)) for task in open_tasks_of(session, folder.name)])


def _was_queued_elsewhere(session: JournalSession, records: list[Record]) -> bool:
    """Return True if another process queued the task of this spool and its events are not here yet.

    They hold the task's name and key, and so have to come first.
    """
    if not records:
        return False
    try:
        first = decode_event(records[0][1])
        data = decode_data(first)
    except UNREADABLE:
        return False
    queued = isinstance(data, State) and data.state is TaskState.QUEUED
    return not queued and session.journal.task(first.task) is None


def _append(session: JournalSession, header: Header, records: list[Record], folder: Path) -> None:
    events = _readable(records, folder)
    base = 0
    while chunk := list(islice(events, CHUNK)):
        base = base or start_of(chunk[0])
        session.append(Batch(header.producer, base, chunk, BatchOrigin.SPOOLED, header.host))
        if len(chunk) == CHUNK:
            session.yield_to_others()


def _record_damaged_end(session: JournalSession, folder: Path, producer: str, records: list[Record]) -> None:
    """Record as lost what was written last and cannot be read: no record follows that would show the gap."""
    last = records[-1][0] if records else 0
    newest = max(folder.glob("*.seg"), default=None)
    damaged = damaged_end(newest) if newest is not None else 0
    if damaged > last:
        lost = Lost(last + 1, damaged, "damaged on disk")
        tasks = open_tasks_of(session, producer)
        session.append(*(HolderEvent(task.id, task.attempt, "lost", lost) for task in tasks))


def _readable(records: list[Record], folder: Path) -> Iterator[Event]:
    for n, body in records:
        try:
            yield decode_event(body)
        except UNREADABLE as error:
            log.warning("event %d in %s cannot be read and is passed over: %s", n, folder, error)


def _up_to_first_hole(records: list[Record]) -> list[Record]:
    """Return the records before the first hole: the writer may just be filling it."""
    good: list[Record] = []
    for n, body in records:
        if good and n != good[-1][0] + 1 and b'"type":"lost"' not in body:
            break
        good.append((n, body))
    return good
