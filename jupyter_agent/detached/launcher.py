"""Launcher of workers for the items that wait.

Several processes launch: the kernel that submits, a server, the command line, and, without a server, a worker
that ends. Renames and locks see to it that no item is run twice and no more workers run than there are slots.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..system.files import make_private
from ..system.interpreter import program_command, program_start_environment
from ..system.locks import FileLock
from ..system.paths import DataPaths
from ..system.process_table import STARTED_BY
from .run_spec import RunSpec, load_run_spec
from .work_queue import WorkItem, log_path, waiting_work_items, withdraw_work_item
from .work_state import WorkState, is_waiting, state_of, used_worker_slots
from .worker_slots import WorkerLimits, free_worker_slots, load_limits

NO_SLOT = 75
"""Exit status of a worker that found no slot: it is started again later (EX_TEMPFAIL of sysexits.h)."""

LOG_TAIL = 2000
"""Bytes of a worker's log in which the last line is looked for."""


@dataclass(frozen=True, slots=True)
class _Started:
    item: WorkItem
    pid: int

    def poll(self) -> int | None:
        """Return its exit status, negative for a signal; ``None`` while it is alive."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # a process that ignores SIGCHLD gets no status
            return 0
        return os.waitstatus_to_exitcode(status) if pid else None


class Launcher:
    """Starts workers; *on_launch_failed* (item, why) is called for each that could not claim its item.

    *wants* says which items are this process's to start. Not thread-safe: it belongs to one thread.
    """

    def __init__(
        self,
        paths: DataPaths,
        on_launch_failed: Callable[[WorkItem, str], None],
        *,
        wants: Callable[[WorkItem], bool] = lambda _item: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._paths = paths
        self._on_launch_failed = on_launch_failed
        self._wants = wants
        self._clock = clock
        self._started: dict[str, _Started] = {}

    @property
    def busy(self) -> bool:
        """Whether any worker that it started has not been reaped."""
        return bool(self._started)

    def launch(self, *, settled: float = 0.0, limit: int | None = None) -> int:
        """Start workers for the oldest items, as many as there are slots, at most *limit*; return how many.

        Items younger than *settled* seconds are left to the process that enqueued them.
        """
        self.reap()
        most = load_limits(self._paths).workers if limit is None else limit
        started = 0
        # Choose an item only when the one before it was started: that changes what can be chosen next.
        for item in self._choices(settled):
            # A worker that ends at once leaves its room again; other launchers fill it, too.
            if started >= most or self._room() < 1:
                break
            started += self._start(item)
        return started

    def _room(self) -> int:
        """Return how many workers would find a slot; other launchers' that are being started count, too."""
        limit = load_limits(self._paths).workers
        return min(free_worker_slots(self._paths), limit - used_worker_slots(self._paths))

    def reap(self) -> None:
        """Collect the exit status of workers that have ended."""
        for worker, started in list(self._started.items()):
            status = started.poll()
            if status is not None:
                del self._started[worker]
                self._on_exit(started.item, status)

    def _choices(self, settled: float) -> Iterator[WorkItem]:
        """Yield the due items, for which no worker is being started."""
        now = self._clock()
        for item in waiting_work_items(self._paths):
            is_due = item.not_before <= now
            # A creation time in the future means that the clock was set back: such an item is not young.
            is_young = now - settled < item.created <= now
            is_started = item.producer in self._started
            if not is_due or is_young or is_started or not self._wants(item) or self._is_blocked(item):
                continue
            if state_of(self._paths, item.producer) is WorkState.WAITING:
                yield item

    def _is_blocked(self, item: WorkItem) -> bool:
        return item.after is not None and state_of(self._paths, item.after).is_open

    def _start(self, item: WorkItem) -> bool:
        """Start a worker, or give the item up; false when another launcher starts it at this moment."""
        run_spec = load_run_spec(self._paths, item.task)
        if run_spec is None:
            self._give_up(item, "its run spec was deleted")
            return True
        make_private(self._paths.workers)
        try:
            log = FileLock.acquire(log_path(self._paths, item.producer))
            if log is None:
                return False
            try:
                os.ftruncate(log.fileno(), 0)
                self._started[item.producer] = _Started(item, self._spawn(item, run_spec, log))
            finally:
                log.hand_over()  # to the worker
        except OSError as error:
            where = error.filename or run_spec.python
            self._give_up(item, f"its worker could not be started: {where}: {error.strerror}")
        except ValueError as error:  # as with a NUL in a variable
            self._give_up(item, f"its worker could not be started: {error}")
        return True

    def _spawn(self, item: WorkItem, run_spec: RunSpec, output: FileLock) -> int:
        limits = load_limits(self._paths)
        process = subprocess.Popen(  # noqa: S603 - this user's own run spec
            program_command(
                "jupyter_agent.worker.detached", item.producer, str(limits.workers), python=run_spec.python
            ),
            stdin=subprocess.DEVNULL,
            stdout=output.fileno(),
            stderr=output.fileno(),
            cwd=run_spec.cwd,
            env=self._environment(item, run_spec, limits),
            start_new_session=True,
        )
        process.returncode = 0  # it may outlive this process without a ResourceWarning: see `_Started.poll`
        return process.pid

    def _environment(self, item: WorkItem, run_spec: RunSpec, limits: WorkerLimits) -> dict[str, str]:
        return program_start_environment(run_spec.env) | {
            "JUPYTER_AGENT_DIR": str(self._paths.root),
            "JUPYTER_AGENT_PRODUCER": item.producer,
            STARTED_BY: item.producer,
            "JUPYTER_AGENT_JOURNAL": item.journal,
            "JUPYTER_AGENT_WORKER_MEMORY": str(limits.memory),
        }

    def _on_exit(self, item: WorkItem, status: int) -> None:
        log = log_path(self._paths, item.producer)
        if not is_waiting(self._paths, item.producer):
            log.unlink(missing_ok=True)
        elif status not in (0, NO_SLOT):  # else it stays: another launcher may be starting a worker by now
            self._give_up(item, f"its worker ended with status {status} before it began{_tail(log)}")

    def _give_up(self, item: WorkItem, why: str) -> None:
        log_path(self._paths, item.producer).unlink(missing_ok=True)
        if withdraw_work_item(self._paths, item.producer):
            self._on_launch_failed(item, why)


def _tail(log: Path) -> str:
    """Return the log's last line behind a colon; nothing for an empty log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f": {lines[-1]}" if lines else ""
