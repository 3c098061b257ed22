"""What queued tasks wait for, and the workers of this machine."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from ...core.events import TaskState
from ...core.ids import is_ulid
from ...core.snapshots import WaitingSnapshot
from ...core.task import Task
from ...system.paths import DataPaths
from ..work_queue import waiting_work_item, waiting_worker_count
from ..work_state import state_of
from ..worker_slots import free_worker_slots, load_limits

MODES = ("thread", "loop", "process", "detached", "foreground")
"""Where a task runs, beside executors, which are named by their class."""


class WorkersStatus(Struct):
    """Workers of this machine: how many run, how many may, and how many attempts wait for one."""

    running: int
    limit: int
    waiting: int


class WorkerSlots:
    """The worker slots of this machine, looked up once, when they are first asked about."""

    def __init__(self, paths: DataPaths) -> None:
        self._paths = paths

    @cached_property
    def limit(self) -> int:
        return load_limits(self._paths).workers

    @cached_property
    def are_busy(self) -> bool:
        return free_worker_slots(self._paths) <= 0


def workers_status(paths: DataPaths) -> WorkersStatus:
    """Return how busy the workers are now."""
    limit = load_limits(paths).workers
    return WorkersStatus(limit - free_worker_slots(paths), limit, waiting_worker_count(paths))


def waiting_for(
    paths: DataPaths, task: Task, now: float, slots: WorkerSlots | None = None
) -> WaitingSnapshot | None:
    """Return what a queued task waits for; ``None`` when it begins at any moment, or that is not known.

    *slots*: what was looked up for another task already.
    """
    if task.state is not TaskState.QUEUED:
        return None
    if task.on == "detached":
        return _for_worker(paths, task, now, slots or WorkerSlots(paths))
    if task.reason:
        return WaitingSnapshot("retry", task.reason)
    if task.on and task.on not in MODES:
        return WaitingSnapshot("executor", f"waits for a free place in its {task.on}")
    return None


def _for_worker(paths: DataPaths, task: Task, now: float, slots: WorkerSlots) -> WaitingSnapshot | None:
    producer = task.producer or ""  # an event may name anything as one, and this becomes a file's name
    item = waiting_work_item(paths, producer) if is_ulid(producer) else None
    if item is None:
        return None
    if item.not_before > now:
        return WaitingSnapshot("retry", task.reason or "waits for its next attempt", item.not_before)
    if item.after is not None and state_of(paths, item.after).is_open:
        return WaitingSnapshot("attempt", "waits for its previous attempt to end")
    if not slots.are_busy:
        return None
    busy = "the worker is busy" if slots.limit == 1 else f"all {slots.limit} workers are busy"
    return WaitingSnapshot("workers", f"waits for a worker: {busy}")
