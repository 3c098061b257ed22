"""Signals to processes of this machine, and the ends of sessions and groups.

A worker leads a session of its own. What it starts belongs to that session, unless it begins another.

The numbers of processes are used again. A process that was remembered by its number is looked at once more
before it gets a signal, and by `signal_process`, so that the signal reaches the process that was looked at.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from .graces import CHILDREN_GRACE, LOCK_TIMEOUT
from .process_table import belongs_to, is_resource_tracker, is_worker, members, session_of

POLL_INTERVAL = 0.02

_NO_DESCRIPTORS = (errno.ENOSYS, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Why a process cannot be opened that may well be there: an old system, a sandbox, no more descriptors."""


class Target(Protocol):
    """One or more processes that are ended together."""

    def send(self, number: signal.Signals) -> None:
        """Send a signal to each of them; to one that has ended, do nothing."""

    def is_alive(self) -> bool:
        """Return True while any of them has not ended."""


def _pause() -> None:
    time.sleep(POLL_INTERVAL)


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
        return session_of(pid) == self.leader and belongs_to(pid, self.leader, self.started_by)

    def _pids(self) -> Iterator[int]:
        return (pid for pid in members(self.leader, self.started_by) if not is_resource_tracker(pid))


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
