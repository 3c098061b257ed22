"""Interruption of a running thread by raising in it; never after the function it runs has returned."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from ..errors import TaskCancelled
from ..system.orphaned_locks import renew_orphaned_locks

T = TypeVar("T")


class Stopped(TaskCancelled):
    """`TaskCancelled` as raised by an interrupter; a notebook shows it as one line."""

    def __init__(self, message: str = "the task was cancelled", *, task_id: str = "") -> None:
        super().__init__(message, task_id=task_id)

    def _render_traceback_(self) -> list[str]:
        return [f"{TaskCancelled.__name__}: {self}"]


class Terminated(BaseException):
    """A worker got a termination signal that it did not send itself.

    *expected*: the signal is for a cancel of its task, or because its timeout passed. Otherwise another
    process, such as the system at shutdown, ends the worker.
    """

    def __init__(self, *, expected: bool) -> None:
        super().__init__("terminated by a signal")
        self.expected = expected


class AsyncExceptionInterrupter:
    """Raises `Stopped` at the next bytecode of the thread that is inside `run`."""

    def __init__(self) -> None:
        self._thread: int | None = None
        self.from_user = False
        renew_orphaned_locks(self)

    def renew_locks(self) -> None:
        """See `LockOwner`."""
        self._lock = threading.Lock()

    def run(self, call: Callable[[], T]) -> T:
        """Call *call* in this thread; `throw` interrupts it until it returns."""
        self.open()
        try:
            try:
                return call()
            finally:
                self.close()
        except BaseException:
            # The exception may have been raised inside `close` above, before it had its effect. It is raised
            # only once, so this second `close` completes.
            self.close()
            raise

    def open(self) -> None:
        """Let `throw` interrupt this thread from now on."""
        with self._lock:
            self._thread = threading.get_ident()

    def throw(self) -> bool:
        """Raise `Stopped` in the thread; false when nothing runs.

        Code that never returns to Python is not interrupted.
        """
        with self._lock:
            if self._thread is None:
                return False
            _set_async(self._thread, Stopped)
            return True

    def close(self) -> None:
        """Withdraw a `throw` that is still pending, and ignore later ones. Idempotent."""
        # The same lock as `throw`: after this no exception is pending for the thread, and none can be set.
        with self._lock:
            if self._thread is not None:
                _set_async(self._thread, None)
                self._thread = None


class SignalInterrupter:
    """Raises `Stopped` in the main thread by a signal, which also ends a blocking system call.

    Between `open` and `close` the signal's handler is this object's. A signal that `throw` did not send, such
    as that of a notebook's stop button, raises what *foreign* returns and sets ``from_user``.
    """

    def __init__(
        self,
        number: signal.Signals = signal.SIGINT,
        *,
        foreign: Callable[[], BaseException] = KeyboardInterrupt,
    ) -> None:
        self._number = number
        self._foreign = foreign
        self._open = False
        self._thrown = False
        self._handled = threading.Event()
        self._before: Any = None
        self.from_user = False
        renew_orphaned_locks(self)

    def renew_locks(self) -> None:
        """See `LockOwner`."""
        self._lock = threading.Lock()

    @staticmethod
    def is_supported() -> bool:
        """Return whether this is the main thread, which alone gets signals, and Python handles SIGINT."""
        main = threading.current_thread() is threading.main_thread()
        return main and signal.getsignal(signal.SIGINT) is not None

    def run(self, call: Callable[[], T]) -> T:
        """Call *call*; `throw` interrupts it until it returns."""
        self.open()
        try:
            try:
                return call()
            finally:
                self.close()
        except BaseException:
            self.close()  # as above: the exception may have hit the first one
            raise

    def open(self) -> None:
        """Install the handler."""
        self._before = signal.signal(self._number, self._handle)
        self._open = True

    def throw(self) -> bool:
        """Raise `Stopped` in the main thread; false when nothing runs."""
        with self._lock:
            if not self._open:
                return False
            self._thrown = True
            self._handled.clear()
            signal.pthread_kill(threading.main_thread().ident or 0, self._number)
            return True

    def close(self) -> None:
        """Restore the previous handler; a pending `throw` is absorbed first. Idempotent."""
        with self._lock:
            was_open, self._open = self._open, False
        if not was_open:
            return
        # A signal that `throw` has sent may not have arrived yet. The previous handler must not get it (the
        # default one ends the process), so wait until ours has; closed, it raises nothing.
        if self._thrown:
            self._handled.wait(1.0)
            self._thrown = False
        if signal.getsignal(self._number) == self._handle:
            signal.signal(self._number, self._before)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._thrown:
            self._handled.set()
            if self._open:
                self._thrown = False
                raise Stopped
            return
        self.from_user = True
        raise self._foreign()


def interrupter_for_this_thread() -> AsyncExceptionInterrupter | SignalInterrupter:
    """Return what can interrupt code that runs in this thread."""
    return SignalInterrupter() if SignalInterrupter.is_supported() else AsyncExceptionInterrupter()


def _set_async(thread: int, exception: type[BaseException] | None) -> None:
    argument = ctypes.py_object(exception) if exception is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), argument)
