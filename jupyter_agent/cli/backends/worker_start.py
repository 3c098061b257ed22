"""Workers where no server starts them: started, and seen to begin."""

from __future__ import annotations

import logging
import time

from ...detached.launcher import Launcher
from ...detached.work_queue import WorkItem
from ...detached.work_state import is_waiting
from ...errors import JournalHeld
from ...journal.one_shot import run_in_session
from ...journal.operations.detached_tasks import fail_work_item
from ...system.paths import DataPaths

START_TIMEOUT = 15.0
"""Seconds that a worker may take to begin before it is left alone."""

_POLL_INTERVAL = 0.02
log = logging.getLogger(__name__)


class WorkerStarter:
    """Starts the workers of one user; what cannot be started is said in the journal *slot*."""

    def __init__(self, paths: DataPaths, slot: str) -> None:
        self._paths = paths
        self._slot = slot
        self._launcher = Launcher(paths, self._on_launch_failed)

    def look(self) -> None:
        """Start what waits, as far as there are slots."""
        self._launcher.launch()

    def start(self, worker: str) -> bool:
        """Start what waits; true once *worker* has begun, or was found not to be able to.

        False when it goes on waiting: for a slot, or because its start takes long.
        """
        deadline = time.monotonic() + START_TIMEOUT
        self._launcher.launch()
        while is_waiting(self._paths, worker) and self._launcher.busy and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL)
            self._launcher.reap()
        return not is_waiting(self._paths, worker)

    def _on_launch_failed(self, item: WorkItem, why: str) -> None:
        """Before anybody looks for orphans, who would call it interrupted."""
        try:
            run_in_session(
                self._paths, self._slot, lambda session: fail_work_item(session, item, why), recover=False
            )
        except JournalHeld as error:  # by a server that has just come, and will find it without a worker
            log.debug("task %s got no worker (%s), which cannot be said: %s", item.task, why, error)
