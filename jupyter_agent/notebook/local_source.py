"""Source of a handle for a task of this process."""

from __future__ import annotations

from ..core.events import Event, decode_event
from ..core.task import Task
from ..producer.spool_folder import read_spool
from ..runtime.local_task import LocalTask
from .journal_client import task_events

COMMIT_TIMEOUT = 30.0
"""Seconds to wait for a server to commit what was emitted, before its events are read."""


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
    """Return all events of a task of this process.

    They come from its own spool while that still has all of them; otherwise from the journal, followed by
    those that are not committed yet.
    """
    producer = task.producer
    producer.flush(COMMIT_TIMEOUT if producer.locate() is not None else 0.0)
    own = [decode_event(body) for _, body in read_spool(producer.spool.folder)[1]]
    events = [event for event in own if event.task == task.id]
    if after is None and producer.spool.base == 1 and task.fold.attempt == 1 and _runs_here(task):
        return events
    stored = task_events(producer, task.id, after)
    known = {(event.producer, event.n) for event in stored}
    last = max((event.n for event in stored if event.producer == producer.id), default=0)
    return stored + [event for event in events if event.n > last and (event.producer, event.n) not in known]


def _runs_here(task: LocalTask) -> bool:
    return task.fold.producer == task.producer.id
