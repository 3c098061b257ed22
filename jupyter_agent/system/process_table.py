"""The table of processes, as the system shows it: which ones live, and who started them.

A number is used again once its process has been reaped: an answer is true of the moment when it is given.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

_EXITING = 0x4
"""PF_EXITING of Linux: the thread is past the point of no return."""

STARTED_BY = "JUPYTER_AGENT_STARTED_BY"
"""Names the worker, in its own environment and in that of everything it starts."""


def is_worker(pid: int, producer: str) -> bool:
    """Return True if *pid* is the worker *producer*.

    The pid may belong to another container or host that shares the data folder. On platforms without /proc
    we cannot tell and return True.
    """
    if sys.platform != "linux":
        return True
    try:
        return producer.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def has_ended(pid: int) -> bool:
    """Return True if no process of this namespace has the number *pid*, or only a zombie has it."""
    if sys.platform == "win32":  # where `os.kill` ends a process; unknown
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # the second for a number from a damaged file
        return True
    except PermissionError:
        return False
    return _stat(pid)[:1] == ["Z"]


def is_dying(pid: int) -> bool:
    """Return True if the system is ending the process *pid*. False where there is no /proc.

    That takes longer the more memory it has; its locks fall last, after its children were killed.
    """
    fields = _stat(pid)
    if not fields:
        return False
    # proc(5): the seventh field behind the name are the flags of its main thread.
    return fields[0] in "ZX" or bool(int(fields[6]) & _EXITING) or _is_killed(pid)


def _is_killed(pid: int) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return False
    pending = (int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd:", "ShdPnd:")))
    return any(mask >> (signal.SIGKILL - 1) & 1 for mask in pending)


def session_of(pid: int) -> int | None:
    """Return the session of a living process; ``None`` for one that has ended."""
    fields = _stat(pid)
    return int(fields[3]) if fields and fields[0] != "Z" else None


def _stat(pid: int) -> list[str]:
    """Return what follows the name in ``/proc/<pid>/stat``; empty when there is no such file."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def members(session: int, started_by: str | None = None) -> Iterator[int]:
    """Yield the living processes of *session*, without this one; none on platforms without /proc.

    *started_by*: only what that worker has started, for a session whose number may be in use again. That is
    all of the session while its leader is the worker or was started by it.
    """
    for pid, _, its_session in _processes():
        if its_session == session and pid != os.getpid() and belongs_to(pid, session, started_by):
            yield pid


def belongs_to(pid: int, leader: int, started_by: str | None) -> bool:
    """Return True if *pid*, of the session of *leader*, is among what *started_by* names; see `members`."""
    return started_by is None or _was_started_by(pid, started_by) or _was_started_by(leader, started_by)


def is_group_alive(group: int) -> bool:
    """Return True while any process of this session's process *group* has not ended. A zombie has ended.

    A group never leaves its session: one of another session has got the number after it.
    """
    if sys.platform != "linux":
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):  # the second for a group of zombies
            return False
        return True
    ours = (group, os.getsid(0))
    return any((its_group, its_session) == ours for _, its_group, its_session in _processes())


def is_resource_tracker(pid: int) -> bool:
    """Return True for a tracker of `multiprocessing`, or of loky, which starts its own in the same way."""
    try:
        return b"resource_tracker import main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _was_started_by(pid: int, worker: str) -> bool:
    try:
        return f"{STARTED_BY}={worker}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is another user's
        return False


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield pid, process group and session of every living process; none on platforms without /proc.

    proc(5): after the name in parentheses come state, parent, group and session.
    """
    if sys.platform != "linux":
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        fields = _stat(int(entry.name))
        if fields and fields[0] != "Z":
            yield int(entry.name), int(fields[2]), int(fields[3])
