"""The processes of a worker's session: all that it started and that did not begin a session of their own."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""

POLL_INTERVAL = 0.02

STARTED_BY = "JUPYTER_AGENT_STARTED_BY"
"""Names the worker, in its own environment and that of all that it starts."""


def is_worker(pid: int, producer: str) -> bool:
    """Whether the process *pid* of this machine is the worker *producer*, and not another's number: that of
    another container, or machine, with the same folders. Where that cannot be asked: true."""
    if sys.platform != "linux":
        return True
    try:
        return producer.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def kill_session(leader: int, number: signal.Signals) -> None:
    """Send a signal to a session's leader and to every process of its session."""
    signal_all(leader, number)
    try:
        os.kill(leader, number)
    except ProcessLookupError:
        return


def end_children(session: int | None = None, *, started_by: str | None = None) -> None:
    """End every process of *session* (``None``: this process's own) but this one: SIGTERM, grace, SIGKILL.

    *started_by*: only what that worker has started; a session's number may be another's by now.
    """
    wanted = os.getsid(0) if session is None else session
    deadline = time.monotonic() + GRACE
    pause = threading.Event()
    signal_all(wanted, signal.SIGTERM, started_by)
    while any(members(wanted, started_by)) and time.monotonic() < deadline:
        pause.wait(POLL_INTERVAL)
    signal_all(wanted, signal.SIGKILL, started_by)


def signal_all(session: int, number: signal.Signals, started_by: str | None = None) -> None:
    """Send a signal to every process of *session* but this one; *started_by* as for `end_children`."""
    for pid in members(session, started_by):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):  # it has ended, or has become another user's
            continue


def members(session: int, started_by: str | None = None) -> Iterator[int]:
    """The living processes of *session*, without this one; *started_by* as for `end_children`. Where that
    cannot be asked: none."""
    for pid, _, its_session in _processes():
        if its_session != session or pid == os.getpid():
            continue
        if started_by is None or _is_of(pid, started_by):
            yield pid


def _is_of(pid: int, worker: str) -> bool:
    try:
        return f"{STARTED_BY}={worker}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is another user's
        return False


def group_lives(group: int) -> bool:
    """Whether any process of the process group has not ended; one that has may wait for its parent long."""
    if sys.platform != "linux":
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):  # the second for a group of ended ones
            return False
        return True
    return any(its_group == group for _, its_group, _ in _processes())


def _processes() -> Iterator[tuple[int, int, int]]:
    """Number, process group and session of all that have not ended. Where that cannot be asked: none.

    proc(5): after the name in parentheses come state, parent, group and session; a zombie has ended.
    """
    if sys.platform != "linux":
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            yield int(entry.name), int(fields[2]), int(fields[3])
