"""Interruption of a running thread by raising in it; never after the function it runs has returned."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from ..errors import TaskCancelled
from ..system.orphaned_locks import renew_orphaned_locks
from ..system.signals import has_own_handler, restore_default
from .stopping.scope import Scope, cancel_future, cancel_waiting

T = TypeVar("T")


class Stopped(TaskCancelled):
    """`TaskCancelled` as raised by an interrupter; a notebook shows it as one line."""

    def __init__(self, message: str = "the task was cancelled", *, task_id: str = "") -> None:
        super().__init__(message, task_id=task_id)

    def _render_traceback_(self) -> list[str]:
        return [f"{TaskCancelled.__name__}: {self}"]


class Terminated(TaskCancelled):
    """A worker got a termination signal that it did not send itself.

    *expected*: the signal is for a cancel of its task, or because its timeout passed. Otherwise another
    process, such as the system at shutdown, ends the worker.
    """

    def __init__(self, *, expected: bool) -> None:
        super().__init__("terminated by a signal")
        self.expected = expected


class AsyncExceptionInterrupter:
    """Raises `Stopped` at the next bytecode of the thread that is inside `run`, or in the code of *scope*."""

    def __init__(self, scope: Scope | None = None) -> None:
        self.scope = scope
        self._thread: int | None = None
        self.from_user = self.was_passed_on = False
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

    @property
    def thread(self) -> int | None:
        """The thread that `throw` interrupts."""
        return self._thread

    def throw(self) -> bool:
        """Raise `Stopped` in the thread; false when nothing runs.

        Code that never returns to Python is not interrupted.
        """
        with self._lock:
            if self._thread is None:
                return False
            if self._is_raised_in(self._thread):
                _set_async(self._thread, Stopped)
            return True

    def _is_raised_in(self, thread: int) -> bool:
        """Return whether to raise in the thread; false after a cancel by asyncio, and while a loop waits."""
        frame, scope = sys._current_frames().get(thread), self.scope  # noqa: SLF001
        if scope is None:
            return not cancel_waiting(frame)
        if scope.cancel_task():  # it may begin to wait before an exception arrives: never both
            return False
        place = scope.find(frame)
        return place.inside and not cancel_future(place.nested)

    def close(self) -> None:
        """Withdraw a `throw` that is still pending, and ignore later ones. Idempotent."""
        # The same lock as `throw`: after this no exception is pending for the thread, and none can be set.
        with self._lock:
            if self._thread is not None:
                _set_async(self._thread, None)
                self._thread = None


class SignalInterrupter:
    """Raises `Stopped` in the main thread by a signal, which also ends a blocking system call.

    Between `open` and `close` the signal's handler is this object's; several may be open, and close in any
    order. A signal that `throw` did not send, such as that of a notebook's stop button, raises what *foreign*
    returns, unless that is ``None``; without one, SIGINT goes to the handler of before. ``from_user``: such a
    signal stopped the code. ``was_passed_on``: that handler raised nothing; ipykernel's cancels the cell.
    """

    def __init__(
        self,
        number: signal.Signals = signal.SIGINT,
        *,
        foreign: Callable[[], BaseException | None] | None = None,
        scope: Scope | None = None,
    ) -> None:
        self.scope = scope
        self.number = number
        self._foreign = foreign or (None if number is signal.SIGINT else KeyboardInterrupt)
        self.is_open = False
        self.is_thrown = False
        self._is_pending = False
        self._handled = threading.Event()
        self.before: Any = None
        self._pid = 0
        self.from_user = self.was_passed_on = False
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
        if self.number is signal.SIGINT:  # in a worker, which gets SIGTERM, no event loop is another's
            self.scope = Scope(sys._getframe())  # noqa: SLF001
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
        self._pid = os.getpid()
        self.before = signal.signal(self.number, self._handle)
        self.is_open = True
        _active.append(self)

    def throw(self) -> bool:
        """Raise `Stopped` in the main thread; false when nothing runs, or what runs cannot be raised in."""
        main = threading.main_thread().ident or 0
        with self._lock:
            if not self.is_open:
                return False
            if self.scope is not None and not self.scope.find(sys._current_frames().get(main)).inside:  # noqa: SLF001
                if self.scope.cancel_task():
                    return True
                if not self._is_in_charge():  # another cell runs by now
                    return False
            elif not has_own_handler(self.number):  # the code has its own
                self._throw_without_signal(main)
                return True
            self.is_thrown = True
            self._handled.clear()
            signal.pthread_kill(main, self.number)
            return True

    def _throw_without_signal(self, main: int) -> None:
        """Raise at the main thread's next bytecode, which may be a while."""
        frame, scope = sys._current_frames().get(main), self.scope  # noqa: SLF001
        if scope is None:
            is_cancelled = cancel_waiting(frame)
        else:  # a loop that runs around the scope is not its own
            is_cancelled = scope.cancel_task() or cancel_future(scope.find(frame).nested)
        if not is_cancelled:
            self._is_pending = True
            _set_async(main, Stopped)

    def close(self) -> None:
        """Restore the previous handler; a pending `throw` is absorbed first. Idempotent."""
        with self._lock:
            was_open, self.is_open = self.is_open, False
            if self._is_pending:
                self._is_pending = False
                _set_async(threading.main_thread().ident or 0, None)
        if not was_open:
            return
        if threading.current_thread() is not threading.main_thread():
            # The garbage collector may end a loop in any thread. The handler stays: closed, it passes on.
            if not self.is_thrown:
                self._forget()
            return
        # A signal that `throw` has sent may not have arrived yet. The previous handler must not get it (the
        # default one ends the process), so wait until ours has; closed, it raises nothing.
        if self.is_thrown:
            self._handled.wait(1.0)
            self.is_thrown = False
        self._forget()
        if signal.getsignal(self.number) == self._handle:
            signal.signal(self.number, self._handler_before())

    def _forget(self) -> None:
        if self in _active:
            _active.remove(self)

    def _is_in_charge(self) -> bool:
        handler = signal.getsignal(self.number)
        return isinstance(getattr(handler, "__self__", None), SignalInterrupter)

    def _handler_before(self) -> Any:
        """Return the handler of before, past interrupters that have closed since."""
        before = self.before
        while isinstance(owner := getattr(before, "__self__", None), SignalInterrupter) and not owner.is_open:
            before = owner.before
        return before

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:  # in a forked child, before it could restore its handlers
            restore_default(self.number)
            os.kill(os.getpid(), number)
            return
        thrown = [one for one in _active if one.number == number and one.is_thrown]
        if not thrown:
            self._pass_on(number, frame)
            return
        # Two signals may arrive as one, so each interrupter that has sent one gets it.
        errors = [error for one in thrown if (error := one.receive(frame)) is not None]
        if errors:
            raise errors[0]

    def receive(self, frame: FrameType | None) -> BaseException | None:
        """Return what to raise for a signal that `throw` sent."""
        self._handled.set()
        self.is_thrown = False
        if not self.is_open:
            self._forget()
            return None
        return Stopped() if self.scope is None else self.scope.reason_to_raise(frame, Stopped)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if self._foreign is not None:
            error = self._foreign()
            if error is None:
                return
            self.from_user = True
            raise error
        before = self._handler_before()
        try:
            if callable(before):
                before(number, frame)
            elif before == signal.SIG_DFL:
                signal.signal(number, before)
                os.kill(os.getpid(), number)
            self.was_passed_on = True
            if self.scope is not None:
                self.scope.wake_loop()
        except KeyboardInterrupt:
            for one in _active:
                one.from_user |= one.scope is None or one.scope.find(frame).inside
            raise


_active: list[SignalInterrupter] = []
"""The interrupters that are open, or closed with a signal on its way."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_active.clear)


def interrupter_for_this_thread(scope: Scope | None = None) -> AsyncExceptionInterrupter | SignalInterrupter:
    """Return what can interrupt code that runs in this thread."""
    has_signals = SignalInterrupter.is_supported()
    return SignalInterrupter(scope=scope) if has_signals else AsyncExceptionInterrupter(scope)


def _set_async(thread: int, exception: type[BaseException] | None) -> None:
    argument = ctypes.py_object(exception) if exception is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), argument)
