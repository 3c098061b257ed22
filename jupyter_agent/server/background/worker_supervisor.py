"""Dispatch: starts the workers that detached tasks wait for, and ends those that do not obey.

One asyncio task does both. A worker stops itself when it is asked to; only one whose code never returns to
Python has to be killed from here, with everything it started: SIGTERM, a grace, SIGKILL.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable

from ...core.task import Task
from ...detached.kill_outcome import kill_outcome
from ...detached.launcher import Launcher
from ...detached.leftovers import sweep_workers
from ...detached.run_spec import load_run_spec
from ...detached.work_queue import WorkItem, ask_to_stop, claimed_work_items, waiting_work_items
from ...detached.work_state import is_alive
from ...errors import JournalError, SpoolError
from ...journal.operations.detached_tasks import cancel_queued, fail_work_item, requeue_task
from ...journal.session import JournalSession
from ...producer.spool import read_spool_header
from ...system.graces import WORKER_GRACE, WORKER_TIMEOUT
from ...system.paths import DataPaths
from ...system.processes import due_signal, is_worker, signal_session
from ...transport.discovery import DEFAULT, find_address
from ..delivery.feed import Feed

PERIOD = 1.0
BUSY_PERIOD = 0.25
"""Seconds between two looks; the shorter while something waits or has to be ended."""

SETTLED = 1.0
"""Seconds that an order is left to who placed it, who also starts its worker."""


class WorkerSupervisor:
    """Owns the dispatching task, from `start` to `stop`."""

    def __init__(
        self,
        feed: Feed,
        paths: DataPaths,
        log: logging.Logger,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._feed = feed
        self._paths = paths
        self._log = log
        self._clock = clock
        self._launcher = Launcher(paths, self._on_launch_failed, wants=self._wants, clock=clock)
        self._late_since: dict[tuple[str, int], float] = {}
        self._wake = asyncio.Event()
        self._settled = SETTLED
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look; the first look is at once."""
        self._task = asyncio.create_task(self._run(), name="jupyter-agent-dispatch")

    async def stop(self) -> None:
        """Stop looking; workers go on. Again is nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def wake(self) -> None:
        """An order of this process's own was placed: see to it now."""
        self._settled = 0.0
        self._wake.set()

    def try_handle(self, session: JournalSession, task: Task, command: str, by: str) -> bool:
        """Do what no process has to be asked for; true when that was all. On the journal's thread.

        A task that waits for its worker is cancelled here, and a detached one that ended is queued again.
        """
        if command == "cancel":
            return cancel_queued(session, self._paths, task, by)
        if command == "retry" and task.state.ended:
            return requeue_task(session, self._paths, self._feed.holder.slot.name, task, by)
        return False

    async def look(self) -> None:
        """Start what waits, and end what does not obey."""
        settled, self._settled = self._settled, SETTLED
        self._launcher.launch(settled=settled)
        if claimed_work_items(self._paths):
            await self._stop_overdue(await self._feed.call(self._on_workers))
            await asyncio.to_thread(sweep_workers, self._paths)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.look()
            except (JournalError, OSError) as error:
                self._log.debug("could not dispatch: %s", error)
            except Exception:  # noqa: BLE001 - a fault of ours in one look must not be the last look
                self._log.exception("dispatching failed; it is tried again")
            try:
                async with asyncio.timeout(BUSY_PERIOD if self._is_busy() else PERIOD):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _is_busy(self) -> bool:
        return bool(self._late_since) or next(waiting_work_items(self._paths), None) is not None

    def _wants(self, item: WorkItem) -> bool:
        slot = self._feed.holder.slot.name
        if item.journal == slot:
            return True
        if find_address(self._paths, item.journal) is not None:
            return False
        return slot == DEFAULT or find_address(self._paths, DEFAULT) is None

    def _on_launch_failed(self, item: WorkItem, why: str) -> None:
        self._log.debug("no worker for task %s: %s", item.task, why)
        self._feed.holder.call(lambda session: fail_work_item(session, item, why))

    def _on_workers(self, session: JournalSession) -> list[Task]:
        taken = {item.producer for item in claimed_work_items(self._paths)}
        return [task for task in session.journal.open_tasks() if task.producer in taken]

    async def _stop_overdue(self, tasks: list[Task]) -> None:
        now = self._clock()
        late = {(t.id, t.attempt): t for t in tasks if t.cancel_requested or self._is_overdue(t, now)}
        self._late_since = {key: self._late_since.get(key, now) for key in late}
        for key, since in self._late_since.items():
            number = due_signal(now - since, WORKER_TIMEOUT, WORKER_GRACE)
            if number is not None:
                await self._end(late[key], number)

    def _is_overdue(self, task: Task, now: float) -> bool:
        call = load_run_spec(self._paths, task.id)
        limit = call.timeout if call is not None else None
        return limit is not None and task.started is not None and now - task.started > limit

    async def _end(self, task: Task, number: signal.Signals) -> None:
        worker = task.producer or ""
        leader = self._leader(worker)
        if leader is None:
            return
        if number is signal.SIGKILL:
            # The journal gets the outcome before the signal is sent: recovery may find the lock free at once.
            outcome = kill_outcome(cancelled=task.cancel_requested)
            await asyncio.wrap_future(self._feed.holder.expect_kill(worker, outcome))
            if self._leader(worker) != leader:
                return
        elif task.cancel_requested:
            ask_to_stop(self._paths, worker)
        signal_session(leader, number)

    def _leader(self, worker: str) -> int | None:
        """The pid of the living *worker* on this machine; ``None`` when it is gone."""
        if not is_alive(self._paths, worker):
            return None
        try:
            leader = read_spool_header(self._paths.spools / worker).pid
        except SpoolError:
            return None
        return leader if is_worker(leader, worker) else None
