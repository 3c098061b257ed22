"""Work state: how far a work item and its worker have got, read from files.

P is the id of the worker, chosen when its item is enqueued. Each arrow is one atomic step.

    calls/<task>/call.json         what the task runs; written before its item
          │ enqueue
          ▼
    orders/P.json ─────────────────────────────────────────── WAITING
          │ launcher: locks workers/P.log, starts the process with that as its output
          │                                                   STARTING
          │ worker: locks a slot, creates spools/P with its lock held
          ├── withdraw (rename) ──► orders/.gone-P, deleted ─ GONE
          │ claim (rename)
          ▼
    workers/P.json ────────────────────────────────────────── RUNNING
          │ ask_to_stop: workers/P.stop                       STOPPING
          │ worker: closes its spool; complete: deletes P.json and P.stop
          │ the worker's end releases the lock
          ▼
    spools/P, unlocked ────────────────────────────────────── ENDED
          │ holder: commits what is left there, deletes the folder
          ▼
    none of these ─────────────────────────────────────────── GONE

What a crash leaves:

* after call.json: nothing waits. The holder finds the task queued without a worker and interrupts it.
* of the launcher, after P.log: nothing that counts. Its lock is the process's, while there is one.
* of the worker, before the claim: the item still waits. The spool that it left is empty; the next worker P,
  or the holder, removes it, and nothing is interrupted.
* of the worker, after the claim: ENDED. The holder recovers the spool and interrupts the task, then
  `leftovers.sweep_workers` ends what the worker started and deletes its files.
* of a process that withdraws: orders/.gone-P, which the same sweep deletes.
* of the worker, between closing its spool and `complete`: GONE with P.json, which the same sweep deletes.
"""

from __future__ import annotations

from enum import Enum

from ..core.events import TaskState
from ..core.task import Task
from ..system.locks import is_locked
from ..system.paths import DataPaths
from .run_spec import load_run_spec
from .work_queue import LOGS, claimed_work_item, claimed_work_items, log_path, stop_path, waiting_path


class WorkState(Enum):
    """State of one work item and the worker that it is for; see the module for the files behind it."""

    WAITING = "waiting"
    """No worker is being started for it."""

    STARTING = "starting"
    """Its worker's process has begun, or is about to, and has not claimed it yet. It may find no slot."""

    RUNNING = "running"
    """Its worker has claimed it and is alive."""

    STOPPING = "stopping"
    """The same; and a SIGTERM to that worker is a cancel."""

    ENDED = "ended"
    """Its worker is dead, and what it left has not been recovered."""

    GONE = "gone"
    """It was withdrawn, or its worker is dead and recovered, or it was never enqueued."""

    @property
    def is_open(self) -> bool:
        """Whether a worker will still run, or is running."""
        return self not in (WorkState.ENDED, WorkState.GONE)


def state_of(paths: DataPaths, worker: str) -> WorkState:
    """Return the state of the work item for *worker*."""
    # The order of these looks matters: a worker creates its spool before it claims its item, so one that
    # claims between two looks is found by the second. The other way round it would seem to be gone.
    if is_waiting(paths, worker):
        return WorkState.STARTING if is_locked(log_path(paths, worker)) else WorkState.WAITING
    if is_alive(paths, worker):
        return WorkState.STOPPING if is_asked_to_stop(paths, worker) else WorkState.RUNNING
    return WorkState.ENDED if has_spool(paths, worker) else WorkState.GONE


def is_waiting(paths: DataPaths, worker: str) -> bool:
    """Return True while no worker has claimed the item of *worker*: ``WAITING`` or ``STARTING``."""
    return waiting_path(paths, worker).exists()


def used_worker_slots(paths: DataPaths) -> int:
    """Return how many workers have claimed their item, or are being started and will want a slot."""
    starting = sum(is_waiting(paths, log.stem) and is_locked(log) for log in paths.workers.glob(LOGS))
    running = sum(is_alive(paths, item.producer) for item in claimed_work_items(paths))
    return starting + running


def is_alive(paths: DataPaths, worker: str) -> bool:
    """Return True if the worker's process is alive, whether or not it has claimed its item."""
    return is_locked(paths.spools / worker / "lock")


def has_spool(paths: DataPaths, worker: str) -> bool:
    """Return True from the worker's start until what it left has been recovered."""
    return (paths.spools / worker).exists()


def is_asked_to_stop(paths: DataPaths, worker: str) -> bool:
    """Return True if a SIGTERM to the worker is a cancel.

    The worker itself asks this in its signal handler, where `state_of` could wait for a lock of its own.
    """
    return stop_path(paths, worker).exists()


def is_asked_to_stop_now(paths: DataPaths, worker: str) -> bool:
    """Return True if a SIGTERM to the worker is a second cancel. See `is_asked_to_stop`."""
    try:
        return stop_path(paths, worker).stat().st_size > 0
    except OSError:
        return False


def has_pending_retry(paths: DataPaths, task: Task) -> bool:
    """Return True if the worker of a failed attempt is about to queue the next one itself.

    Until the retry is queued, only this shows it; requeueing now would start the attempt twice.
    """
    worker = task.producer or ""
    if task.state is not TaskState.FAILED or task.cancel_requested or not is_alive(paths, worker):
        return False
    item, run_spec = claimed_work_item(paths, worker), load_run_spec(paths, task.id)
    return item is not None and run_spec is not None and task.attempt < item.attempt + run_spec.retries
