"""Tasks and events as a job reads them, and deletion of a task."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.events import Event, decode_event
from ...core.ids import Cursor
from ...core.query import EventQuery, EventsPage
from ...core.task import Task
from ...errors import NotNow, UnknownTask
from ...system.paths import DataPaths
from ..base import StoredEvent
from ..session import JournalSession
from .retention import delete_files

PAGE = 1000
"""Number of events in a page whose query has no limit."""


def find_task(session: JournalSession, task_id: str) -> Task:
    """Return the snapshot of a task. Raises `UnknownTask`."""
    task = session.journal.task(task_id)
    if task is None:
        raise UnknownTask(f"there is no task {task_id}", task_id=task_id)
    return task


def read_events(session: JournalSession, task_id: str, query: EventQuery) -> EventsPage:
    """Return a page of a task's events. Raises `UnknownTask`."""
    find_task(session, task_id)
    journal = session.journal
    start = Cursor.parse(query.after).offset if query.after else 0
    head = journal.head
    stored = journal.read(start, query.limit or PAGE, tasks=[task_id], types=query.types)
    more = bool(stored) and bool(journal.read(stored[-1].offset, 1, tasks=[task_id], types=query.types))
    return EventsPage(decoded(stored), cursor_at(session, stored[-1].offset if more else head), more)


def forget_task(session: JournalSession, paths: DataPaths, task_id: str) -> None:
    """Remove an ended task with its events and files. Raises `UnknownTask` or `NotNow`."""
    task = find_task(session, task_id)
    if not task.state.ended:
        raise NotNow(
            f"task {task_id} is {task.state} and cannot be deleted; cancel it first", task_id=task_id
        )
    session.journal.forget([task_id])
    delete_files(paths, task_id)


def decoded(stored: Sequence[StoredEvent]) -> list[Event]:
    """Return the events in *stored*."""
    return [decode_event(event.encoded) for event in stored]


def cursor_at(session: JournalSession, offset: int) -> str:
    """Return the cursor of *offset* in this journal."""
    return str(Cursor(session.journal.epoch, offset))
