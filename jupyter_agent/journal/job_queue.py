"""Queue of the journal's thread: jobs one by one, appends in groups."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from ..errors import JournalError
from .base import Batch
from .session import JournalSession, PreemptibleJob, Urgency, Work

MAX_EVENTS = 20_000
"""Maximum number of events in one group commit, give or take the last batch."""

Job = Callable[[JournalSession], object]
Item = tuple[Work | Job, Future[object]]


def urgency_of(work: Work | Job) -> Urgency:
    """Return how urgent a job is; appends are requests."""
    return work.urgency if isinstance(work, PreemptibleJob) else Urgency.REQUEST


class JobQueue:
    """Any thread puts work, one thread takes it, in order."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._ready = threading.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, work: Work | Job) -> Future[object]:
        """Enqueue *work*; the future fails with `JournalError` once the queue is closed."""
        future: Future[object] = Future()
        with self._ready:
            if self._is_closed:
                future.set_exception(JournalError("the journal is closed"))
            else:
                self._items.append((work, future))
                self._ready.notify()
        return future

    @property
    def is_closed(self) -> bool:
        """Whether new work is refused."""
        return self._is_closed

    def close(self) -> bool:
        """Refuse new work; what is queued is still taken. Return False when closed already."""
        with self._ready:
            if self._is_closed:
                return False
            self._is_closed = True
            self._ready.notify()
        return True

    def wait(self) -> bool:
        """Wait until there is something to take; return False when closed and done."""
        with self._ready:
            while not self._items:
                if self._is_closed:
                    return False
                self._ready.wait()
            return True

    def take(self) -> list[Item]:
        """Return the next group, or nothing when the queue is empty."""
        with self._ready:
            return self._take()

    def take_above(self, urgency: Urgency) -> list[Item]:
        """Return the next group of jobs more urgent than *urgency*; others keep their places in the queue."""
        with self._ready:
            passed: list[Item] = []
            while self._items and urgency_of(self._items[0][0]) <= urgency:
                passed.append(self._items.popleft())
            group = self._take()
            self._items.extendleft(reversed(passed))
            return group

    def take_request(self) -> list[Item]:
        """Return the next job that is a request; all else keeps its place in the queue."""
        with self._ready:
            for at, (work, future) in enumerate(self._items):
                if callable(work) and urgency_of(work) is Urgency.REQUEST:
                    del self._items[at]
                    return [(work, future)] if future.set_running_or_notify_cancel() else []
            return []

    def _take(self) -> list[Item]:
        """Return one job, or all appends queued in a row: those are committed together."""
        group: list[Item] = []
        weight = 0
        while self._items and weight < MAX_EVENTS:
            work, future = self._items[0]
            if callable(work) and group:
                break
            item = self._items.popleft()
            if not future.set_running_or_notify_cancel():
                continue  # cancelled by its caller; from here on it can no longer be cancelled
            group.append(item)
            if callable(work):
                break
            weight += len(work.events) if isinstance(work, Batch) else 1
        return group


def fail(items: list[Item], error: Exception) -> None:
    """Fail the futures of *items*."""
    for _, future in items:
        future.set_exception(error)
