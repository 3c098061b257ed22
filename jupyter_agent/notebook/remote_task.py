"""Tasks of other processes, read through their journal; see `journal_client`."""

from __future__ import annotations

import threading
import time

from ..core.events import Event
from ..core.task import Task
from ..detached.work_state import has_pending_retry
from ..errors import NotNow
from ..producer.producer import Producer
from ..runtime.context import current
from .journal_client import command, show_task, task_events

POLL_INTERVAL = 0.5
"""Seconds between two reads of a task of another process."""

SNAPSHOT_AGE = 0.2
"""Seconds for which a snapshot is reused, so that reading several properties asks once."""


class RemoteTask:
    """A task that another process runs or ran. Raises `UnknownTask` when no journal knows it."""

    def __init__(self, producer: Producer, task_id: str, seen: Task | None = None) -> None:
        self.id = task_id
        self._producer = producer
        self._seen = seen
        self._seen_at = time.monotonic() if seen else 0.0
        if seen is None:
            self.snapshot()

    def snapshot(self) -> Task:
        seen = self._seen
        is_fresh = time.monotonic() - self._seen_at < SNAPSHOT_AGE
        if seen is None or not is_fresh:
            seen = self._seen = show_task(self._producer, self.id)
            self._seen_at = time.monotonic()
        return seen

    def seen(self) -> Task:
        return self._seen or self.snapshot()

    def wait(self, timeout: float | None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = threading.Event()
        while not self._is_finished(self.snapshot()):
            left = POLL_INTERVAL if deadline is None else min(POLL_INTERVAL, deadline - time.monotonic())
            if left <= 0:
                return False
            pause.wait(left)
            current().cancellation.check_once()
        return True

    def _is_finished(self, seen: Task) -> bool:
        return seen.state.ended and not has_pending_retry(self._producer.paths, seen)

    def cancel(self) -> bool:
        if self.snapshot().state.ended:
            return False
        try:
            command(self._producer, self.id, "cancel")
        except NotNow:
            if show_task(self._producer, self.id).state.ended:  # it ended before the command arrived
                return False
            raise
        return True

    def retry(self) -> None:
        command(self._producer, self.id, "retry")

    def send(self, text: str, prompt_id: str | None) -> None:
        named = {} if prompt_id is None else {"prompt_id": prompt_id}
        command(self._producer, self.id, "input", text=text, **named)

    def events(self, after: str | None) -> list[Event]:
        return task_events(self._producer, self.id, after)
