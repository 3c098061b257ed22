"""Raising in a thread from outside it, and never after the function it runs has returned."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from ..errors import TaskCancelled

T = TypeVar("T")


class Stopped(TaskCancelled):
    """`TaskCancelled` as it is raised from outside; a notebook shows it as one line."""

    def __init__(self, message: str = "the task was cancelled", *, task_id: str = "") -> None:
        super().__init__(message, task_id=task_id)

    def _render_traceback_(self) -> list[str]:
        return [f"{TaskCancelled.__name__}: {self}"]


class Terminated(BaseException):
    """A worker is told to end by a signal that it did not send itself. *ours*: by whoever cancels its task or
    sees that its time is over, else by the machine or somebody else."""

    def __init__(self, *, ours: bool) -> None:
        super().__init__("told to end")
        self.ours = ours


class AsyncExceptionInterrupter:
    """Raises `Stopped` at the next bytecode of the thread that is inside `run`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self.from_user = False

    def run(self, call: Callable[[], T]) -> T:
        """Call *call* in this thread, open to `throw` until it returns."""
        self.open()
        try:
            try:
                return call()
            finally:
                self.close()
        except BaseException:
            self.close()  # the first may have been what the exception hit; it comes only once
            raise

    def open(self) -> None:
        """From now on `throw` reaches this thread."""
        with self._lock:
            self._thread = threading.get_ident()

    def throw(self) -> bool:
        """Raise there; false when nothing runs. Code that never returns to Python does not notice."""
        with self._lock:
            if self._thread is None:
                return False
            _set_async(self._thread, Stopped)
            return True

    def close(self) -> None:
        """Nothing reaches the thread any more, not even a `throw` that is under way. Again is nothing."""
        with self._lock:
            if self._thread is not None:
                _set_async(self._thread, None)
                self._thread = None


class SignalInterrupter:
    """Raises `Stopped` in the main thread by a signal, which also ends a blocking system call.

    Between `open` and `close` the signal's handler is ours. When it came from somebody else, as with a
    notebook's stop button, it raises what *foreign* gives, and ``from_user`` is true.
    """

    def __init__(
        self,
        number: signal.Signals = signal.SIGINT,
        *,
        foreign: Callable[[], BaseException] = KeyboardInterrupt,
    ) -> None:
        self._number = number
        self._foreign = foreign
        self._lock = threading.Lock()
        self._open = False
        self._asked = False
        self._seen = threading.Event()
        self._before: Any = None
        self.from_user = False

    @staticmethod
    def is_supported() -> bool:
        """Whether this is the main thread, the only one that signals reach, and SIGINT is Python's."""
        main = threading.current_thread() is threading.main_thread()
        return main and signal.getsignal(signal.SIGINT) is not None

    def run(self, call: Callable[[], T]) -> T:
        """Call *call*, open to `throw` until it returns."""
        self.open()
        try:
            try:
                return call()
            finally:
                self.close()
        except BaseException:
            self.close()  # the first may have been what the exception hit
            raise

    def open(self) -> None:
        """Take the signal."""
        self._before = signal.signal(self._number, self._handle)
        self._open = True

    def throw(self) -> bool:
        """Raise there; false when nothing runs."""
        with self._lock:
            if not self._open:
                return False
            self._asked = True
            self._seen.clear()
            signal.pthread_kill(threading.main_thread().ident or 0, self._number)
            return True

    def close(self) -> None:
        """Give the signal back; a `throw` that is still under way is taken in here. Again is nothing."""
        with self._lock:
            was_open, self._open = self._open, False
        if not was_open:
            return
        if self._asked:
            self._seen.wait(1.0)
            self._asked = False
        if signal.getsignal(self._number) == self._handle:
            signal.signal(self._number, self._before)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked:
            self._seen.set()
            if self._open:
                self._asked = False
                raise Stopped
            return
        self.from_user = True
        raise self._foreign()


def interrupter_for_this_thread() -> AsyncExceptionInterrupter | SignalInterrupter:
    """What can stop code that runs in this thread at once."""
    return SignalInterrupter() if SignalInterrupter.is_supported() else AsyncExceptionInterrupter()


def _set_async(thread: int, exception: type[BaseException] | None) -> None:
    argument = ctypes.py_object(exception) if exception is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), argument)
