"""Worker slots: one lock for each worker that may run at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from ..errors import BadTarget
from ..system.files import make_private, write_private
from ..system.graces import GRACE, MAX_GRACE
from ..system.locks import FileLock, is_locked
from ..system.paths import DataPaths


class WorkerLimits(Struct, frozen=True):
    """``workers``: how many run at once; ``memory``: bytes for each of them, 0 without limit.

    ``grace``: seconds that a task of any kind may clean up after a cancel, where it has no option of its own.
    """

    workers: Annotated[int, Meta(ge=1, le=10_000)]
    memory: Annotated[int, Meta(ge=0)] = 0
    grace: Annotated[float, Meta(ge=0, le=MAX_GRACE)] = GRACE


def default_workers() -> int:
    """Return how many workers run at once by default: one for each processor, but at least 2."""
    return max(2, os.cpu_count() or 1)


def save_limits(paths: DataPaths, limits: WorkerLimits) -> None:
    """Save the limits for all processes that start workers."""
    write_private(make_private(paths.workers) / "limits", msgspec.json.encode(limits))


def are_limits_saved(paths: DataPaths) -> bool:
    """Return False if nothing saved limits, or what was saved was deleted."""
    return (paths.workers / "limits").exists()


def load_limits(paths: DataPaths) -> WorkerLimits:
    """Return ``JUPYTER_AGENT_WORKERS``, else the limits that a server saved last, else the default."""
    try:
        saved = msgspec.json.decode((paths.workers / "limits").read_bytes(), type=WorkerLimits)
    except (OSError, msgspec.MsgspecError):
        saved = WorkerLimits(default_workers())
    configured = os.environ.get("JUPYTER_AGENT_WORKERS", "")
    if configured.isascii() and configured.isdigit() and 1 <= int(configured) <= 10_000:
        return replace(saved, workers=int(configured))
    return saved


def load_grace(paths: DataPaths, option: float | None) -> float:
    """Return *option*, else ``JUPYTER_AGENT_GRACE``, else the grace that a server saved last, else `GRACE`.

    Raises `BadTarget` for an environment variable that is not a number of seconds.
    """
    if option is not None:
        return float(option)
    configured = os.environ.get(GRACE_VARIABLE)
    if not configured:
        return load_limits(paths).grace
    try:
        return check_grace(float(configured))
    except ValueError as error:
        raise BadTarget(f"{GRACE_VARIABLE}={configured!r}: {_GRACES}") from error


GRACE_VARIABLE = "JUPYTER_AGENT_GRACE"
_GRACES = f"a grace is a number of seconds from 0 to {MAX_GRACE:,.0f}, such as 15"


def check_grace(seconds: float) -> float:
    """Return *seconds*. Raises `ValueError` for what is no grace."""
    if not 0 <= seconds <= MAX_GRACE:  # NaN is not, either
        raise ValueError(f"grace={seconds!r}: {_GRACES}")
    return seconds


def acquire_worker_slot(paths: DataPaths, workers: int | None = None) -> FileLock | None:
    """Acquire a free slot, held until it is released or this process dies; ``None`` when there is none.

    *workers* is the number of slots; ``None``: that of `load_limits`.
    """
    folder = make_private(paths.workers)
    for number in range(workers or load_limits(paths).workers):
        lock = FileLock.acquire(folder / f"slot-{number}")
        if lock is not None:
            return lock
    return None


def free_worker_slots(paths: DataPaths) -> int:
    """Return how many more workers may start now."""
    return sum(_is_free(paths.workers / f"slot-{number}") for number in range(load_limits(paths).workers))


def _is_free(slot: Path) -> bool:
    try:
        return not is_locked(slot)
    except OSError:  # of a disk that fails: no worker can acquire it, either
        return False
