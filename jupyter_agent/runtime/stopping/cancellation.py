"""Cancellation of one attempt: whether it was asked to stop, who is told, and who was told already."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ...errors import TaskCancelled

POLL_INTERVAL = 0.1
"""Seconds within which a wait for something else than this notices a cancel."""


class Cancellation:
    """A request to stop, seen from inside the task *id*. Thread-safe.

    Each thread of the task is told once, by an exception. What it waits for after that belongs to its
    clean-up, and is not cut short.
    """

    def __init__(self, id: str) -> None:
        self._id = id
        self.requested = False
        self.hastened = False
        self._told: set[int] = set()
        self._callbacks: list[Callable[[], object]] = []
        self.renew_locks()

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        self._event = threading.Event()
        if self.requested:
            self._event.set()

    def request(self) -> None:
        """Ask every thread of the attempt to stop, and call what `add_callback` got."""
        self.requested = True
        self._event.set()
        for callback in list(self._callbacks):
            callback()

    def hasten(self) -> None:
        """Call the same callbacks again: the attempt was cancelled a second time."""
        self.hastened = True
        for callback in list(self._callbacks):
            callback()

    def is_told(self, thread: int | None) -> bool:
        """Return whether *thread* has been told."""
        return thread in self._told

    def add_callback(self, callback: Callable[[], object]) -> None:
        """Call *callback* on a cancel, and on a second one; never if the first has come already."""
        if not self.requested:
            self._callbacks.append(callback)

    def remove_callback(self, callback: Callable[[], object]) -> None:
        """Do not call *callback*. Idempotent."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def mark_told(self, thread: int | None = None) -> None:
        """Something else than `check` stops *thread*, by default this one."""
        self._told.add(thread or threading.get_ident())

    def check(self) -> None:
        """Raise `TaskCancelled` if the attempt was asked to stop."""
        if self.requested:
            self.mark_told()
            raise TaskCancelled(f"task {self._id} was cancelled", task_id=self._id)

    def check_once(self) -> None:
        """Raise `TaskCancelled` if the attempt was asked to stop and this thread has not been told."""
        if self.requested and threading.get_ident() not in self._told:
            self.check()

    def sleep(self, seconds: float) -> bool:
        """Wait *seconds*, or until `check_once` raises; false in a clean-up, where this does not wait."""
        if threading.get_ident() in self._told:
            return False
        if self._event.wait(seconds):
            self.check_once()
        return True

    def wait(self, wait: Callable[[float | None], bool], timeout: float | None) -> bool:
        """Return what *wait* returns within *timeout* seconds, or raise as `check_once` does."""
        done = self._wait(wait, timeout)
        self.check_once()  # what it waited for may have ended by the same cancel
        return done

    def _wait(self, wait: Callable[[float | None], bool], timeout: float | None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._id and (deadline is None or deadline - time.monotonic() > POLL_INTERVAL):
            if wait(POLL_INTERVAL):
                return True
            self.check_once()
        return wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
