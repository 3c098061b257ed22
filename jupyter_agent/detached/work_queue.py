"""Orders: attempts that wait for a worker, one small file each.

``orders/<producer>.json`` says that a worker which will be that producer is to be started. The worker takes
it by a rename to ``workers/``; whoever cancels takes it by a rename too. A rename has one winner, so that
each order is carried out once or withdrawn once, whatever else starts, stops or dies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..core.events import TaskState
from ..core.task import Task
from ..system.files import make_private, write_private
from ..system.locks import is_locked
from ..system.paths import DataPaths
from ..system.processes import end_children, is_worker
from .run_spec import load_run_spec


class WorkItem(Struct, frozen=True, omit_defaults=True):
    """``created`` and ``not_before`` are Unix seconds; ``after`` is the worker that must have ended first.

    ``journal`` is the slot that the worker's events belong to. ``leader`` is the process of the worker that
    has taken it; 0: none.
    """

    task: str
    attempt: int
    producer: str
    journal: str
    created: float
    not_before: float = 0.0
    after: str | None = None
    leader: int = 0


def enqueue_work_item(paths: DataPaths, item: WorkItem) -> None:
    """Have a worker started for this attempt."""
    write_private(make_private(paths.orders) / f"{item.producer}.json", msgspec.json.encode(item))


def waiting_work_items(paths: DataPaths) -> Iterator[WorkItem]:
    """What no worker has taken yet, oldest first."""
    return _read_all(paths.orders)


def is_waiting(paths: DataPaths, producer: str) -> bool:
    """Whether a worker that will be *producer* is still to start."""
    return (paths.orders / f"{producer}.json").exists()


def claim_work_item(paths: DataPaths, producer: str) -> WorkItem | None:
    """Take the order as its worker; ``None`` when it was withdrawn, or somebody else took it."""
    make_private(paths.workers)
    taken = _taken(paths, producer)
    try:
        (paths.orders / f"{producer}.json").rename(taken)
    except FileNotFoundError:
        return None
    item = _read(taken)
    if item is not None:
        write_private(taken, msgspec.json.encode(replace(item, leader=os.getpid())))
    return item


def withdraw_work_item(paths: DataPaths, producer: str) -> bool:
    """Take the order away; false when a worker has it already, or it never was."""
    path = paths.orders / f"{producer}.json"
    gone = path.with_name(f".gone-{producer}")
    try:
        path.rename(gone)
    except FileNotFoundError:
        return False
    gone.unlink(missing_ok=True)
    return True


def complete_work_item(paths: DataPaths, producer: str) -> None:
    """The worker has ended; again is nothing."""
    _taken(paths, producer).unlink(missing_ok=True)
    _stop_sign(paths, producer).unlink(missing_ok=True)


def ask_to_stop(paths: DataPaths, producer: str) -> None:
    """Say beforehand that the SIGTERM which the worker will get is a cancel; where no server could say so."""
    make_private(paths.workers)
    write_private(_stop_sign(paths, producer), b"")


def is_asked_to_stop(paths: DataPaths, producer: str) -> bool:
    """Whether a SIGTERM to the worker is a cancel."""
    return _stop_sign(paths, producer).exists()


def claimed_work_items(paths: DataPaths) -> list[WorkItem]:
    """What workers have in hand, oldest first; a worker that was killed leaves its own behind."""
    return list(_read_all(paths.workers))


def sweep_workers(paths: DataPaths) -> None:
    """End and remove what workers that were killed have left, once their last words are taken in; and what
    nobody is there to remove: logs of workers whose launcher was gone before them."""
    for item in claimed_work_items(paths):
        if not has_started(paths, item.producer):
            _end_what_it_left(paths, item)
            complete_work_item(paths, item.producer)
    for path in (*paths.workers.glob("[0-9A-Z]*.log"), *paths.workers.glob("[0-9A-Z]*.stop")):
        if not is_waiting(paths, path.stem) and not has_started(paths, path.stem):
            path.unlink(missing_ok=True)


def _end_what_it_left(paths: DataPaths, item: WorkItem) -> None:
    """End what a killed worker had started. One that ends by itself ends its order before its process."""
    gone = item.leader > 0 and not is_worker(item.leader, item.producer)
    if gone and _taken(paths, item.producer).exists():
        end_children(item.leader, started_by=item.producer)


def is_alive(paths: DataPaths, producer: str) -> bool:
    """Whether the worker that is *producer* lives."""
    return is_locked(paths.spools / producer / "lock")


def has_pending_retry(paths: DataPaths, task: Task) -> bool:
    """Whether the worker of an attempt that failed is about to queue the next one itself, as `retries` allow.

    For some milliseconds nothing else tells, and another attempt of that number would be one too many.
    """
    worker = task.producer or ""
    if task.state is not TaskState.FAILED or task.cancel_requested or not is_alive(paths, worker):
        return False
    item, run_spec = _read(_taken(paths, worker)), load_run_spec(paths, task.id)
    return item is not None and run_spec is not None and task.attempt < item.attempt + run_spec.retries


def has_started(paths: DataPaths, producer: str) -> bool:
    """Whether the worker has begun; true until what it left has been taken in."""
    return (paths.spools / producer).exists()


def _taken(paths: DataPaths, producer: str) -> Path:
    return paths.workers / f"{producer}.json"


def _stop_sign(paths: DataPaths, producer: str) -> Path:
    return paths.workers / f"{producer}.stop"


def _read_all(folder: Path) -> Iterator[WorkItem]:
    for path in sorted(folder.glob("[0-9A-Z]*.json")):
        item = _read(path)
        if item is not None:
            yield item


def _read(path: Path) -> WorkItem | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=WorkItem)
    except (OSError, msgspec.MsgspecError):
        return None
