"""Starting workers for the orders that wait.

Anybody may: the kernel that submits, a server, the command line, a worker that ends where there is no
server. That nothing is started twice, nor too much at once, is seen to by the orders and the slots.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from ..system.files import create_private, make_private
from ..system.paths import DataPaths
from ..system.processes import STARTED_BY
from .run_spec import RunSpec, load_run_spec
from .work_queue import WorkItem, is_alive, is_waiting, waiting_work_items, withdraw_work_item
from .worker_slots import WorkerLimits, find_limits, free_worker_slots

NO_SLOT = 75
"""Exit status of a worker that found no slot: it is tried again (EX_TEMPFAIL of sysexits.h)."""

LOG_TAIL = 2000


@dataclass(frozen=True, slots=True)
class _Started:
    item: WorkItem
    pid: int

    def ended(self) -> int | None:
        """Its exit status, negative for a signal; ``None`` while it lives."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # whoever ignores SIGCHLD is told nothing
            return 0
        return os.waitstatus_to_exitcode(status) if pid else None


class Launcher:
    """Starts workers, and tells *stillborn* (order, why) of those that could not take their order.

    *wants* says which orders are this process's to start. Not thread-safe: it belongs to one thread.
    """

    def __init__(
        self,
        paths: DataPaths,
        stillborn: Callable[[WorkItem, str], None],
        *,
        wants: Callable[[WorkItem], bool] = lambda _order: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._paths = paths
        self._stillborn = stillborn
        self._wants = wants
        self._clock = clock
        self._started: dict[str, _Started] = {}

    @property
    def busy(self) -> bool:
        """Whether workers that it started have not been reaped."""
        return bool(self._started)

    def launch(self, *, settled: float = 0.0, most: int | None = None) -> int:
        """Start workers for the oldest orders, as many as there are slots, and no more than *most*; how many.

        Orders younger than *settled* seconds are left to who placed them.
        """
        self.reap()
        coming = sum(is_waiting(self._paths, producer) for producer in self._started)
        room = free_worker_slots(self._paths) - coming
        tried = (self._start(item) for item in self._choices(settled))
        return sum(islice(filter(None, tried), max(0, room if most is None else min(room, most))))

    def reap(self) -> None:
        """Look which of the workers have ended."""
        for producer, one in list(self._started.items()):
            status = one.ended()
            if status is not None:
                del self._started[producer]
                self._ended(one.item, status)

    def _choices(self, settled: float) -> Iterator[WorkItem]:
        """What is due, and last what somebody is starting now, perhaps: its worker may be gone already."""
        for begun in (False, True):
            for item in self._due(settled):
                if log_path(self._paths, item.producer).exists() is begun:
                    yield item

    def _due(self, settled: float) -> Iterator[WorkItem]:
        now = self._clock()
        for item in waiting_work_items(self._paths):
            ripe = item.not_before <= now and not now - settled < item.created <= now
            known = item.producer in self._started
            if ripe and not known and self._wants(item) and not self._is_blocked(item):
                yield item

    def _is_blocked(self, item: WorkItem) -> bool:
        before = item.after
        return before is not None and (is_waiting(self._paths, before) or is_alive(self._paths, before))

    def _start(self, item: WorkItem) -> bool:
        """False when somebody else starts it at this moment."""
        run_spec = load_run_spec(self._paths, item.task)
        if run_spec is None:
            self._give_up(item, "what it should run is not there any more")
            return True
        try:
            log = log_path(self._paths, item.producer)
            log.unlink(missing_ok=True)
            with create_private(log) as output:
                self._started[item.producer] = _Started(item, self._spawn(item, run_spec, output))
        except FileExistsError:  # somebody made the log after it was removed here
            return False
        except OSError as error:
            where = error.filename or run_spec.python
            self._give_up(item, f"its worker could not be started: {where}: {error.strerror}")
        except ValueError as error:  # as with a NUL in a variable
            self._give_up(item, f"its worker could not be started: {error}")
        return True

    def _spawn(self, item: WorkItem, run_spec: RunSpec, output: IO[bytes]) -> int:
        limits = find_limits(self._paths)
        process = subprocess.Popen(  # noqa: S603 - this user's own call
            [run_spec.python, "-m", "jupyter_agent.worker.detached", item.producer, str(limits.workers)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=run_spec.cwd,
            env=self._environment(item, run_spec, limits),
            start_new_session=True,
        )
        process.returncode = 0  # it may outlive this process, and is no loose end: see `_Started.ended`
        return process.pid

    def _environment(self, item: WorkItem, run_spec: RunSpec, limits: WorkerLimits) -> dict[str, str]:
        return run_spec.env | {
            "JUPYTER_AGENT_DIR": str(self._paths.root),
            "JUPYTER_AGENT_PRODUCER": item.producer,
            STARTED_BY: item.producer,
            "JUPYTER_AGENT_JOURNAL": item.journal,
            "JUPYTER_AGENT_WORKER_MEMORY": str(limits.memory),
        }

    def _ended(self, item: WorkItem, status: int) -> None:
        log = log_path(self._paths, item.producer)
        if status not in (0, NO_SLOT) and is_waiting(self._paths, item.producer):
            self._give_up(item, f"its worker ended with status {status} before it began{_tail(log)}")
        log.unlink(missing_ok=True)

    def _give_up(self, item: WorkItem, why: str) -> None:
        log_path(self._paths, item.producer).unlink(missing_ok=True)
        if withdraw_work_item(self._paths, item.producer):
            self._stillborn(item, why)


def log_path(paths: DataPaths, producer: str) -> Path:
    """Where a worker writes what it says before it can emit."""
    return make_private(paths.workers) / f"{producer}.log"


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f": {lines[-1]}" if lines else ""
