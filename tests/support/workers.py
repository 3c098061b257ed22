"""Workers in tests: finding them, killing one, and ending all that a test left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_agent.detached.work_queue import waiting_work_items, withdraw_work_item
from jupyter_agent.detached.work_state import is_alive
from jupyter_agent.producer.spool_folder import read_spool_header
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.system.process_table import members
from jupyter_agent.system.processes import signal_process
from tests.support.builders import until


def worker_pid(paths: DataPaths, producer: str) -> int:
    """The pid of a worker, once it is alive."""
    until(lambda: is_alive(paths, producer))
    return read_spool_header(paths.spools / producer).pid


def kill_worker(paths: DataPaths, producer: str) -> None:
    """Kill a worker, as the system does when memory is short."""
    os.kill(worker_pid(paths, producer), signal.SIGKILL)
    until(lambda: not is_alive(paths, producer))


def workers_of(paths: DataPaths) -> list[int]:
    """The processes of all workers in these folders, with all that they started, living ones only."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if _runs_worker_of(entry, paths):
            found += [int(entry.name), *members(int(entry.name))]
    return found


def _runs_worker_of(process: Path, paths: DataPaths) -> bool:
    try:
        words = (process / "cmdline").read_bytes()
        place = (process / "environ").read_bytes()
    except OSError:
        return False
    return b"jupyter_agent.worker.detached" in words and f"JUPYTER_AGENT_DIR={paths.root}".encode() in place


@contextmanager
def no_workers_left(paths: DataPaths) -> Iterator[None]:
    """End every worker of these folders when the block is left."""
    try:
        yield
    finally:
        for item in list(waiting_work_items(paths)):
            withdraw_work_item(paths, item.producer)
        for pid in workers_of(paths):
            signal_process(pid, signal.SIGKILL, is_meant=lambda pid: pid in workers_of(paths))
        until(lambda: not workers_of(paths))
