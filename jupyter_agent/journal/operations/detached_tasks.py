"""Detached tasks in the journal: enqueue, requeue, cancel, fail.

The event comes first and the work item after it. A kill in between leaves a queued task without a work item,
which `interruption.interrupt_orphans` ends.
"""

from __future__ import annotations

import time
from functools import partial

from ...core.events import Command, Error, State, TaskState
from ...core.query import key_queries
from ...core.task import Task, current_for_key
from ...detached.run_spec import RunSpec, load_run_spec, save_run_spec
from ...detached.work_queue import WorkItem, enqueue_work_item, withdraw_work_item
from ...detached.work_state import WorkState, has_pending_retry, state_of
from ...errors import NotNow
from ...system.ids import new_id
from ...system.paths import DataPaths
from ..base import SCAN_LIMIT, HolderEvent
from ..session import JournalSession
from ..task_search import TaskSearch
from .pace import in_steps

_KEEPS_KEY = (TaskState.QUEUED, TaskState.RUNNING, TaskState.COMPLETED)
"""States in which a task is returned for its key instead of being queued again."""

NOT_STARTED = "WorkerNotStarted"
"""Error type of a task whose worker could not be started."""


def enqueue_task(
    session: JournalSession,
    paths: DataPaths,
    slot: str,
    run_spec: RunSpec,
    *,
    task: str | None = None,
    worker: str | None = None,
    after: str | None = None,
) -> tuple[Task, bool]:
    """Queue the task that *run_spec* describes; return it, and whether it was queued now.

    When a task with the same key is open, has completed or is about to retry, that task is returned; when one
    has ended otherwise, its next attempt is queued. *task* and *worker* are ids chosen by the caller, with
    which the call is idempotent. *after*: the worker that must have ended first. Others run between the steps
    of the search for a key, in a `PreemptibleJob`: the caller keeps the key's lock meanwhile.
    """
    found = _find(session, task, run_spec.about.key)
    if found is not None and found.producer == worker:  # a repeated call: complete what a kill cut short
        _ensure_work_item(paths, slot, found, after)
        return found, False
    if found is not None and (found.state in _KEEPS_KEY or has_pending_retry(paths, found)):
        return found, False
    ident = found.id if found is not None else task or new_id()
    return _queue(session, paths, slot, run_spec, found, ident, worker or new_id(), after), True


def requeue_task(session: JournalSession, paths: DataPaths, slot: str, task: Task, by: str) -> bool:
    """Queue another attempt of an ended detached task; return False when the task is not detached.

    Raises `NotNow` when its worker is about to retry it.
    """
    run_spec = load_run_spec(paths, task.id)
    if run_spec is None:
        return False
    if has_pending_retry(paths, task):
        raise NotNow(f"task {task.id} is about to be retried automatically", task_id=task.id)
    session.append(HolderEvent(task.id, task.attempt, "command", Command("retry", {}, by)))
    _queue(session, paths, slot, run_spec, task, task.id, new_id(), None)
    return True


def cancel_queued(session: JournalSession, paths: DataPaths, task: Task, by: str) -> bool:
    """Cancel a task whose work item was not claimed yet; return False when it was, or when there is none."""
    if task.state is not TaskState.QUEUED or not withdraw_work_item(paths, task.producer or ""):
        return False
    # The withdrawal decides: from here on no worker can claim the item, so the end below is the only one.
    session.append(
        HolderEvent(task.id, task.attempt, "command", Command("cancel", {}, by)),
        HolderEvent(
            task.id, task.attempt, "state", State(TaskState.CANCELLED, reason="cancelled while queued")
        ),
    )
    return True


def fail_work_item(session: JournalSession, item: WorkItem, why: str) -> None:
    """Record that an attempt failed because its worker could not be started."""
    task = session.journal.task(item.task)
    if task is not None and task.attempt == item.attempt and not task.state.ended:
        state = State(TaskState.FAILED, error=Error(NOT_STARTED, why))
        session.append(HolderEvent(item.task, item.attempt, "state", state))


def _find(session: JournalSession, task: str | None, key: str | None) -> Task | None:
    if task is not None:
        return session.journal.task(task)
    if key is None:
        return None
    searches = [TaskSearch(query) for query in key_queries(key)]
    for search in searches:
        in_steps(session, partial(search.step, session.journal), SCAN_LIMIT)
    # As they are now: others have run between the steps, and may have ended or retried what was found.
    ids = sorted({ident for search in searches for ident in search.ids}, reverse=True)
    return current_for_key(session.journal.tasks_of(ids))


def _queue(
    session: JournalSession,
    paths: DataPaths,
    slot: str,
    run_spec: RunSpec,
    found: Task | None,
    task_id: str,
    worker: str,
    after: str | None,
) -> Task:
    if found is not None and not found.state.ended:
        raise NotNow(f"task {found.id} is {found.state.value}; it has not ended yet", task_id=found.id)
    attempt = found.attempt + 1 if found else 1
    # Run spec, event, work item, in this order: a worker that claims the item finds the other two.
    save_run_spec(paths, task_id, run_spec)
    session.append(
        HolderEvent(task_id, attempt, "state", State(TaskState.QUEUED, about=run_spec.about, producer=worker))
    )
    task = session.journal.task(task_id)
    assert task is not None
    _ensure_work_item(paths, slot, task, after)
    return task


def _ensure_work_item(paths: DataPaths, slot: str, task: Task, after: str | None) -> None:
    worker = task.producer or ""
    if task.state is TaskState.QUEUED and state_of(paths, worker) is WorkState.GONE:
        enqueue_work_item(paths, WorkItem(task.id, task.attempt, worker, slot, time.time(), after=after))
