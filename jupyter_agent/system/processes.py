"""Processes of this machine: finding them by session or group, and ending them.

A worker leads a session of its own. What it starts belongs to that session, unless it begins another.

The numbers of processes are used again. A process that was remembered by its number is looked at once more
before it gets a signal, and by `signal_process`, so that the signal reaches the process that was looked at.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from .graces import CHILDREN_GRACE, LOCK_TIMEOUT

POLL_INTERVAL = 0.02
_pause = partial(time.sleep, POLL_INTERVAL)

_NO_DESCRIPTORS = (errno.ENOSYS, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Why a process cannot be opened that may well be there: an old system, a sandbox, no more descriptors."""

_EXITING = 0x4
"""PF_EXITING of Linux: the thread is past the point of no return."""

STARTED_BY = "JUPYTER_AGENT_STARTED_BY"
"""Names the worker, in its own environment and in that of everything it starts."""


class Target(Protocol):
    """One or more processes that are ended together."""

    def send(self, number: signal.Signals) -> None:
        """Send a signal to each of them; to one that has ended, do nothing."""

    def is_alive(self) -> bool:
        """Return True while any of them has not ended."""


def terminate(target: Target, grace: float, *, pause: Callable[[], object] = _pause) -> None:
    """Send SIGTERM to *target*, wait at most *grace* seconds for its end, then send SIGKILL.

    *pause* is called between two looks. `graces` has the seconds, and how they nest.
    """
    target.send(signal.SIGTERM)
    wait_for_end(target, grace, pause=pause)
    target.send(signal.SIGKILL)  # also when all seem to have ended: the last look may have missed a new child


def kill_all(target: Target) -> None:
    """Send SIGKILL until *target* has ended, at most `LOCK_TIMEOUT`: some of it may just be starting more."""

    def kill_again() -> None:
        target.send(signal.SIGKILL)
        _pause()

    wait_for_end(target, LOCK_TIMEOUT, pause=kill_again)


def wait_for_end(target: Target, timeout: float, *, pause: Callable[[], object] = _pause) -> None:
    """Wait until *target* has ended, at most *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while target.is_alive() and time.monotonic() < deadline:
        pause()


@dataclass(frozen=True, slots=True)
class Session:
    """The living processes of a session without this one; ``started_by`` as for `members`.

    Python's resource trackers are left out. They ignore SIGTERM, and end by themselves after the processes
    that use them: only then do they remove the shared memory and the semaphores that those have left.
    """

    leader: int
    started_by: str | None = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to each of them, to the leader last: what carries no mark is known by it."""
        for pid in sorted(self._pids(), key=lambda pid: pid == self.leader):
            signal_process(pid, number, is_meant=self._has)

    def is_alive(self) -> bool:
        return any(self._pids())

    def _has(self, pid: int) -> bool:
        return _session_of(pid) == self.leader and _belongs_to(pid, self.leader, self.started_by)

    def _pids(self) -> Iterator[int]:
        return (pid for pid in members(self.leader, self.started_by) if not _is_resource_tracker(pid))


def is_over(process: subprocess.Popen[bytes]) -> bool:
    """Return True if a child process has ended; it keeps its number until `Popen.wait` or `Popen.poll`.

    Not where the system cannot tell without forgetting it (macOS before Python 3.13, ignored SIGCHLD).
    """
    if process.returncode is not None or not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return process.poll() is not None


@dataclass(frozen=True, slots=True)
class Child:
    """One child process, without what it started."""

    process: subprocess.Popen[bytes]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def is_alive(self) -> bool:
        return self.process.poll() is None


def end_children(session: int | None = None, *, started_by: str | None = None) -> None:
    """End every process of *session* (``None``: this process's own) except this one.

    *started_by* is as for `members`. What threads of this process start meanwhile is left: whoever waits for
    its end calls this once more, with its session.
    """
    target = Session(os.getsid(0) if session is None else session, started_by)
    terminate(target, CHILDREN_GRACE)
    if session is not None:
        kill_all(target)


def signal_worker(leader: int, number: signal.Signals, producer: str) -> None:
    """Send a signal to the worker *producer*, whose pid was *leader*, and to every process of its session."""
    Session(leader, producer).send(number)
    # Without /proc, it is the only one of them that is known.
    signal_process(leader, number, is_meant=partial(is_worker, producer=producer))


def signal_process(pid: int, number: signal.Signals, *, is_meant: Callable[[int], bool]) -> None:
    """Send a signal to the process *pid* if it is the one that is meant, and to no other.

    *is_meant* says so of a pid. Where the system has file descriptors of processes (Linux 5.3), one is opened
    before that question, so that the signal cannot reach a process that gets the number after it. Does
    nothing for a process that has ended, or that is another user's.
    """
    if pid <= 0:  # a damaged number: to the system it means groups of processes
        return
    with suppress(ProcessLookupError, PermissionError, OverflowError):  # the last for a damaged one, too
        descriptor = _open_process(pid)
        try:
            if not is_meant(pid):
                return
            if descriptor is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _open_process(pid: int) -> int | None:
    """Return a file descriptor of a process; ``None`` where the system has none, or this process has no more.

    Raises `ProcessLookupError` for one that has ended.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in _NO_DESCRIPTORS:
            return None
        raise


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
    # proc(5): the seventh field behind the name are the flags of its main thread.
    return bool(fields) and (fields[0] in "ZX" or bool(int(fields[6]) & _EXITING) or _is_killed(pid))


def _is_killed(pid: int) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return False
    pending = (int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd:", "ShdPnd:")))
    return any(mask >> (signal.SIGKILL - 1) & 1 for mask in pending)


def _session_of(pid: int) -> int | None:
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
        if its_session == session and pid != os.getpid() and _belongs_to(pid, session, started_by):
            yield pid


def _belongs_to(pid: int, leader: int, started_by: str | None) -> bool:
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
    return any((found, its_session) == (group, os.getsid(0)) for _, found, its_session in _processes())


def _is_resource_tracker(pid: int) -> bool:
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
        fields = _stat(int(entry.name)) if entry.name.isdigit() else []
        if fields and fields[0] != "Z":
            yield int(entry.name), int(fields[2]), int(fields[3])
