"""Stopping a worker without a server: stop file, SIGTERM, SIGKILL to its session."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass

from ...core.events import Command
from ...core.task import Task
from ...detached.kill_outcome import kill_outcome
from ...detached.work_queue import ask_to_stop, complete_work_item
from ...detached.work_state import is_alive
from ...errors import NotNow, SpoolError
from ...producer.spool_folder import read_spool_header
from ...system.graces import LOCK_TIMEOUT, WORKER_TIMEOUT
from ...system.paths import DataPaths
from ...system.processes import end_children, is_worker, signal_session, terminate, wait_for_end
from ..base import HolderEvent
from ..session import JournalSession
from .session import run_in_session


def end_worker(paths: DataPaths, slot: str, task: Task, by: str) -> None:
    """Cancel *task*, which a worker of this machine runs; returns once the worker has ended."""
    worker = _Worker(paths, task.producer or "", _leader(paths, task))

    def record(session: JournalSession) -> None:
        session.append(HolderEvent(task.id, task.attempt, "command", Command("cancel", {}, by)))

    # Record the cancel before the worker gets the signal: its end event must find the command in the journal.
    run_in_session(paths, slot, record)
    ask_to_stop(paths, worker.producer)
    terminate(worker, WORKER_TIMEOUT)
    wait_for_end(worker, LOCK_TIMEOUT)
    end_children(worker.leader)
    complete_work_item(paths, worker.producer)
    killed = {worker.producer: kill_outcome(cancelled=True)}
    run_in_session(paths, slot, lambda _session: None, kill_outcomes=killed)


@dataclass(frozen=True, slots=True)
class _Worker:
    """A worker: alive while its lock is held; its pid may have been reused."""

    paths: DataPaths
    producer: str
    leader: int

    def is_alive(self) -> bool:
        return is_alive(self.paths, self.producer)

    def send(self, number: signal.Signals) -> None:
        """Send SIGTERM to the worker, which ends what it started; SIGKILL to its whole session."""
        if not self.is_alive():
            return
        if number is signal.SIGKILL:
            signal_session(self.leader, number)
            return
        with suppress(ProcessLookupError):
            os.kill(self.leader, number)


def _leader(paths: DataPaths, task: Task) -> int:
    worker = task.producer or ""
    try:
        header = read_spool_header(paths.spools / worker)
    except SpoolError as error:
        raise NotNow(f"task {task.id} has just ended, or its worker has", task_id=task.id) from error
    if not is_worker(header.pid, worker):
        raise NotNow(f"task {task.id} runs on {header.host}; cancel it there", task_id=task.id)
    return header.pid
