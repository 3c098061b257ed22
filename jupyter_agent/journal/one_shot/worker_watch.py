"""``python -m jupyter_agent.journal.one_shot.worker_watch``: the end of a worker that cleans up for long.

It waits for a worker that was cancelled without a server, and kills one that does not stop. A server that has
started meanwhile does the same, and has the journal.
"""

from __future__ import annotations

import sys

from ...detached.grace import grace_of
from ...detached.kill_outcome import kill_outcome
from ...detached.run_spec import load_run_spec
from ...errors import JournalHeld
from ...system.paths import data_paths
from ...system.processes import wait_for_end
from ...transport.discovery import find_address
from .worker_stop import Worker, kill_and_record


def main(slot: str, task: str, producer: str, leader: str, seconds: str) -> int:
    """Wait *seconds* for the worker *producer*, with the pid *leader*, to end; then end it."""
    paths = data_paths()
    worker = Worker(paths, producer, int(leader))
    wait_for_end(worker, float(seconds))
    if find_address(paths, slot) is not None:
        return 0
    grace = grace_of(load_run_spec(paths, task), paths)
    try:
        kill_and_record(worker, slot, kill_outcome(cancelled=True, grace=grace, again=False))
    except JournalHeld:  # by a server that has just started, and finds what the worker left
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
