"""Work queue: attempts that wait for a worker, one small file each.

A worker claims its item by a rename to ``workers/``; a cancel withdraws it by a rename too. A rename has one
winner, so each item is run once or withdrawn once, whatever else starts, stops or dies. `work_state` draws
the files, the order of steps, and what a crash between two of them leaves.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..system.files import make_private, write_private
from ..system.paths import DataPaths

_ITEMS = "[0-9A-Z]*.json"
LOGS = "[0-9A-Z]*.log"
"""The files of `log_path`, for all workers."""


class WorkItem(Struct, frozen=True, omit_defaults=True):
    """One attempt to be run by a worker that will be the producer ``producer``.

    ``created`` and ``not_before`` are Unix seconds; ``after`` is the worker that must have ended first.
    ``journal`` is the slot that the worker's events belong to. ``leader`` is the pid of the worker that has
    claimed it; 0: none.
    """

    task: str
    attempt: int
    producer: str
    journal: str
    created: float
    not_before: float = 0.0
    after: str | None = None
    leader: int = 0


def waiting_path(paths: DataPaths, worker: str) -> Path:
    """Return where the item for *worker* lies until it is claimed or withdrawn."""
    return paths.orders / f"{worker}.json"


def claimed_path(paths: DataPaths, worker: str) -> Path:
    """Return where the item lies once *worker* has claimed it."""
    return paths.workers / f"{worker}.json"


def log_path(paths: DataPaths, worker: str) -> Path:
    """Return the file with the output of *worker* before it can emit, which is locked while it starts."""
    return paths.workers / f"{worker}.log"


def stop_path(paths: DataPaths, worker: str) -> Path:
    """Return the file whose existence makes a SIGTERM to *worker* a cancel."""
    return paths.workers / f"{worker}.stop"


def enqueue_work_item(paths: DataPaths, item: WorkItem) -> None:
    """Write the work item, for which a launcher starts a worker."""
    make_private(paths.orders)
    write_private(waiting_path(paths, item.producer), msgspec.json.encode(item))


def waiting_work_items(paths: DataPaths) -> Iterator[WorkItem]:
    """Yield the items that no worker has claimed, oldest first."""
    return _read_all(paths.orders)


def waiting_work_item(paths: DataPaths, worker: str) -> WorkItem | None:
    """Return the item for *worker* that no worker has claimed."""
    return _read(waiting_path(paths, worker))


def waiting_worker_count(paths: DataPaths) -> int:
    """Return how many items no worker has claimed."""
    return sum(1 for _ in paths.orders.glob(_ITEMS))


def claim_work_item(paths: DataPaths, worker: str) -> WorkItem | None:
    """Claim the item as its worker; ``None`` when it was withdrawn or claimed before."""
    make_private(paths.workers)
    claimed = claimed_path(paths, worker)
    # The rename decides; the pid is added after it. A crash in between leaves leader 0, and then nothing
    # that this process started can be found: it has not started anything yet.
    try:
        waiting_path(paths, worker).rename(claimed)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _claim_across(paths, worker)
    item = _read(claimed)
    if item is not None:
        write_private(claimed, msgspec.json.encode(replace(item, leader=os.getpid())))
    return item


def _claim_across(paths: DataPaths, worker: str) -> WorkItem | None:
    """Claim the item where a link leads one of the folders to another file system, and no rename there."""
    item = waiting_work_item(paths, worker)
    if item is None or not withdraw_work_item(paths, worker):  # whose rename decides, too
        return None
    write_private(claimed_path(paths, worker), msgspec.json.encode(replace(item, leader=os.getpid())))
    return item


_WITHDRAWN = ".gone-"
"""Prefix of items that are being deleted; no reader looks at such a name."""


def withdraw_work_item(paths: DataPaths, worker: str) -> bool:
    """Remove the item before it is claimed; false when a worker has claimed it, or it never was."""
    path = waiting_path(paths, worker)
    gone = path.with_name(_WITHDRAWN + worker)
    try:
        path.rename(gone)
    except FileNotFoundError:
        return False
    gone.unlink(missing_ok=True)
    return True


def sweep_withdrawn_items(paths: DataPaths) -> None:
    """Delete the files of withdrawn items whose process was killed meanwhile."""
    for path in paths.orders.glob(f"{_WITHDRAWN}*"):
        path.unlink(missing_ok=True)


def claimed_work_items(paths: DataPaths) -> list[WorkItem]:
    """Return the items that workers have claimed, oldest first; a killed worker's too, until it is swept."""
    return list(_read_all(paths.workers))


def claimed_work_item(paths: DataPaths, worker: str) -> WorkItem | None:
    """Return the item that *worker* has claimed and not completed."""
    return _read(claimed_path(paths, worker))


def ask_to_stop(paths: DataPaths, worker: str, *, now: bool = False) -> None:
    """Make the next SIGTERM to the worker a cancel, for a worker that has no connection to a server.

    *now*: a second one, which ends its grace.
    """
    make_private(paths.workers)
    write_private(stop_path(paths, worker), b"now" if now else b"")


def complete_work_item(paths: DataPaths, worker: str) -> None:
    """Remove what is on disk of an item whose worker has ended. Idempotent."""
    claimed_path(paths, worker).unlink(missing_ok=True)
    stop_path(paths, worker).unlink(missing_ok=True)


def _read_all(folder: Path) -> Iterator[WorkItem]:
    for path in sorted(folder.glob(_ITEMS)):
        item = _read(path)
        if item is not None:
            yield item


def _read(path: Path) -> WorkItem | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=WorkItem)
    except (OSError, msgspec.MsgspecError):
        return None
