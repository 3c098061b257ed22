"""Submission of a detached task: ``on="detached"``, which does not need this process afterwards."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.events import Error, Event, State, TaskState, encode_data
from ..core.task import Task
from ..detached.function_pickle import pickle_call
from ..detached.launcher import Launcher
from ..detached.run_spec import RunSpec, caller_environment, is_utf8, save_run_spec
from ..detached.targets import PickledTarget
from ..detached.work_queue import WorkItem, enqueue_work_item, withdraw_work_item
from ..detached.work_state import is_waiting
from ..detached.worker_slots import load_grace
from ..errors import CannotTravel
from ..producer.producer import Producer
from ..runtime.options import Options
from ..runtime.origin import about
from ..runtime.outcome import outcome_of
from ..runtime.stopping.cells import cells_of
from ..system.ids import new_id
from ..system.paths import data_paths
from ..transport.discovery import find_address
from .handle import TaskHandle
from .remote_task import RemoteTask

if TYPE_CHECKING:
    from ..runtime.engines.base import Work

COMMIT_TIMEOUT = 1.0
"""Seconds that a submit waits for a server to commit the ``queued`` event before the worker's events."""


class DetachedCall:
    """A pickled call for a worker. Raises `CannotTravel` when it cannot be pickled."""

    def __init__(self, options: Options, work: Work) -> None:
        self._options = options
        self._content = pickle_call(work.function, work.args, work.kwargs)
        self._cells = cells_of(work.function)

    def submit(self, producer: Producer, found: Task | None) -> TaskHandle:
        """Queue it as the next attempt of *found*, or as a new task, and have a worker started."""
        run_spec = self._run_spec()
        task_id, attempt = (found.id, found.attempt + 1) if found else (new_id(), 1)
        worker = new_id()
        save_run_spec(producer.paths, task_id, run_spec, self._content)
        state = State(TaskState.QUEUED, about=run_spec.about, producer=worker)
        now = time.time()
        n = producer.emit(task_id, attempt, "state", state)
        try:
            _enqueue(producer, task_id, attempt, worker)
        except BaseException as error:  # a stop button, a full disk: no worker will start
            withdraw_work_item(producer.paths, worker)
            outcome = outcome_of(error)
            end = State(outcome.state, reason=outcome.reason, error=outcome.error)
            producer.emit(task_id, attempt, "state", end)
            raise
        _starter(producer).start(worker)
        seen = found or Task(task_id)
        seen.apply(Event(task_id, attempt, producer.id, n or 1, now, "state", encode_data(state)))
        return TaskHandle(RemoteTask(producer, task_id, seen))

    def _run_spec(self) -> RunSpec:
        options = self._options
        try:
            here = str(Path.cwd())
        except FileNotFoundError as error:
            raise CannotTravel(
                "a worker cannot work in the current folder, which was deleted; go to another one by os.chdir"
            ) from error
        if not is_utf8(here):
            raise CannotTravel(f"a worker cannot work in {here!a}: the folder's name is not UTF-8; rename it")
        grace = load_grace(data_paths(), options.grace)
        return RunSpec(
            PickledTarget(options.name),
            about(replace(options, grace=grace)),
            python=sys.executable,
            cwd=here,
            env=caller_environment(),
            retries=options.retries,
            timeout=options.timeout,
            grace=grace,
            cells=self._cells,
        )


def _enqueue(producer: Producer, task: str, attempt: int, worker: str) -> None:
    """Enqueue the work item, once the journal has the ``queued`` event or `COMMIT_TIMEOUT` has passed."""
    producer.wake()
    if producer.locate() is not None:
        producer.flush(COMMIT_TIMEOUT)
    enqueue_work_item(producer.paths, WorkItem(task, attempt, worker, producer.journal, time.time()))


POLL_INTERVAL = 1.0
"""Seconds between two checks whether workers of this process still wait to be started."""


class DetachedStarter:
    """Starts workers from this process and reaps those that it started, as long as there are any."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._waiting: set[str] = set()
        self._next_check = 0.0
        self._launcher = Launcher(producer.paths, self._on_launch_failed)
        self._lock = threading.Lock()

    def start(self, worker: str) -> None:
        """Start as many waiting workers as there are slots, and *worker* as soon as one is free."""
        with self._lock:
            self._waiting.add(worker)
            self._producer.add_sampler(self, self._check)
            self._launcher.launch()

    def _check(self) -> None:
        with self._lock:
            self._launcher.reap()
            if time.monotonic() < self._next_check:
                return
            self._next_check = time.monotonic() + POLL_INTERVAL
            paths = self._producer.paths
            self._waiting = {worker for worker in self._waiting if is_waiting(paths, worker)}
            if self._waiting and find_address(paths, self._producer.journal) is None:
                self._launcher.launch()  # the worker that should have started the next one was killed
            elif not self._launcher.busy:
                self._producer.remove_sampler(self)

    def _on_launch_failed(self, item: WorkItem, why: str) -> None:
        error = Error("WorkerNotStarted", why)
        self._producer.emit(item.task, item.attempt, "state", State(TaskState.FAILED, error=error))
        self._producer.wake()


_starters: dict[str, DetachedStarter] = {}


def _starter(producer: Producer) -> DetachedStarter:
    """Return the starter of this process's present producer."""
    if producer.id not in _starters:
        _starters.clear()
        _starters[producer.id] = DetachedStarter(producer)
    return _starters[producer.id]
