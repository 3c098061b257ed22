"""Cancellation of one attempt: whether it was asked to stop, who is told, and who was told already."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...core.events import Error
from ...errors import TaskCancelled

POLL_INTERVAL = 0.1
"""Seconds within which a wait for something else than this notices a cancel."""

SIGNAL_INTERVAL = 0.5
"""Seconds after which a wait outside of tasks begins anew. An interrupt from the keyboard that comes when
Python is about to wait for a lock, and has looked for signals, is handled only when that wait is over."""


class Cancellation:
    """A request to stop, seen from inside the task *id*. Thread-safe.

    A thread is told once, by an exception, and only where that ends the work: in the task's own thread, and
    in pools that hand it to the code that waits for the work. In any other thread it would be lost, with
    all that waits for that thread. What a thread waits for after it was told belongs to its clean-up, and is
    not cut short. ``cut_short``: another thread than the task's own was told. ``overdue``: what to say of a
    part of the work that ran longer than a timeout of its own; the attempt is stopped, as after its timeout.
    """

    def __init__(self, id: str) -> None:
        self._id = id
        self.requested = False
        self.hastened = False
        self.cut_short = False
        self.overdue: Error | None = None
        self._own: set[int] = set()
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

    @contextmanager
    def own_thread(self, *, helps: bool = False) -> Iterator[None]:
        """Let waits of this thread be told of a cancel; *helps*: it runs a piece of the task's work only."""
        thread = threading.get_ident()
        if thread in self._own:
            yield
            return
        self._own.add(thread)
        try:
            yield
        finally:
            self._own.discard(thread)
            if helps:
                self.cut_short |= thread in self._told
                self._told.discard(thread)  # the next piece of work in it is told by itself

    def mark_told(self, thread: int | None = None) -> None:
        """Something else than `check` stops *thread*, by default this one."""
        self._told.add(thread or threading.get_ident())

    def check(self) -> None:
        """Raise `TaskCancelled` if the attempt was asked to stop."""
        if self.requested:
            self.mark_told()
            self.cut_short |= threading.get_ident() not in self._own
            raise TaskCancelled(f"task {self._id} was cancelled", task_id=self._id)

    def check_once(self) -> None:
        """Raise `TaskCancelled` if the attempt was asked to stop and this thread is to be told."""
        if self.requested and self._may_tell():
            self.check()

    def _may_tell(self) -> bool:
        thread = threading.get_ident()
        return thread in self._own and thread not in self._told

    def sleep(self, seconds: float) -> bool:
        """Wait *seconds*, or until `check_once` raises; false at once in a thread that is not to be told."""
        if not self._may_tell():
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
        interval = POLL_INTERVAL if self._id else SIGNAL_INTERVAL
        while deadline is None or deadline - time.monotonic() > interval:
            if wait(interval):
                return True
            self.check_once()
        return wait(max(0.0, deadline - time.monotonic()))
