"""One session in a journal that no server holds: acquire the slot, recover, run one job, release."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from ...core.events import State
from ...detached.leftovers import sweep_workers
from ...errors import JournalHeld
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT
from ..holder import Holder
from ..operations.interruption import Leases, interrupt_orphans
from ..operations.recovery import recover_all
from ..operations.spool_recovery import read_live_spools
from ..session import JournalSession
from ..slots import Slot, take_slot_briefly

T = TypeVar("T")
LEASE = 86_400.0
"""Seconds without an event after which a producer on another machine counts as dead: longer than any such
job takes, since it has heard of none before it began."""

ACQUIRE_TIMEOUT = 5.0
"""Seconds that a job waits while other processes have the journal for one of theirs."""

_RETRY = 0.05


def run_in_session(
    paths: DataPaths,
    name: str,
    job: Callable[[JournalSession], T],
    *,
    kill_outcomes: Mapping[str, State] | None = None,
    recover: bool = True,
) -> T:
    """Run *job* in the journal *name* and return what it returns.

    *recover*: read every spool first. *kill_outcomes*: the final state to record for the task of each
    producer that this process killed. Raises `JournalHeld` when a server has the journal, or another process
    for longer than `ACQUIRE_TIMEOUT`.
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
            interrupt_orphans(session, paths, lambda _: False, Leases(LEASE))
            sweep_workers(paths)
        return job(session)

    with holder:
        for producer, outcome in (kill_outcomes or {}).items():
            holder.expect_kill(producer, outcome)
        return holder.call(work).result()


def home_of(paths: DataPaths, name: str) -> str:
    """Return the slot *name*, or the default one into which it was merged."""
    return name if (paths.journals / name).is_dir() else DEFAULT


def _take_slot(paths: DataPaths, name: str) -> Slot:
    """Acquire the slot; wait while another process has it for one job."""
    deadline = time.monotonic() + ACQUIRE_TIMEOUT
    while True:
        try:
            return take_slot_briefly(paths, home_of(paths, name))
        except JournalHeld as held:
            if held.holder.get("kind") == "server" or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY)
