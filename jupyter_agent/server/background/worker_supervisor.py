"""The worker supervisor: starts workers of queued detached tasks, kills overdue ones.

A worker stops itself when it is asked to. Only one whose code never returns to Python has to be killed from
here, with all processes of its session: SIGKILL, some time after the task's grace. One that does not say that
it is stopping, since it has no connection, gets SIGTERM.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable

from ...core.events import TaskState
from ...core.task import Task
from ...detached.grace import grace_of
from ...detached.kill_outcome import kill_outcome
from ...detached.launcher import Launcher
from ...detached.leftovers import sweep_workers
from ...detached.run_spec import load_run_spec
from ...detached.work_queue import WorkItem, ask_to_stop, claimed_work_items, waiting_work_items
from ...detached.work_state import is_alive
from ...detached.worker_slots import WorkerLimits, are_limits_saved, save_limits
from ...errors import SpoolError
from ...journal.operations.detached_tasks import cancel_queued, fail_work_item, requeue_task
from ...journal.session import JournalSession
from ...producer.spool_folder import read_spool_header
from ...system.graces import NOTICE_DELAY, OVERTIME
from ...system.paths import DataPaths
from ...system.process_table import is_worker
from ...system.processes import signal_worker
from ...transport.discovery import DEFAULT, find_address
from ..delivery.feed import Feed
from .periodic import PeriodicService

PERIOD = 1.0
BUSY_PERIOD = 0.25
"""Seconds between two ticks; the shorter one while a task waits for a worker or a worker is overdue."""

SETTLED = 1.0
"""Minimum age of a work item in seconds: the process that enqueued it starts its worker, too."""


class WorkerSupervisor(PeriodicService):
    """Launches and stops workers; those that run go on after `stop`."""

    name = "worker supervisor"

    def __init__(
        self,
        feed: Feed,
        paths: DataPaths,
        log: logging.Logger,
        *,
        limits: WorkerLimits | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(log)
        self._limits = limits
        self._saved_limits = False
        self._feed = feed
        self._paths = paths
        self._monotonic = monotonic
        self._launcher = Launcher(paths, self._on_launch_failed, wants=self._wants, clock=clock)
        self._running_since: dict[tuple[str, int], float] = {}
        self._overdue_since: dict[tuple[str, int], float] = {}
        self._again_since: dict[tuple[str, int], float] = {}
        self._notified: set[tuple[str, int]] = set()
        self._settled = SETTLED

    def wake(self) -> None:
        """Launch now what this process itself has enqueued, without waiting for it to settle."""
        self._settled = 0.0
        super().wake()

    def try_handle(self, session: JournalSession, task: Task, command: str, by: str) -> bool:
        """Handle a command that needs no running process; return True if it was one. On the journal's thread.

        A task that waits for its worker is cancelled here, and a detached one that has ended is requeued.
        """
        if command == "cancel":
            return cancel_queued(session, self._paths, task, by)
        if command == "retry" and task.state.ended:
            return requeue_task(session, self._paths, self._feed.holder.slot.name, task, by)
        return False

    async def tick(self) -> float:
        """Launch workers of waiting tasks and stop overdue ones."""
        settled, self._settled = self._settled, SETTLED
        self._save_limits()
        self._launcher.launch(settled=settled)
        if claimed_work_items(self._paths):
            await self._stop_overdue(await self._feed.call(self._on_workers))
            await asyncio.to_thread(sweep_workers, self._paths)
        return BUSY_PERIOD if self._is_busy() else PERIOD

    def _save_limits(self) -> None:
        """Save the limits, which all launchers read, at the start, and again when their file was deleted."""
        if self._limits is None or (self._saved_limits and are_limits_saved(self._paths)):
            return
        save_limits(self._paths, self._limits)
        self._saved_limits = True

    def interval(self) -> float:
        return BUSY_PERIOD if self._overdue_since else PERIOD

    def _is_busy(self) -> bool:
        return bool(self._overdue_since) or next(waiting_work_items(self._paths), None) is not None

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
        claimed_by = {item.task: item.producer for item in claimed_work_items(self._paths)}
        tasks = (session.journal.task(task) for task in claimed_by)
        return [t for t in tasks if t and not t.state.ended and t.producer == claimed_by[t.id]]

    async def _stop_overdue(self, tasks: list[Task]) -> None:
        now = self._monotonic()
        running = {(t.id, t.attempt) for t in tasks if t.state is TaskState.RUNNING}
        self._running_since = {key: self._running_since.get(key, now) for key in running}
        overdue = {(t.id, t.attempt): t for t in tasks if t.cancel_requested or self._is_overdue(t, now)}
        self._overdue_since = {key: self._overdue_since.get(key, now) for key in overdue}
        again = {key for key, t in overdue.items() if t.stopping is not None and t.stopping.again}
        self._again_since = {key: self._again_since.get(key, now) for key in again}
        self._notified &= overdue.keys()
        for key, task in overdue.items():
            number = self._due_signal(key, task, now)
            if number is not None:
                await self._stop_worker(task, number)

    def _due_signal(self, key: tuple[str, int], task: Task, now: float) -> signal.Signals | None:
        """Return SIGTERM, once, if the worker has not said that it stops; SIGKILL in the end."""
        waited, again = now - self._overdue_since[key], now - self._again_since.get(key, now)
        if waited > self._grace(task) + OVERTIME or again > OVERTIME:
            return signal.SIGKILL
        is_confirmed = task.stopping is not None and task.stopping.confirmed
        if key in self._notified or is_confirmed or waited <= NOTICE_DELAY:
            return None
        self._notified.add(key)
        return signal.SIGTERM

    def _grace(self, task: Task) -> float:
        return grace_of(load_run_spec(self._paths, task.id), self._paths)

    def _is_overdue(self, task: Task, now: float) -> bool:
        """Return True for a task that has run too long as counted here: its times are of other clocks."""
        since = self._running_since.get((task.id, task.attempt))
        run_spec = load_run_spec(self._paths, task.id) if since is not None else None
        limit = run_spec.timeout if run_spec is not None else None
        return since is not None and limit is not None and now - since > limit

    async def _stop_worker(self, task: Task, number: signal.Signals) -> None:
        worker = task.producer or ""
        leader = self._leader(worker)
        if leader is None:
            return
        if number is signal.SIGKILL:
            # The journal gets the outcome before the signal is sent: recovery may find the lock free at once.
            again = task.stopping is not None and task.stopping.again
            outcome = kill_outcome(cancelled=task.cancel_requested, grace=self._grace(task), again=again)
            await asyncio.wrap_future(self._feed.holder.expect_kill(worker, outcome))
            if self._leader(worker) != leader:
                return
        elif task.cancel_requested:
            ask_to_stop(self._paths, worker)
        signal_worker(leader, number, worker)

    def _leader(self, worker: str) -> int | None:
        """Return the pid of the living *worker* on this machine; ``None`` when it is gone."""
        if not is_alive(self._paths, worker):
            return None
        try:
            leader = read_spool_header(self._paths.spools / worker).pid
        except SpoolError:
            return None
        return leader if is_worker(leader, worker) else None
