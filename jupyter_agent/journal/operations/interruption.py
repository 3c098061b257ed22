"""Interruption: end the tasks whose producer is gone for good."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ...core.events import State, TaskState
from ...core.task import Task
from ...detached.run_spec import load_run_spec
from ...detached.work_state import is_waiting
from ...errors import SpoolError
from ...producer.spool_folder import read_spool_header
from ...runtime.exit_reason import KERNEL_DIED
from ...system.host import is_this_host
from ...system.locks import is_locked
from ...system.paths import DataPaths
from ...system.process_table import is_dying
from ..base import HolderEvent, Journal, ProducerRow
from ..session import JournalSession

CHUNK = 100
"""Maximum number of open tasks looked at in one step."""

GONE = "the process that ran it is gone"


def interrupt(session: JournalSession, tasks: list[Task], reason: str = GONE) -> None:
    """Record that the open tasks among *tasks* are interrupted."""
    end = State(TaskState.INTERRUPTED, reason=reason)
    end_tasks(session, [(task, end) for task in tasks])


def end_tasks(session: JournalSession, found: list[tuple[Task, State]]) -> None:
    """Record the end that comes with each open task in *found*.

    A task whose producer this process killed gets the outcome registered for that kill instead.
    """
    ends = [
        HolderEvent(task.id, task.attempt, "state", session.kill_outcomes.get(task.producer or "", end))
        for task, end in found
        if not task.state.ended
    ]
    if ends:
        session.append(*ends)


def reason_of_death(session: JournalSession, paths: DataPaths, task: Task) -> str:
    """Return why *task* is interrupted, whose process died and left no reason."""
    if task.kernel is None or load_run_spec(paths, task.id) is not None:
        return GONE
    # The first owner queued it: the kernel. Another producer is a child of that kernel, and may die alone.
    kernel = next(iter(session.journal.owners(task.id, task.attempt)), task.producer)
    return GONE if kernel != task.producer and _lives_on(paths.spools / str(kernel)) else KERNEL_DIED


def _lives_on(spool: Path) -> bool:
    """Return True if the process that writes *spool* is alive, and not about to be gone as well."""
    if not is_locked(spool / "lock"):
        return False
    try:
        return not is_dying(read_spool_header(spool).pid)
    except SpoolError:
        return True


def open_tasks_of(session: JournalSession, producer: str) -> Iterator[list[Task]]:
    """Yield the open tasks that *producer* runs, a few at a time; others run in between."""
    return _chunks(session, producer)


class Leases:
    """How long producers on other hosts count as alive: *seconds* after their last event.

    An event from before this process began counts as having come then: after a long absence, a producer needs
    time to come back. *clock* is monotonic; the wall clock decides nothing.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._heard: dict[str, tuple[int, float]] = {}

    def hold(self, row: ProducerRow) -> bool:
        """Return True if the producer's lease has not run out."""
        last_n, since = self._heard.get(row.id, (None, 0.0))
        if last_n != row.last_n:
            since = self._clock()
            self._heard[row.id] = (row.last_n, since)
        return self._clock() - since < self._seconds

    def keep(self, producers: set[str]) -> None:
        """Forget every other producer."""
        self._heard = {producer: heard for producer, heard in self._heard.items() if producer in producers}


def interrupt_orphans(
    session: JournalSession, paths: DataPaths, connected: Callable[[str], bool], leases: Leases
) -> set[str]:
    """Interrupt the open tasks whose producer is gone for good; return the producers of the others.

    *connected* returns True for a producer that has a connection now. A producer on another host counts as
    alive as long as its lease holds, because its lock cannot be tested from here.
    """

    def alive(producer: str | None) -> bool:
        if producer is None:
            return False
        if connected(producer):
            return True
        row = session.journal.producer(producer)
        return _has_spool(paths, producer) or (row is not None and _is_remote(row) and leases.hold(row))

    def is_orphan(task: Task) -> bool:
        return (
            not alive(task.producer)
            and not is_waiting(paths, task.producer or "")
            and not _awaits_its_process(session.journal, task, alive)
        )

    living: set[str] = set()
    for chunk in open_chunks(session):
        orphans = [task for task in chunk if is_orphan(task)]
        interrupt(session, orphans)
        living |= {task.producer for task in chunk if task.producer and task not in orphans}
    leases.keep(living)
    return living


def open_chunks(session: JournalSession) -> Iterator[list[Task]]:
    """Yield all open tasks, a few at a time; others run in between."""
    return _chunks(session, None)


def _chunks(session: JournalSession, producer: str | None) -> Iterator[list[Task]]:
    after = ""
    while chunk := session.journal.open_tasks(producer=producer, after=after, limit=CHUNK):
        yield chunk
        after = chunk[-1].id
        session.yield_to_others()


def _has_spool(paths: DataPaths, producer: str) -> bool:
    """Return True if the producer has a spool: it is alive, or recovery will find out how it ended.

    A producer that died after the last recovery must not be called gone before its last events are read.
    """
    folder = paths.spools / producer
    try:
        read_spool_header(folder)
    except SpoolError:
        return False
    return (folder / "lock").exists()


def _is_remote(row: ProducerRow) -> bool:
    """Return True if the producer runs on another or an unknown host."""
    return not (row.host and is_this_host(row.host))


def _awaits_its_process(journal: Journal, task: Task, alive: Callable[[str | None], bool]) -> bool:
    """Return True if a living producer queued *task* for a process that has not sent anything yet."""
    owners = journal.owners(task.id, task.attempt)
    return task.state is TaskState.QUEUED and len(owners) > 1 and alive(owners[0])
