"""Worker slots: how many workers run at once, as locks that each holds while it lives."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ..system.files import make_private, write_private
from ..system.locks import FileLock, is_locked
from ..system.paths import DataPaths


class WorkerLimits(Struct, frozen=True):
    """``workers``: how many at once; ``memory``: bytes that one may use, 0 without limit."""

    workers: Annotated[int, Meta(ge=1, le=10_000)]
    memory: Annotated[int, Meta(ge=0)] = 0


def default_workers() -> int:
    """Where nobody says otherwise: as many as there are processors, and at least 2."""
    return max(2, os.cpu_count() or 1)


def save_limits(paths: DataPaths, limits: WorkerLimits) -> None:
    """Say to everybody who starts workers how many there may be."""
    write_private(make_private(paths.workers) / "limits", msgspec.json.encode(limits))


def load_limits(paths: DataPaths) -> WorkerLimits:
    """``JUPYTER_AGENT_WORKERS``, else what a server has said last, else the default."""
    try:
        said = msgspec.json.decode((paths.workers / "limits").read_bytes(), type=WorkerLimits)
    except (OSError, msgspec.MsgspecError):
        said = WorkerLimits(default_workers())
    asked = os.environ.get("JUPYTER_AGENT_WORKERS", "")
    if asked.isascii() and asked.isdigit() and 1 <= int(asked) <= 10_000:
        return WorkerLimits(int(asked), said.memory)
    return said


def acquire_worker_slot(paths: DataPaths, workers: int | None = None) -> FileLock | None:
    """A free slot, held until it is released or this process dies; ``None`` when all are taken.

    *workers* is how many there are for who starts this worker.
    """
    folder = make_private(paths.workers)
    for number in range(workers or load_limits(paths).workers):
        lock = FileLock.acquire(folder / f"slot-{number}")
        if lock is not None:
            return lock
    return None


def free_worker_slots(paths: DataPaths) -> int:
    """How many more workers may start now."""
    count = load_limits(paths).workers
    return count - sum(is_locked(paths.workers / f"slot-{number}") for number in range(count))
