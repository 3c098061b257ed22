"""Recovery of spools: import those of dead producers, read those of living ones."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from ...core.events import UNREADABLE, Event, Lost, State, TaskState, decode_data, decode_event
from ...core.ids import is_ulid
from ...core.task import Task
from ...detached.work_queue import claimed_path
from ...detached.work_state import is_waiting
from ...errors import SpoolError
from ...producer.segment import Record, damaged_end
from ...producer.spool_folder import (
    Header,
    lock_of_dead,
    read_ending,
    read_spool_header,
    spool_mentions,
    spool_records,
)
from ...system.files import identity, remove_folder, sweep
from ...system.host import is_this_host
from ...system.locks import is_locked
from ...system.paths import DataPaths
from ...system.processes import end_children
from ...transport.discovery import DEFAULT
from ..base import Batch, BatchOrigin, HolderEvent
from ..session import JournalSession
from ..slots import existing_slots
from ..transaction import start_of
from .claims import claimable
from .interruption import end_tasks, interrupt, open_tasks_of, reason_of_death
from .pace import Pace, first_pace

log = logging.getLogger(__name__)
CHUNK = 2000
"""Maximum number of events imported in one transaction."""

CHUNK_BYTES = 1 << 20
"""Size beyond which such a transaction gets no further event."""

LOOKED_AT = 100
"""Number of spools looked at in one step: thousands of processes may be alive."""

UNFINISHED_TIMEOUT = 3600.0
"""Seconds after which an unfinished spool folder counts as left by a killed process; making one takes
milliseconds. This process must have seen it for so long: the file's time and the wall clock may be of two
machines, or wrong."""

_unfinished: dict[tuple[Path, tuple[int, int] | None], float] = {}
"""Unfinished spool folders by path and identity, and when this process has seen each first."""


def recover_spools(session: JournalSession, paths: DataPaths, slot: str) -> int:
    """Import the spools of this journal's dead producers, oldest first, and delete them; return how many."""
    sweep(paths.spools)
    _sweep_unfinished(paths.spools)
    recovered = 0
    left: dict[str, str] = {}
    for folder in _own_spools(session, paths, slot, left=left):
        try:
            found = _recover_spool(session, paths, slot, folder)
        except (SpoolError, OSError) as error:  # one unreadable spool must not keep the others out
            _leave(folder, error, left)
            continue
        if found:
            recovered += 1
            session.yield_to_others()
    session.note_unreadable(left)
    return recovered


def _leave(folder: Path, error: SpoolError | OSError, left: dict[str, str]) -> None:
    """Note why a spool stays where it is, unless it is being deleted, or no spool at all."""
    log.debug("a spool is left where it is: %s", error)
    if is_ulid(folder.name) and identity(folder) is not None:
        why = str(error) if isinstance(error, SpoolError) else f"{folder}: {error.strerror or error}"
        left[folder.name] = f"a spool cannot be stored ({why}); its events wait until that is mended"


def _sweep_unfinished(spools: Path, clock: Callable[[], float] = time.monotonic) -> None:
    now = clock()
    found = {(folder, identity(folder)) for folder in spools.glob(".new-*")}
    for gone in [key for key in _unfinished if key[0].parent == spools and key not in found]:
        del _unfinished[gone]
    for key in found:
        folder, since = key[0], _unfinished.setdefault(key, now)
        if now - since > UNFINISHED_TIMEOUT and not is_locked(folder / "lock"):
            shutil.rmtree(folder, ignore_errors=True)


def read_live_spools(session: JournalSession, paths: DataPaths, slot: str) -> None:
    """Append the events in the spools of living producers, which stay where they are.

    For a one-shot holder, when no server is running that the producers could publish to. Their events come
    again later and are known then. What the journal has already is not read again, except the segment that
    the newest of it is in.
    """
    for folder in _own_spools(session, paths, slot):
        try:
            if is_locked(folder / "lock"):
                header = read_spool_header(folder)
                _append(session, header, _news(session, folder), folder)
        except (SpoolError, OSError) as error:  # it is being deleted, or cannot be read now
            log.debug("a spool is not read: %s", error)


def read_spools_of(session: JournalSession, paths: DataPaths, slot: str, task_ids: Collection[str]) -> None:
    """Append the spools that have events of these tasks, which stay where they are.

    Their producers may be alive, dead or on another machine: nothing is claimed, and nothing is judged.
    """
    for folder in _own_spools(session, paths, slot, anywhere=True) if task_ids else ():
        try:
            if spool_mentions(folder, task_ids, session.yield_to_others):
                _append(session, read_spool_header(folder), _news(session, folder), folder)
        except (SpoolError, OSError) as error:  # it is being deleted, or cannot be read now
            log.debug("a spool is not read: %s", error)
        session.yield_to_others()


def _news(session: JournalSession, folder: Path) -> Iterator[Record]:
    """Yield the records of a living producer's spool that the journal does not have yet."""
    row = session.journal.producer(folder.name)
    known = row.last_n if row else 0
    # The newest known record comes first, so that a hole just behind it shows.
    return (record for record in _up_to_first_hole(spool_records(folder, known)) if record[0] > known)


def _own_spools(
    session: JournalSession,
    paths: DataPaths,
    slot: str,
    *,
    anywhere: bool = False,
    left: dict[str, str] | None = None,
) -> Iterator[Path]:
    """Yield the spools of this journal's producers on this machine, or *anywhere*, oldest first.

    *left* gets a sentence for each one whose header cannot be read: it may be of any journal.
    """
    slots = existing_slots(paths)
    for number, folder in enumerate(sorted(paths.spools.glob("[0-9A-Z]*")), start=1):
        if number % LOOKED_AT == 0:
            session.yield_to_others()
        try:
            header = read_spool_header(folder)
        except SpoolError as error:
            if left is not None and not _is_being_made_again(folder, error):
                _leave(folder, error, left)
            continue
        homeless = slot == DEFAULT and header.journal not in slots
        if (header.journal == slot or homeless) and (anywhere or is_this_host(header.host, header.boot)):
            yield folder


def _recover_spool(session: JournalSession, paths: DataPaths, slot: str, folder: Path) -> bool:
    lock = lock_of_dead(folder)
    if lock is None:
        return False
    try:
        header, records = read_spool_header(folder), spool_records(folder)
        first = list(islice(records, 1))
        if not first and is_waiting(paths, header.producer):
            # A worker that was killed before it claimed its item: the next one has its id and its task.
            remove_folder(folder)
            return True
        session.dead_producers.add(header.producer)
        if _was_queued_elsewhere(session, first):
            read_live_spools(session, paths, slot)
        last = _append(session, header, chain(first, records), folder)
        _record_damaged_end(session, folder, header.producer, last)
        read_spools_of(session, paths, slot, claimable(session, folder.name))  # what may have begun in a pool
        if _end_open_tasks(session, paths, folder):
            _end_children(paths, header)
        remove_folder(folder)  # last, and still under its lock: everything in it is committed
    except (SpoolError, OSError):
        for tasks in open_tasks_of(session, folder.name):
            interrupt(session, tasks)
        raise
    finally:
        lock.release()
    return True


def _is_being_made_again(folder: Path, error: SpoolError) -> bool:
    """Return True if the header is gone and its producer lives, which writes it again."""
    try:
        return isinstance(error.__cause__, FileNotFoundError) and is_locked(folder / "lock")
    except OSError:
        return False


def _end_open_tasks(session: JournalSession, paths: DataPaths, folder: Path) -> bool:
    """End what a dead producer had under way; return whether there was anything."""
    written = read_ending(folder)

    def end(task: Task) -> State:
        return written or State(TaskState.INTERRUPTED, reason=reason_of_death(session, paths, task))

    found = False
    for tasks in open_tasks_of(session, folder.name):
        end_tasks(session, [(task, end(task)) for task in tasks])
        found = True
    return found


def _end_children(paths: DataPaths, header: Header) -> None:
    """End what a process of ``on="process"`` had started that was killed together with its parent.

    `sweep_workers` does that for a detached worker. A kernel or a script does not lead such a session.
    """
    if not claimed_path(paths, header.producer).exists():
        # Not on the journal's thread, since it takes a second. No daemon: a command waits for it at its end.
        args = {"session": header.pid, "started_by": header.producer}
        threading.Thread(target=end_children, kwargs=args, name="jupyter-agent-children").start()


def _was_queued_elsewhere(session: JournalSession, records: list[Record]) -> bool:
    """Return True if another process queued the task of the first of *records* and its events are not here.

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


def _append(session: JournalSession, header: Header, records: Iterable[Record], folder: Path) -> int:
    """Append the events in *records*; return the number of the last record, 0 without one."""
    base = last = 0
    pace = first_pace(CHUNK)
    for chunk in _chunks(records, pace):
        if base:
            session.yield_to_others()
        last = chunk[-1][0]
        with pace.step():
            events = list(_readable(chunk, folder))
            if events:
                base = base or start_of(events[0])
                session.append(Batch(header.producer, base, events, BatchOrigin.SPOOLED, header.host))
    return last


def _chunks(records: Iterable[Record], pace: Pace) -> Iterator[list[Record]]:
    """Yield as many records at a time as make one short transaction."""
    chunk: list[Record] = []
    size = 0
    for record in records:
        chunk.append(record)
        size += len(record[1])
        if len(chunk) >= pace.size or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _record_damaged_end(session: JournalSession, folder: Path, producer: str, last: int) -> None:
    """Record as lost what was written last and cannot be read: no record follows that would show the gap.

    *last*: the number of the last record that can be read.
    """
    newest = max(folder.glob("*.seg"), default=None)
    damaged = damaged_end(newest) if newest is not None else 0
    if damaged > last:
        lost = Lost(last + 1, damaged, "damaged on disk", producer)
        for tasks in open_tasks_of(session, producer):
            session.append(*(HolderEvent(task.id, task.attempt, "lost", lost) for task in tasks))


def _readable(records: Iterable[Record], folder: Path) -> Iterator[Event]:
    for n, body in records:
        try:
            yield decode_event(body)
        except UNREADABLE as error:
            log.warning("event %d in %s cannot be read and is passed over: %s", n, folder, error)


def _up_to_first_hole(records: Iterable[Record]) -> Iterator[Record]:
    """Yield the records before the first hole: the writer may just be filling it."""
    last = 0
    for n, body in records:
        if last and n != last + 1 and b'"type":"lost"' not in body:
            return
        last = n
        yield n, body
