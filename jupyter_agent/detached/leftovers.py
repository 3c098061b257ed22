"""Leftovers of killed workers: their processes, their claimed items, their logs."""

from __future__ import annotations

from ..system.paths import DataPaths
from ..system.process_table import is_worker
from ..system.processes import end_children
from .work_queue import (
    LOGS,
    WorkItem,
    claimed_path,
    claimed_work_items,
    complete_work_item,
    sweep_withdrawn_items,
)
from .work_state import WorkState, has_spool, state_of


def sweep_workers(paths: DataPaths) -> None:
    """End and remove what killed workers left, once their spools are recovered.

    And the files that no process is left to remove: those of workers whose launcher died before them.
    """
    for item in claimed_work_items(paths):
        if not has_spool(paths, item.producer):
            _end_children(paths, item)
            complete_work_item(paths, item.producer)
    for path in (*paths.workers.glob(LOGS), *paths.workers.glob("[0-9A-Z]*.stop")):
        if state_of(paths, path.stem) is WorkState.GONE:
            path.unlink(missing_ok=True)
    sweep_withdrawn_items(paths)


def _end_children(paths: DataPaths, item: WorkItem) -> None:
    """End what a killed worker had started."""
    is_gone = item.leader > 0 and not is_worker(item.leader, item.producer)
    # A worker that ends by itself completes its item before its process ends: then its children may stay.
    # Hence the file is looked at after the process.
    if is_gone and claimed_path(paths, item.producer).exists():
        end_children(item.leader, started_by=item.producer)
