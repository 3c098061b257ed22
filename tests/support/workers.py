"""Detached tasks in tests: an end to whatever workers they have left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_agent.detached.work_queue import is_alive, waiting_work_items, withdraw_work_item
from jupyter_agent.producer.spool import read_spool_header
from jupyter_agent.system.paths import Places
from jupyter_agent.system.processes import members
from tests.support.builders import until


def worker_pid(places: Places, producer: str) -> int:
    """The process of a worker that lives."""
    until(lambda: is_alive(places, producer))
    return read_spool_header(places.spools / producer).pid


def kill_worker(places: Places, producer: str) -> None:
    """As the machine does when memory is short."""
    os.kill(worker_pid(places, producer), signal.SIGKILL)
    until(lambda: not is_alive(places, producer))


def workers_of(places: Places) -> list[int]:
    """The processes of all workers in these folders, with all that they started, living ones only."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if _runs_worker_of(entry, places):
            found += [int(entry.name), *members(int(entry.name))]
    return found


def _runs_worker_of(process: Path, places: Places) -> bool:
    try:
        words = (process / "cmdline").read_bytes()
        place = (process / "environ").read_bytes()
    except OSError:
        return False
    return b"jupyter_agent.worker.detached" in words and f"JUPYTER_AGENT_DIR={places.root}".encode() in place


@contextmanager
def no_workers_left(places: Places) -> Iterator[None]:
    """Ends every worker of these folders when the block is left."""
    try:
        yield
    finally:
        for order in list(waiting_work_items(places)):
            withdraw_work_item(places, order.producer)
        for pid in workers_of(places):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not workers_of(places))
