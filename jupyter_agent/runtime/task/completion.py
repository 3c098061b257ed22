"""Completion of a task: an event and callbacks for when no further attempt follows."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Completion:
    """Set when a task has ended and will not retry by itself; reset when it is queued again. Thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self.renew_locks()

    def renew_locks(self) -> None:
        """See `LockOwner`; its task calls this."""
        # Re-entrant: a tracked loop that the garbage collector finds may complete in the middle of these.
        self._lock = threading.RLock()
        settled, self._event = self._event.is_set(), threading.Event()
        if settled:
            self._event.set()

    def reset(self) -> None:
        """A new attempt is queued. Callbacks stay registered."""
        self._event.clear()

    def settle(self) -> None:
        """Mark the task as complete: release all waiters and run the callbacks, each once, in this thread."""
        with self._lock:
            # One step under the lock, so that no callback is added between the two and then never called.
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def wait(self, timeout: float | None) -> bool:
        """Wait until the task is complete; false after *timeout* seconds."""
        return self._event.wait(timeout)

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call *callback* once when the task is complete; now, in this thread, if it is already."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()
