"""The tasks that this process queued: all that last, and the newest of those that have ended."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .local_task import LocalTask

MAX_KEPT = 200
"""How many ended tasks can still be retried from this process."""

_running: dict[str, LocalTask] = {}
_ended: dict[str, LocalTask] = {}
_table = threading.Lock()


def add_task(task: LocalTask) -> None:
    """The task has an attempt that lasts."""
    with _table:
        _ended.pop(task.id, None)
        _running[task.id] = task


def mark_ended(task: LocalTask) -> None:
    """The task has ended: keep it a while, for a retry."""
    with _table:
        _running.pop(task.id, None)
        _ended[task.id] = task
        while len(_ended) > MAX_KEPT:
            old = next(iter(_ended))
            del _ended[old]
            task.producer.forget_command(old)


def discard_task(task: LocalTask) -> None:
    """Another process runs its next attempt: this one knows it no more."""
    with _table:
        _running.pop(task.id, None)
        _ended.pop(task.id, None)
    task.producer.forget_command(task.id)


def local_task(task_id: str) -> LocalTask | None:
    """The task with this id, if this process queued it (and it did not end long ago)."""
    with _table:
        return _running.get(task_id) or _ended.get(task_id)


def local_tasks() -> list[LocalTask]:
    """Every task that this process still knows, oldest first."""
    with _table:
        return sorted([*_ended.values(), *_running.values()], key=lambda task: task.id)


def interrupt_all(reason: str) -> None:
    """This process ends: every attempt that lasts is interrupted."""
    for task in local_tasks():
        if not task.fold.state.ended:
            task.interrupt(reason)


def _after_fork_in_child() -> None:
    global _table
    _table = threading.Lock()
    _running.clear()
    _ended.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
