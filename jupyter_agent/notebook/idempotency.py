"""Keys: which task a submit with a key means, and that no two processes begin it at once.

Who submits holds the key's lock from looking until others can find what it began. The lock is a file's, so it
works with a server and without, and goes with its process. Where it cannot be had for `LOCK_TIMEOUT`
seconds (its process is stopped, or the file system has no locks), the submit goes on without it: then two
processes may begin the same work.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.events import TaskState
from ..core.task import Task, current_for_key
from ..detached.work_state import has_pending_retry
from ..errors import AgentError
from ..producer.producer import Producer
from ..runtime.local_task import LocalTask
from ..runtime.registry import local_tasks
from ..system.files import make_private
from ..system.locks import FileLock
from ..system.paths import DataPaths
from .handle import TaskHandle
from .journal_client import list_tasks
from .remote_task import RemoteTask

log = logging.getLogger(__name__)

MAX_KEY = 1000
LOCK_TIMEOUT = 10.0
"""Seconds that a submit waits for another one with the same key."""

COMMIT_TIMEOUT = 2.0
"""Seconds that it waits for a server to have what this process emitted."""

_POLL_INTERVAL = 0.01
_MAX_TASKS = 100
_here = threading.RLock()

KeyLookup = TaskHandle | LocalTask | Task | None
"""The running or completed task with a key; or an ended one, of this process or another, to go on with."""


def check_key(key: object) -> None:
    """Raise a clear `TypeError` or `ValueError` for what cannot be a key."""
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
    """What a submit with *key* means. Nobody else begins it before the block is left."""
    if key is None:
        yield None
        return
    with _here, _locked(producer.paths, key):
        yield _find(producer, key)
        _is_known(producer)


def _find(producer: Producer, key: str) -> KeyLookup:
    """One that lasts here is at hand; for all others the journal is asked, since others may have gone on with
    a task, or deleted it."""
    ours = next((task for task in reversed(local_tasks()) if task.options.key == key), None)
    if ours is not None and not ours.fold.state.ended:
        return TaskHandle(ours, ours.outcome_holder)
    there = None
    known = ours is None or _is_known(producer)
    try:
        there = current_for_key(
            task for task in list_tasks(producer, key=key, limit=_MAX_TASKS) if task.key == key
        )
    except AgentError as error:
        log.warning("whether a task with key %r is there already could not be asked: %s", key, error)
        known = False
    if ours is not None and (not known or _is_newest(ours.fold, there)):
        return TaskHandle(ours, ours.outcome_holder) if ours.fold.state is TaskState.COMPLETED else ours
    if there is None or (_can_go_on(there) and not has_pending_retry(producer.paths, there)):
        return there
    return TaskHandle(RemoteTask(producer, there.id, there))


def _can_go_on(there: Task) -> bool:
    return there.state.ended and there.state is not TaskState.COMPLETED


def _is_newest(ours: Task, there: Task | None) -> bool:
    return there is not None and there.id == ours.id and there.attempt <= ours.attempt


def _is_known(producer: Producer) -> bool:
    """Whether others can find what this process emitted; without a server they read its spool."""
    return producer.locate() is None or producer.flush(COMMIT_TIMEOUT)


@contextmanager
def _locked(paths: DataPaths, key: str) -> Iterator[None]:
    lock = _lock_of(paths, key)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _lock_of(paths: DataPaths, key: str) -> FileLock | None:
    """The key's lock, or ``None`` where it cannot be had. 256 files serve all keys."""
    name = hashlib.sha256(key.encode()).hexdigest()[:2]
    deadline = time.monotonic() + LOCK_TIMEOUT
    try:
        folder = make_private(paths.root / "keys")
        while (lock := FileLock.acquire(folder / name)) is None and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL)
    except OSError as error:
        log.debug("the lock of key %r cannot be had: %s", key, error)
        return None
    if lock is None:
        log.warning("another process keeps key %r; this one goes on without waiting for it", key)
    return lock
