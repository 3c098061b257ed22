"""A journal held for a moment: taken for one job, brought up to date, released."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from ..core.events import State
from ..detached.leftovers import sweep_workers
from ..errors import JournalHeld
from ..system.paths import DataPaths
from ..transport.discovery import DEFAULT
from .holder import Holder
from .operations.interruption import interrupt_orphans
from .operations.recovery import recover_all
from .operations.spool_recovery import read_live_spools
from .session import JournalSession
from .slots import Slot, take_slot_briefly

T = TypeVar("T")
LEASE = 86_400.0
"""Seconds since its last word that a producer on another machine counts as alive."""

ACQUIRE_TIMEOUT = 5.0
"""Seconds that a job waits for the moments of others."""

_RETRY = 0.05


def run_in_session(
    paths: DataPaths,
    name: str,
    job: Callable[[JournalSession], T],
    *,
    kill_outcomes: Mapping[str, State] | None = None,
    recover: bool = True,
) -> T:
    """What *job* makes of the journal *name*, with with *recover* every spool that can be read now.

    *kill_outcomes*: the final state to record for the task of each producer that was killed from here. Raises
    `JournalHeld` when a server has the journal, or another process for longer than `ACQUIRE_TIMEOUT`.
    """
    slot = _take_slot(paths, name)
    try:
        holder = Holder(slot)
    except BaseException:
        slot.release()
        raise

    def work(session: JournalSession) -> T:
        if recover:
            recover_all(session, paths, slot.name)
            read_live_spools(session, paths, slot.name)
            interrupt_orphans(session, paths, lambda _: False, now=time.time(), lease=LEASE)
            sweep_workers(paths)
        return job(session)

    with holder:
        for producer, outcome in (kill_outcomes or {}).items():
            holder.expect_kill(producer, outcome)
        return holder.call(work).result()


def home_of(paths: DataPaths, name: str) -> str:
    """The slot *name*, or the default one into which it was merged."""
    return name if (paths.journals / name).is_dir() else DEFAULT


def _take_slot(paths: DataPaths, name: str) -> Slot:
    """The slot; waits for the moments of others."""
    deadline = time.monotonic() + ACQUIRE_TIMEOUT
    while True:
        try:
            return take_slot_briefly(paths, home_of(paths, name))
        except JournalHeld as held:
            if held.holder.get("kind") == "server" or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY)
