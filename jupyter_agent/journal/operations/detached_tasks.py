"""Detached tasks as the journal's holder queues, withdraws and retries them.

All on the journal's thread. The event comes first and the order after it: what is killed in between leaves
a queued task without a worker, which the next look after orphans calls interrupted.
"""

from __future__ import annotations

import time

from ...core.events import Command, Error, State, TaskState
from ...core.task import Task, current_for_key
from ...detached.run_spec import RunSpec, load_run_spec, save_run_spec
from ...detached.work_queue import WorkItem, enqueue_work_item, withdraw_work_item
from ...detached.work_state import WorkState, has_pending_retry, state_of
from ...errors import NotNow
from ...system.ids import new_id
from ...system.paths import DataPaths
from ..base import HolderEvent
from ..session import JournalSession

_KEEPS_ITS_KEY = (TaskState.QUEUED, TaskState.RUNNING, TaskState.COMPLETED)
NOT_STARTED = "WorkerNotStarted"


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
    """Queue what *run_spec* says; the task, and whether it was queued now.

    With a key that a task has which lasts, completed or is tried again by itself, it is that task; with one
    that an ended task has, its next attempt. *task* and *worker* are ids chosen before: the same ones again
    do nothing twice. *after*: the worker that must have ended first.
    """
    found = _found(session, task, run_spec.about.key)
    if found is not None and found.producer == worker:
        _order(paths, slot, found, after)
        return found, False
    if found is not None and (found.state in _KEEPS_ITS_KEY or has_pending_retry(paths, found)):
        return found, False
    ident = found.id if found is not None else task or new_id()
    return _queue(session, paths, slot, run_spec, found, ident, worker or new_id(), after), True


def requeue_task(session: JournalSession, paths: DataPaths, slot: str, task: Task, by: str) -> bool:
    """Queue another attempt of an ended detached task; false when it is no detached one.

    Raises `NotNow` when its worker does so itself.
    """
    run_spec = load_run_spec(paths, task.id)
    if run_spec is None:
        return False
    if has_pending_retry(paths, task):
        raise NotNow(f"task {task.id} is being tried again by itself", task_id=task.id)
    session.append(HolderEvent(task.id, task.attempt, "command", Command("retry", {}, by)))
    _queue(session, paths, slot, run_spec, task, task.id, new_id(), None)
    return True


def cancel_queued(session: JournalSession, paths: DataPaths, task: Task, by: str) -> bool:
    """Cancel a task that waits for its worker; false when a worker has it, or it needs none."""
    if task.state is not TaskState.QUEUED or not withdraw_work_item(paths, task.producer or ""):
        return False
    session.append(
        HolderEvent(task.id, task.attempt, "command", Command("cancel", {}, by)),
        HolderEvent(
            task.id, task.attempt, "state", State(TaskState.CANCELLED, reason="cancelled while queued")
        ),
    )
    return True


def fail_work_item(session: JournalSession, item: WorkItem, why: str) -> None:
    """Say of an attempt that it failed because it got no worker."""
    task = session.journal.task(item.task)
    if task is not None and task.attempt == item.attempt and not task.state.ended:
        state = State(TaskState.FAILED, error=Error(NOT_STARTED, why))
        session.append(HolderEvent(item.task, item.attempt, "state", state))


def _found(session: JournalSession, task: str | None, key: str | None) -> Task | None:
    if task is not None:
        return session.journal.task(task)
    return None if key is None else current_for_key(session.journal.tasks(key=key))


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
    save_run_spec(paths, task_id, run_spec)
    session.append(
        HolderEvent(task_id, attempt, "state", State(TaskState.QUEUED, about=run_spec.about, producer=worker))
    )
    task = session.journal.task(task_id)
    assert task is not None
    _order(paths, slot, task, after)
    return task


def _order(paths: DataPaths, slot: str, task: Task, after: str | None) -> None:
    worker = task.producer or ""
    if task.state is TaskState.QUEUED and state_of(paths, worker) is WorkState.GONE:
        enqueue_work_item(paths, WorkItem(task.id, task.attempt, worker, slot, time.time(), after=after))
