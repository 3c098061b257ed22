"""Worker process of a map: SIGTERM stops its item, which has time to clean up, and then ends the process."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from ...system.signals import ignore
from ..interrupt import Stopped
from .pool.plain_call import RemoteCall

POLL_INTERVAL = 0.1
"""Seconds within which `end_workers` can be interrupted."""


class _Item:
    """The item that this process works on: whether there is one, and whether it was told to stop."""

    runs = False
    told = False


def begin() -> None:
    """Prepare this process. The stop button of a notebook interrupts the notebook only."""
    signal.signal(signal.SIGINT, ignore)
    signal.signal(signal.SIGTERM, _stop)


class StoppableCall(RemoteCall):
    """A call of one item, in a process that `begin` has prepared."""

    def __call__(self) -> Any:
        try:
            _Item.runs = True
            return super().__call__()
        finally:
            _Item.runs = False
            if _Item.told:  # no item follows, and what it returned is not wanted
                _exit()


def _stop(number: int, _frame: FrameType | None) -> None:
    if not _Item.runs:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    elif not _Item.told:  # the pool repeats it when a worker has ended
        _Item.told = True
        raise Stopped


def _exit() -> None:
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    finally:
        os._exit(1)


def end_workers(workers: Sequence[BaseProcess], seconds: float = math.inf) -> None:
    """Stop *workers*, and kill those that still run after *seconds*, or when this is interrupted."""
    deadline = time.monotonic() + seconds
    try:
        for worker in workers:
            worker.terminate()
        running = {worker.sentinel for worker in workers}
        while running and time.monotonic() < deadline:
            running.difference_update(wait(running, POLL_INTERVAL))
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.kill()
