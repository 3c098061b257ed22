"""Stopping a worker without a server: stop file, SIGTERM, SIGKILL to its session."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from functools import partial

from ...core.events import Command, State
from ...core.task import Task
from ...detached.grace import grace_of
from ...detached.kill_outcome import kill_outcome
from ...detached.run_spec import load_run_spec
from ...detached.work_queue import ask_to_stop, complete_work_item
from ...detached.work_state import is_alive
from ...errors import NotNow, SpoolError
from ...producer.spool_folder import read_spool_header, write_ending
from ...system.graces import LOCK_TIMEOUT, OVERTIME
from ...system.interpreter import program_command
from ...system.paths import DataPaths
from ...system.process_table import is_worker
from ...system.processes import end_children, signal_process, signal_worker, wait_for_end
from ..base import HolderEvent
from ..session import JournalSession
from .session import run_in_session

PATIENCE = OVERTIME
"""Seconds that a cancel waits for the end; after that a process of its own does."""


def end_worker(paths: DataPaths, slot: str, task: Task, by: str, *, now: bool = False) -> None:
    """Cancel *task*, which a worker of this machine runs; returns when it has ended, or after `PATIENCE`.

    A second cancel, or one for *now*, ends its grace.
    """
    again = now or task.cancel_requested
    worker = Worker(paths, task.producer or "", _leader(paths, task))
    command = Command("cancel", {"now": True} if now else {}, by)

    def record(session: JournalSession) -> None:
        session.append(HolderEvent(task.id, task.attempt, "command", command))

    # Record the cancel before the worker gets the signal: its end event must find the command in the journal.
    run_in_session(paths, slot, record)
    ask_to_stop(paths, worker.producer, now=again)
    worker.send(signal.SIGTERM)
    grace = grace_of(load_run_spec(paths, task.id), paths)
    deadline = OVERTIME if again else grace + OVERTIME
    wait_for_end(worker, min(deadline, PATIENCE))
    if deadline > PATIENCE and worker.is_alive():
        _continue_in_background(slot, task.id, worker, deadline - PATIENCE)
        return
    kill_and_record(worker, slot, kill_outcome(cancelled=True, grace=grace, again=again))


def kill_and_record(worker: Worker, slot: str, outcome: State) -> None:
    """End what is left of *worker* and record its task's end, which is *outcome* if it left none."""
    if worker.is_alive():  # another process may find it dead before this one can record its end
        write_ending(worker.paths.spools / worker.producer, outcome)
    worker.send(signal.SIGKILL)
    wait_for_end(worker, LOCK_TIMEOUT)
    end_children(worker.leader, started_by=worker.producer)
    complete_work_item(worker.paths, worker.producer)
    run_in_session(worker.paths, slot, lambda _session: None, kill_outcomes={worker.producer: outcome})


def _continue_in_background(slot: str, task: str, worker: Worker, seconds: float) -> None:
    """Have a process of its own kill the worker after *seconds*: this one may be a kernel that goes on."""
    words = [slot, task, worker.producer, str(worker.leader), str(seconds)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        program_command("jupyter_agent.journal.one_shot.worker_watch", *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    process.returncode = 0  # it outlives this process, which is short, without a ResourceWarning


@dataclass(frozen=True, slots=True)
class Worker:
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
            signal_worker(self.leader, number, self.producer)
            return
        signal_process(self.leader, number, is_meant=partial(is_worker, producer=self.producer))


def _leader(paths: DataPaths, task: Task) -> int:
    worker = task.producer or ""
    try:
        header = read_spool_header(paths.spools / worker)
    except SpoolError as error:
        raise NotNow(f"task {task.id} has just ended, or its worker has", task_id=task.id) from error
    if not is_worker(header.pid, worker):
        raise NotNow(f"task {task.id} runs on {header.host}; cancel it there", task_id=task.id)
    return header.pid
