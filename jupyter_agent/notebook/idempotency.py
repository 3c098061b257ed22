"""Idempotency keys: find the task that a key stands for, and start it in one process only.

A submit holds the key's lock (`detached.key_lock`) from the lookup until other processes can find the task
that it started, with and without a server; a submit that its server does not store in `COMMIT_TIMEOUT`
seconds returns, and a thread holds the lock on. Where a submit goes on without that lock, two processes may
start the same work.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from ..core.events import TaskState
from ..core.task import Task, current_for_key
from ..detached.key_lock import hold_key
from ..detached.work_state import has_pending_retry
from ..errors import AgentError
from ..producer.producer import Producer
from ..runtime.local_task import LocalTask, local_tasks
from .handle import TaskHandle
from .journal_client import list_tasks
from .remote_task import RemoteTask

log = logging.getLogger(__name__)

MAX_KEY = 1000
COMMIT_TIMEOUT = 2.0
"""Seconds that a submit waits for a server to commit what this process emitted."""

_STEP = 0.5
"""Seconds between two looks of the thread that holds a lock on whether there is still a server."""

_MAX_TASKS = 100
_here = threading.RLock()

KeyLookup = TaskHandle | LocalTask | Task | None
"""A handle of the running or completed task with a key; or an ended task, local or remote, to continue."""


def _after_fork_in_child() -> None:
    global _here
    _here = threading.RLock()  # another thread of the parent may have held the old one at the fork


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def check_key(key: object) -> None:
    """Raise `TypeError` or `ValueError` if *key* cannot be a key."""
    if key is None:
        return
    if not isinstance(key, str):
        raise TypeError(f"key={key!r:.60} is {type(key).__name__}; a key is text, such as 'nightly-2024'")
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise ValueError(
            f"key={key[:60]!r} cannot be a key: use 1 to {MAX_KEY:,} characters that can be printed"
        )


@contextmanager
def reserve_key(producer: Producer, key: str | None) -> Iterator[KeyLookup]:
    """Yield the task that *key* stands for, and hold the key's lock until the block is left."""
    if key is None:
        yield None
        return
    # Two locks: file locks do not exclude threads of one process from each other. They are released only
    # when the new task is visible to other processes, or the next submit would not find it.
    with _here, hold_key(producer.paths, key) as hold:
        yield _find(producer, key)
        if not _is_visible(producer) and not producer.closed and not producer.muted:
            hold.keep(until=partial(_wait_until_visible, producer, producer.spool.last))


def _find(producer: Producer, key: str) -> KeyLookup:
    """Look the key up.

    A task that is active in this process needs no request. For all others the journal is asked, since other
    processes may have continued or deleted a task.
    """
    local = next((task for task in reversed(local_tasks.all()) if task.options.key == key), None)
    if local is not None and not local.fold.state.ended:
        return TaskHandle(local, local.outcome_holder)
    there = None
    visible = local is None or _is_visible(producer)
    try:
        there = current_for_key(
            task for task in list_tasks(producer, key=key, limit=_MAX_TASKS) if task.key == key
        )
    except AgentError as error:
        log.warning("could not look up whether a task with key %r exists: %s", key, error)
        visible = False
    if local is not None and (not visible or _is_newest(local.fold, there)):
        return TaskHandle(local, local.outcome_holder) if local.fold.state is TaskState.COMPLETED else local
    if there is None or (_can_continue(there) and not has_pending_retry(producer.paths, there)):
        return there
    return TaskHandle(RemoteTask(producer, there.id, there))


def _can_continue(there: Task) -> bool:
    return there.state.ended and there.state is not TaskState.COMPLETED


def _is_newest(local: Task, there: Task | None) -> bool:
    return there is not None and there.id == local.id and there.attempt <= local.attempt


def _is_visible(producer: Producer) -> bool:
    """Return whether other processes can find what this one emitted; without a server they read its spool."""
    return producer.locate() is None or producer.flush(COMMIT_TIMEOUT)


def _wait_until_visible(producer: Producer, last: int) -> None:
    """Wait until other processes can find this one's event number *last*, or this process ends."""
    while producer.locate() is not None and not producer.flush(_STEP, upto=last):
        if producer.closed or producer.muted:  # nothing is sent any more: the lock falls with the process
            threading.Event().wait()
