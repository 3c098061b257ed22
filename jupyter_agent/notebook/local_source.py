"""Source of a handle for a task of this process."""

from __future__ import annotations

import threading
import time

from ..core.events import Event, decode_event
from ..core.task import Task
from ..producer.spool_folder import spool_records
from ..runtime.local_task import LocalTask
from .journal_client import show_task, task_events

COMMIT_TIMEOUT = 30.0
"""Seconds to wait for a server to commit what was emitted, before its events are read."""

COMMIT_INTERVAL = 0.02
"""Seconds between two checks whether it has committed what another process emitted."""


class LocalSource:
    """Reads a `LocalTask`, and records the commands that a handle gives it."""

    def __init__(self, task: LocalTask) -> None:
        self._task = task
        self.id = task.id

    def snapshot(self) -> Task:
        return self._task.fold

    def seen(self) -> Task:
        return self._task.fold

    def wait(self, timeout: float | None) -> bool:
        return self._task.completion.wait(timeout)

    def cancel(self) -> bool:
        if self._task.fold.state.ended:
            return False
        self._task.commands.record("cancel", self._task.about.owner)
        return self._task.cancel()

    def retry(self) -> None:
        self._task.retry()

    def send(self, text: str, prompt_id: str | None) -> None:
        self._task.commands.answer(text, prompt_id)

    def events(self, after: str | None) -> list[Event]:
        return events_of_local(self._task, after)


def events_of_local(task: LocalTask, after: str | None) -> list[Event]:
    """Return all events of a task of this process, or those after a cursor.

    They come from its own spool while that still has all of them; otherwise from the journal, followed by
    those that are not committed yet.
    """
    producer = task.producer
    emitted, has_server = producer.spool.last, producer.locate() is not None
    committed = producer.flush(COMMIT_TIMEOUT if has_server else 0.0)
    if after is None and producer.spool.base == 1 and task.fold.attempt == 1 and _runs_here(task):
        return _spooled(task, task.emitted_before)
    if has_server and not _runs_here(task):
        _await_end_in_journal(task)
    stored = task_events(producer, task.id, after)
    # Without a server, the journal was brought up to date with the spool to be read.
    known = emitted if committed or not has_server else producer.spool.base - 1
    return stored + _spooled(task, max([known, *(one.n for one in stored if one.producer == producer.id)]))


def _await_end_in_journal(task: LocalTask) -> None:
    """Wait until the journal has the end of a task whose process has told this one of it.

    That process sends its events to the server itself, so that its last ones may still be on their way.
    """
    deadline = time.monotonic() + COMMIT_TIMEOUT
    pause = threading.Event()
    while task.fold.state.ended and time.monotonic() < deadline:
        stored = show_task(task.producer, task.id)
        if stored.attempt > task.fold.attempt or (stored.attempt == task.fold.attempt and stored.state.ended):
            return
        pause.wait(COMMIT_INTERVAL)


def _spooled(task: LocalTask, after: int) -> list[Event]:
    """Return the events in the spool whose numbers are larger than *after*."""
    spool, ident = task.producer.spool, task.id.encode()
    # Without a folder, on a full disk, it is in memory. Reading the files keeps no thread from emitting.
    records = spool_records(spool.folder, after) if spool.folder.is_dir() else spool.records()
    events = [decode_event(body) for n, body in records if n > after and ident in body]
    return [event for event in events if event.task == task.id]


def _runs_here(task: LocalTask) -> bool:
    return task.fold.producer == task.producer.id
