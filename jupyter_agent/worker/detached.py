"""``python -m jupyter_agent.worker.detached <producer>``: a detached task in a process of its own.

Nobody waits for it: it takes its order, runs the attempt in its main thread, emits through its own spool and
forwarder, and is found by whoever holds the journal through those. It ends quietly when there is no slot for
it, or no order any more.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from ..core.task import Task
from ..detached.launcher import NO_SLOT, Launcher
from ..detached.run_spec import RunSpec, content_path, load_run_spec
from ..detached.work_queue import WorkItem, claim_work_item, complete_work_item
from ..detached.work_state import is_asked_to_stop, is_waiting
from ..detached.worker_slots import take_worker_slot
from ..errors import SpoolError, TaskCancelled
from ..producer.producer import Producer
from ..runtime import capture
from ..runtime.attempt import Attempt, OutcomeHolder
from ..runtime.bootstrap import ready_producer
from ..runtime.engines.base import BaseEngine, run_attempt
from ..runtime.interrupt import SignalInterrupter
from ..runtime.local_task import LocalTask
from ..runtime.options import Options
from ..system.graces import FLUSH_TIMEOUT
from ..system.paths import DataPaths, data_paths
from ..system.processes import end_children
from .fd_capture import FdCapture


def main(producer_id: str, workers: str = "") -> int:
    """Run the order of the worker *producer_id*, one of at most *workers*; the exit status.

    Who starts it says how many: were the caller's environment to say less, it would be started in vain.
    """
    paths = data_paths()
    slot = take_worker_slot(paths, int(workers) if workers else None)
    if slot is None:
        return NO_SLOT

    def leave() -> None:
        slot.release()
        _launch_next(paths)

    try:
        return _with_slot(paths, producer_id, leave)
    finally:
        leave()


def _with_slot(paths: DataPaths, producer_id: str, leave: Callable[[], None]) -> int:
    if not is_waiting(paths, producer_id):
        return 0
    os.environ["JUPYTER_AGENT_PRODUCER"] = producer_id
    try:
        producer = ready_producer()
    except SpoolError:
        if (paths.spools / producer_id).exists():  # somebody else is this worker
            return 0
        raise
    try:
        item = claim_work_item(paths, producer_id)
        if item is not None:
            Worker(producer, item, leave).run()
        return 0
    finally:
        producer.close()
        complete_work_item(paths, producer_id)


class Worker:
    """The task's attempts in this process: the ordered one, and what `retries` allows after it.

    *leave* gives the slot back.
    """

    def __init__(self, producer: Producer, item: WorkItem, leave: Callable[[], None]) -> None:
        self._paths = producer.paths
        self._item = item
        self._producer = producer
        self._leave = leave
        self._coming: SimpleQueue[Attempt | None] = SimpleQueue()
        self._stop = SignalInterrupter(signal.SIGTERM, foreign=self._told_to_end)
        self._outlet = FdCapture(self._said)
        self._task: LocalTask | None = None

    def run(self) -> None:
        """All attempts, begin to end."""
        run_spec = load_run_spec(self._paths, self._item.task)
        if run_spec is None:
            raise FileNotFoundError(f"what task {self._item.task} should run is not there any more")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a worker that ends starts the next one deaf to it
        limit_memory(int(os.environ.get("JUPYTER_AGENT_WORKER_MEMORY", "0")))
        self._outlet.open()
        capture.install()
        task = self._task = self._task_of(run_spec)
        self._begin(task.resume(OutcomeHolder()))
        task.on_end(lambda: self._coming.put(None))
        while (attempt := self._coming.get()) is not None:
            self._run(attempt, run_spec)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._outlet.close()

    def _task_of(self, run_spec: RunSpec) -> LocalTask:
        item, about = self._item, run_spec.about
        seen = Task(item.task, name=about.name, attempt=item.attempt, producer=item.producer, events=1)
        options = Options(
            about.name, about.key, "detached", run_spec.retries, run_spec.timeout, about.tags, show=False
        )
        task = LocalTask(self._producer, options, self._engine, seen=seen)
        task.about = about
        return task

    def _begin(self, attempt: Attempt) -> None:
        attempt.engine = self._engine(attempt)
        attempt.engine.start()

    def _engine(self, attempt: Attempt) -> DetachedEngine:
        return DetachedEngine(attempt, self._stop, self._coming.put, self._leave)

    def _run(self, attempt: Attempt, run_spec: RunSpec) -> None:
        from .run_target import run_target

        def work() -> Any:
            files = content_path(self._paths, self._item.task)
            try:
                return run_target(run_spec.target, attempt.context, files)
            finally:
                self._outlet.drain()

        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # for as long as how it ended is being kept
        run_attempt(attempt, work, self._stop)
        if attempt.context.cancelled or self._stop.from_user:
            end_children()
        signal.signal(signal.SIGTERM, before)

    def _told_to_end(self) -> BaseException:
        assert self._task is not None
        attempt = self._task.attempt
        assert attempt is not None
        return attempt.told_to_end(cancelled=is_asked_to_stop(self._paths, self._producer.id))

    def _said(self, stream: str, text: str) -> None:
        task = self._task
        if task is not None and task.attempt is not None:
            task.attempt.context.stream(stream).write(text)


class DetachedEngine(BaseEngine):
    """Runs an attempt in the main thread, where a signal also ends a blocking call."""

    def __init__(
        self,
        attempt: Attempt,
        stop: SignalInterrupter,
        run: Callable[[Attempt], None],
        leave: Callable[[], None],
    ) -> None:
        super().__init__(attempt)
        self._stop = stop
        self._run = run
        self._leave = leave
        self._forced = 0

    def start(self) -> None:
        self._run(self._attempt)

    def cancel(self) -> None:
        self._stop.throw()

    def force(self) -> None:
        """Once more by the signal; after that it is in code that never returns to Python, or holds on."""
        self._forced += 1
        if self._forced == 1:
            self._stop.throw()
        else:
            self._go()

    def _go(self) -> None:
        attempt = self._attempt
        attempt.task.give_up()  # here, none can follow
        attempt.raised(TaskCancelled("its worker had to end itself"))
        attempt.task.producer.close(FLUSH_TIMEOUT)
        complete_work_item(attempt.task.producer.paths, attempt.task.producer.id)
        end_children()
        self._leave()
        os._exit(0)


def limit_memory(size: int) -> None:
    """Let this process have at most *size* bytes of memory of its own; 0 is without limit.

    Beyond it Python raises `MemoryError`. It counts what is reserved, not what is used (RLIMIT_DATA).
    """
    if size and sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        bound = size if most == resource.RLIM_INFINITY else min(size, most)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))


def _launch_next(paths: DataPaths) -> None:
    """Where no server sees to it, a worker that ends starts the next one.

    One only: several end at once, each sees all slots that are free, and what one starts takes its slot only
    later. Were each to start one for every slot, the starts would become ever more.
    """
    from ..transport.discovery import find_address, find_journal

    if find_address(paths, find_journal(paths)) is None:
        Launcher(paths, lambda _order, _why: None).launch(most=1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
