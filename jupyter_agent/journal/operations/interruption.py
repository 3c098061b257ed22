"""Interruption: end the tasks whose producer is gone for good."""

from __future__ import annotations

from collections.abc import Callable

from ...core.events import State, TaskState
from ...core.task import Task
from ...detached.work_state import is_waiting
from ...errors import SpoolError
from ...producer.spool_folder import read_spool_header
from ...system.host import is_this_host
from ...system.paths import DataPaths
from ..base import HolderEvent, Journal, ProducerRow
from ..session import JournalSession

GONE = "the process that ran it is gone"


def interrupt(session: JournalSession, tasks: list[Task], reason: str = GONE) -> None:
    """Record that the open tasks among *tasks* are interrupted.

    A task whose producer this process killed gets the outcome registered for that kill instead.
    """
    interrupted = State(TaskState.INTERRUPTED, reason=reason)
    ends = [
        HolderEvent(
            task.id, task.attempt, "state", session.kill_outcomes.get(task.producer or "", interrupted)
        )
        for task in tasks
        if not task.state.ended
    ]
    if ends:
        session.append(*ends)


def open_tasks_of(session: JournalSession, producer: str) -> list[Task]:
    """Return the open tasks that *producer* runs."""
    return [task for task in session.journal.open_tasks() if task.producer == producer]


def interrupt_orphans(
    session: JournalSession, paths: DataPaths, connected: Callable[[str], bool], *, now: float, lease: float
) -> None:
    """Interrupt the open tasks whose producer is gone for good.

    *connected* returns True for a producer that has a connection now. A producer on another host counts as
    alive until *lease* seconds after its last event, because its lock cannot be tested from here.
    """

    def alive(producer: str | None) -> bool:
        if producer is None:
            return False
        if connected(producer):
            return True
        row = session.journal.producer(producer)
        return _has_spool(paths, producer) or _is_leased(row, now, lease)

    orphans = [
        task
        for task in session.journal.open_tasks()
        if not alive(task.producer)
        and not is_waiting(paths, task.producer or "")
        and not _awaits_its_process(session.journal, task, alive)
    ]
    interrupt(session, orphans)


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


def _is_leased(row: ProducerRow | None, now: float, lease: float) -> bool:
    """Return True if the producer runs on another or an unknown host and was seen within *lease* seconds."""
    return row is not None and not (row.host and is_this_host(row.host)) and now - row.seen < lease


def _awaits_its_process(journal: Journal, task: Task, alive: Callable[[str | None], bool]) -> bool:
    """Return True if a living producer queued *task* for a process that has not sent anything yet."""
    owners = journal.owners(task.id, task.attempt)
    return task.state is TaskState.QUEUED and len(owners) > 1 and alive(owners[0])
