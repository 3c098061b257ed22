"""Registry of tasks by id: the active ones, and the newest of those that have ended."""

from __future__ import annotations

import threading
from typing import Generic, Protocol, TypeVar

from ...core.task import Task
from ...producer.producer import Producer

MAX_KEPT = 200
"""How many ended tasks can still be retried from this process."""


class Registered(Protocol):
    """What the registry needs of a task."""

    @property
    def id(self) -> str: ...

    @property
    def fold(self) -> Task: ...

    @property
    def producer(self) -> Producer: ...

    def abandon(self) -> None: ...


T = TypeVar("T", bound=Registered)


class Registry(Generic[T]):
    """All active tasks and the last `MAX_KEPT` ended ones. Thread-safe."""

    def __init__(self) -> None:
        self._active: dict[str, T] = {}
        self._ended: dict[str, T] = {}
        self._lock = threading.Lock()

    def add(self, task: T) -> None:
        """Add a task that has an active attempt."""
        with self._lock:
            self._ended.pop(task.id, None)
            self._active[task.id] = task

    def mark_ended(self, task: T) -> None:
        """Keep a task that has ended for a later retry, and drop the oldest one over `MAX_KEPT`."""
        with self._lock:
            self._active.pop(task.id, None)
            self._ended[task.id] = task
            while len(self._ended) > MAX_KEPT:
                oldest = self._ended.pop(next(iter(self._ended)))
                oldest.producer.forget_command(oldest.id)

    def discard(self, task: T) -> None:
        """Remove a task whose next attempt another process runs."""
        with self._lock:
            self._active.pop(task.id, None)
            self._ended.pop(task.id, None)
        task.producer.forget_command(task.id)

    def get(self, task_id: str) -> T | None:
        """Return the task with this id; ``None`` when this process did not queue it, or it ended long ago."""
        with self._lock:
            return self._active.get(task_id) or self._ended.get(task_id)

    def all(self) -> list[T]:
        """Return every task that is still known, oldest first."""
        with self._lock:
            return sorted([*self._ended.values(), *self._active.values()], key=lambda task: task.id)

    def abandon_all(self) -> list[T]:
        """Prepare every active attempt for the end of this process; return those that go on until then."""
        for task in self.all():
            if not task.fold.state.ended:
                task.abandon()
        return [task for task in self.all() if not task.fold.state.ended]

    def reset(self) -> None:
        """Forget all tasks, without ending them. For a forked child: they are its parent's."""
        # A new lock: another thread of the parent may have held the old one at the fork.
        self._lock = threading.Lock()
        self._active.clear()
        self._ended.clear()
