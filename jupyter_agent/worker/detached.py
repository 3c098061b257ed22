"""``python -m jupyter_agent.worker.detached <producer>``: one detached task.

No other process waits for it: it claims its work item, runs the attempt in its main thread, and emits through
its own spool and forwarder, by which the journal's holder finds it. It exits silently when there is no free
slot, or when its item was withdrawn.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from ..core.task import Task
from ..detached.launcher import NO_SLOT, Launcher
from ..detached.run_spec import RunSpec, content_path, load_run_spec
from ..detached.work_queue import WorkItem, claim_work_item, complete_work_item
from ..detached.work_state import is_asked_to_stop, is_asked_to_stop_now, is_waiting
from ..detached.worker_slots import acquire_worker_slot
from ..errors import SpoolError
from ..producer.producer import Producer
from ..producer.spool_folder import remove_unused_spool
from ..runtime.attempt import Attempt
from ..runtime.bootstrap import ready_producer
from ..runtime.capture.install import install_capture
from ..runtime.engines.base import run_attempt
from ..runtime.interrupt import SignalInterrupter
from ..runtime.local_task import LocalTask
from ..runtime.options import Options
from ..runtime.outcome import OutcomeHolder
from ..runtime.output.line_buffer import BELOW
from ..runtime.stopping import sleep
from ..runtime.stopping.cells import learn_cells
from ..system.graces import CHILDREN_GRACE
from ..system.paths import DataPaths, data_paths
from ..system.processes import end_children
from ..system.signals import ignore
from .detached_engine import DetachedEngine
from .fd_capture import FdCapture
from .rescue import Helper


def main(producer_id: str, workers: str = "") -> int:
    """Run the work item of the worker *producer_id*, one of at most *workers*; return the exit status.

    The number comes from the launcher: a lower one in the caller's environment would make it start workers
    that find no slot.
    """
    paths = data_paths()
    slot = acquire_worker_slot(paths, int(workers) if workers else None)
    if slot is None:
        return NO_SLOT

    def release() -> None:
        slot.release()
        _launch_next(paths)

    try:
        worker = _with_slot(paths, producer_id, release)
    finally:
        release()
    if worker is not None:
        worker.end_in_time()
    return 0


def _with_slot(paths: DataPaths, producer_id: str, release: Callable[[], None]) -> Worker | None:
    """Return the worker that has run the work item; ``None`` where there is nothing to run."""
    if not is_waiting(paths, producer_id):
        return None
    helper = Helper(producer_id)  # first of all, without threads and locks
    # First the spool with its lock, then the claim: `work_state.state_of` relies on that order.
    producer = _producer_of(paths, producer_id)
    if producer is None:
        return None
    try:
        item = claim_work_item(paths, producer_id)
        if item is None:
            return None
        worker = Worker(producer, item, helper, release)
        worker.run()
        return worker
    finally:
        producer.close()
        complete_work_item(paths, producer_id)


def _producer_of(paths: DataPaths, producer_id: str) -> Producer | None:
    """Return the producer of this worker; ``None`` when another process is, or was, this worker.

    One that was killed before its claim left a spool in which nothing is: this process takes its place.
    """
    folder = paths.spools / producer_id
    if folder.exists() and not remove_unused_spool(folder):
        return None
    os.environ["JUPYTER_AGENT_PRODUCER"] = producer_id
    try:
        return ready_producer()
    except SpoolError:
        if folder.exists():  # it was faster
            return None
        raise


class Worker:
    """Runs the attempts of one task in this process: that of its work item, and its retries.

    *release* releases the slot.
    """

    def __init__(
        self, producer: Producer, item: WorkItem, helper: Helper, release: Callable[[], None]
    ) -> None:
        self._paths = producer.paths
        self._item = item
        self._producer = producer
        self._release = release
        self._attempts: SimpleQueue[Attempt | None] = SimpleQueue()
        self._interrupter = SignalInterrupter(signal.SIGTERM, foreign=self._on_foreign_signal)
        self._helper = helper
        output = helper.output
        self._fd_capture = FdCapture(self._log, pipes=output.pipes, overflow=output.overflow)
        self._task: LocalTask | None = None

    def run(self) -> None:
        """Run all attempts to their end."""
        run_spec = load_run_spec(self._paths, self._item.task)
        if run_spec is None:
            raise FileNotFoundError(f"the run spec of task {self._item.task} was deleted")
        signal.signal(signal.SIGINT, ignore)
        # From here on SIGTERM ends this
        # process between attempts, raises while one is running, and is ignored while its end is being saved.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        limit_memory(int(os.environ.get("JUPYTER_AGENT_WORKER_MEMORY", "0")))
        self._fd_capture.open()
        self._helper.started()
        install_capture()
        sleep.install()
        learn_cells(run_spec.cells)
        task = self._task = self._task_of(run_spec)
        self._begin(task.resume(OutcomeHolder()))
        task.completion.add_callback(lambda: self._attempts.put(None))
        while (attempt := self._attempts.get()) is not None:
            self._run(attempt, run_spec)
        if self._stopped is None:
            self._helper.may_leave_processes()
        signal.signal(signal.SIGTERM, ignore)  # the rest is short, and leaves nothing half done
        self._fd_capture.close()

    def end_in_time(self) -> None:
        """After a stop, end this process within the rest of the grace, whatever its threads wait for.

        Python waits for each of them that is no daemon, and no view shows that it does.
        """
        if self._stopped is not None:
            left = max(self._stopped.course.left, CHILDREN_GRACE)
            threading.Thread(target=_end, args=(left,), name="jupyter-agent-end", daemon=True).start()

    @property
    def _stopped(self) -> Attempt | None:
        """The last attempt, if it was asked to stop: what it has started ends with this process."""
        attempt = self._task.attempt if self._task is not None else None
        return attempt if attempt is not None and attempt.course.why is not None else None

    def _task_of(self, run_spec: RunSpec) -> LocalTask:
        item, about = self._item, run_spec.about
        seen = Task(item.task, name=about.name, attempt=item.attempt, producer=item.producer, events=1)
        options = Options(
            about.name,
            about.key,
            "detached",
            run_spec.retries,
            run_spec.timeout,
            about.tags,
            show=False,
            grace=run_spec.grace,
        )
        task = LocalTask(self._producer, options, self._engine, seen=seen)
        task.about = about
        return task

    def _begin(self, attempt: Attempt) -> None:
        attempt.engine = self._engine(attempt)
        attempt.engine.start()

    def _engine(self, attempt: Attempt) -> DetachedEngine:
        return DetachedEngine(attempt, self._interrupter, self._attempts.put, self._release)

    def _run(self, attempt: Attempt, run_spec: RunSpec) -> None:
        from .run_target import run_target

        def work() -> Any:
            files = content_path(self._paths, self._item.task)
            try:
                return run_target(run_spec.target, attempt.context, files)
            finally:
                self._fd_capture.finish()

        # Ignored outside the interrupter's own window: the attempt's end is being saved then.
        before = signal.signal(signal.SIGTERM, ignore)
        run_attempt(attempt, work, self._interrupter)
        if attempt.course.why is not None:
            end_children()
        signal.signal(signal.SIGTERM, before)

    def _on_foreign_signal(self) -> BaseException | None:
        """Return what a SIGTERM raises that this process did not send itself; ``None``: nothing."""
        assert self._task is not None
        attempt = self._task.attempt
        assert attempt is not None
        worker = self._producer.id
        now = is_asked_to_stop_now(self._paths, worker)
        return attempt.on_signal(cancelled=now or is_asked_to_stop(self._paths, worker), now=now)

    def _log(self, stream: str, text: str) -> None:
        task = self._task
        if task is not None and task.attempt is not None:
            task.attempt.context.stream(stream).write(text, BELOW)


def _end(left: float) -> None:
    time.sleep(left)
    end_children()
    os._exit(0)


def limit_memory(size: int) -> None:
    """Limit this process to *size* bytes of private memory; 0 is without limit.

    Beyond it Python raises `MemoryError`. Reserved memory counts, used or not (RLIMIT_DATA).
    """
    if size and sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _launch_next(paths: DataPaths) -> None:
    """Start the next worker, where no server does.

    One only: several workers may end at once, each sees the same free slots, and a worker that was started
    acquires its slot later. If each started one for every slot, the number of starts would grow without end.
    """
    from ..transport.discovery import find_address, find_journal

    if find_address(paths, find_journal(paths)) is None:
        Launcher(paths, lambda _item, _why: None).launch(limit=1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
