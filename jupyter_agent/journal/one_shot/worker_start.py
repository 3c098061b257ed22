"""Starting workers without a server."""

from __future__ import annotations

import logging
import time

from ...detached.launcher import Launcher
from ...detached.work_queue import WorkItem
from ...detached.work_state import is_waiting
from ...errors import JournalHeld
from ...system.paths import DataPaths
from ..operations.detached_tasks import fail_work_item
from .session import run_in_session

START_TIMEOUT = 15.0
"""Seconds to wait for a worker to begin; after that it begins on its own."""

_POLL_INTERVAL = 0.02
log = logging.getLogger(__name__)


class WorkerStarter:
    """Starts the workers of one user; a failure to start is recorded in the journal *slot*."""

    def __init__(self, paths: DataPaths, slot: str) -> None:
        self._paths = paths
        self._slot = slot
        self._launcher = Launcher(paths, self._on_launch_failed)

    def launch(self) -> None:
        """Start the workers of waiting tasks, as far as there are worker slots."""
        self._launcher.launch()

    def start(self, worker: str) -> bool:
        """Start waiting workers; true once *worker* has begun, or could not be started.

        False when it still waits: for a worker slot, or because it takes longer than `START_TIMEOUT`.
        """
        deadline = time.monotonic() + START_TIMEOUT
        self._launcher.launch()
        while is_waiting(self._paths, worker) and self._launcher.busy and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL)
            self._launcher.reap()
        return not is_waiting(self._paths, worker)

    def _on_launch_failed(self, item: WorkItem, why: str) -> None:
        try:  # without recovery, which would find an orphan and call it interrupted
            run_in_session(
                self._paths, self._slot, lambda session: fail_work_item(session, item, why), recover=False
            )
        except JournalHeld as error:  # by a server that has just started, and will find the orphan itself
            log.debug("task %s got no worker (%s), which cannot be recorded: %s", item.task, why, error)
