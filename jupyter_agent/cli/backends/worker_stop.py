"""Ending a worker where no server does: asked to, then told to, then killed, with all that it started."""

from __future__ import annotations

import os
import signal
import time

from ...core.events import Command, State, TaskState
from ...core.task import Task
from ...detached.work_queue import ask_to_stop, complete_work_item, is_alive
from ...errors import NotNow, SpoolError
from ...journal.base import HolderEvent
from ...journal.one_shot import run_in_session
from ...journal.session import JournalSession
from ...producer.spool import read_spool_header
from ...system.paths import DataPaths
from ...system.processes import end_children, is_worker, kill_session

STOP_TIMEOUT = 8.0
"""Seconds that a worker has to end its task once it was asked to."""

KILL_TIMEOUT = 5.0
_POLL_INTERVAL = 0.05


def end_worker(paths: DataPaths, slot: str, task: Task, by: str) -> None:
    """Cancel *task*, which a worker of this machine runs; returns once it has ended."""
    worker = task.producer or ""
    leader = _leader(paths, task)

    def record(session: JournalSession) -> None:
        session.append(HolderEvent(task.id, task.attempt, "command", Command("cancel", {}, by)))

    run_in_session(paths, slot, record)
    ask_to_stop(paths, worker)
    if is_alive(paths, worker):
        os.kill(leader, signal.SIGTERM)
    if not _is_gone(paths, worker, STOP_TIMEOUT):
        kill_session(leader, signal.SIGKILL)
        _is_gone(paths, worker, KILL_TIMEOUT)
    end_children(leader)
    complete_work_item(paths, worker)
    verdict = State(TaskState.CANCELLED, reason="its worker had to be killed")
    run_in_session(paths, slot, lambda _session: None, kill_outcomes={worker: verdict})


def _leader(paths: DataPaths, task: Task) -> int:
    worker = task.producer or ""
    try:
        header = read_spool_header(paths.spools / worker)
    except SpoolError as error:
        raise NotNow(f"task {task.id} has just ended, or its worker has", task_id=task.id) from error
    if not is_worker(header.pid, worker):
        raise NotNow(f"task {task.id} runs on {header.host}; cancel it there", task_id=task.id)
    return header.pid


def _is_gone(paths: DataPaths, worker: str, within: float) -> bool:
    deadline = time.monotonic() + within
    while is_alive(paths, worker):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_INTERVAL)
    return True
