"""Scope of an interrupt: the code below one frame, and the asyncio task that runs it.

An exception raised into an event loop ends it, or is swallowed by it, or hits a callback of other code. So
before an interrupter raises, its scope looks where the thread is: only code below the frame may be raised in.
Code that awaits is cancelled as asyncio cancels.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import sys
import weakref
from types import FrameType
from typing import Any, NamedTuple

_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_AWAITS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE

_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
_LOOP_MODULES = ("asyncio.base_events", "asyncio.runners", "nest_asyncio", "nest_asyncio2")
_LOOP_FUNCTIONS = ("run_until_complete", "run")
_FUTURE_NAMES = ("f", "task", "future")
"""The local variables in which these functions keep the future that they run until its end."""


class Place(NamedTuple):
    """Where a thread is, seen from a scope.

    ``inside``: the scope's frame is executing, or code that it called. ``nested``: the future for which it,
    or what it called, runs an event loop until its end.
    """

    inside: bool
    nested: asyncio.Future[Any] | None


class Scope:
    """The code below *frame*. Keeps no reference to it: a frame keeps the iterator of its loop alive."""

    def __init__(self, frame: FrameType) -> None:
        self._id = id(frame)
        self._code = frame.f_code
        self._suspends = bool(frame.f_code.co_flags & _SUSPENDS)
        running = current_task()
        self._around = weakref.ref(running) if running is not None else None
        self._task = self._around if _is_users_coroutine(frame) else None

    @property
    def asyncio_task(self) -> asyncio.Task[Any] | None:
        """The asyncio task that runs the code; ``None`` for code that no asyncio task of the user's runs."""
        return self._task() if self._task is not None else None

    @property
    def is_cancelling(self) -> bool:
        """Whether asyncio has been asked to cancel that task, or trio the one that this thread executes."""
        task = self.asyncio_task
        if task is None:
            return _trio_cancels()
        return task.cancelling() > 0 or task.cancelled()

    def find(self, frame: FrameType | None) -> Place:
        """Return where the thread is that stands at *frame*."""
        nested = None
        while frame is not None:
            if id(frame) == self._id and frame.f_code is self._code:
                return Place(True, nested)
            nested = _run_by(frame) or nested  # the outermost: the one that the code itself waits for
            frame = frame.f_back
        return Place(False, nested)

    def has_gone(self) -> bool:
        """Return whether a frame that is not executing has returned, and others now hold what it began.

        The code is then whatever the same asyncio task, or no task, executes now.
        """
        return not self._suspends and current_task() is (self._around() if self._around else None)

    def is_comprehension_over(self, thread: int) -> bool:
        """Return whether the code is a comprehension that *thread* executes no more.

        Before Python 3.12 it has a frame of its own, which alone refers to the iterator.
        """
        if self._suspends or self._code.co_name not in _COMPREHENSIONS:
            return False
        return not self.find(sys._current_frames().get(thread)).inside  # noqa: SLF001

    def cancel_task(self) -> bool:
        """Cancel the asyncio task, from any thread; false when there is none that can be cancelled."""
        return cancel_future(self.asyncio_task)

    def wake_loop(self) -> None:
        """Wake the asyncio task's loop: ipykernel's handler of SIGINT asks it to cancel without waking it."""
        task = self.asyncio_task
        if task is not None and not task.get_loop().is_closed():
            task.get_loop().call_soon_threadsafe(int)

    def reason_to_raise(self, frame: FrameType | None, stop: type[BaseException]) -> BaseException | None:
        """Return what to raise at *frame*, where this thread stands; ``None`` if asyncio cancels instead."""
        place = self.find(frame)
        if place.inside and place.nested is not None:
            if current_task() is place.nested:
                return asyncio.CancelledError()
            cancel_future(place.nested)
            return None
        if place.inside:
            return stop() if self.asyncio_task is None else asyncio.CancelledError()
        if self.cancel_task() or not self.has_gone():
            return None
        return stop()


def cancel_future(future: asyncio.Future[Any] | None) -> bool:
    """Cancel *future* on its loop, from any thread; false when it is done, or there is none."""
    if future is None or future.done() or future.get_loop().is_closed():
        return False
    future.get_loop().call_soon_threadsafe(future.cancel)
    return True


def cancel_waiting(frame: FrameType | None) -> bool:
    """Cancel what the thread that stands at *frame* runs an event loop for; false unless that loop waits.

    An exception would come when the loop has something to do again, and in the middle of that.
    """
    waited_for = None
    while frame is not None:
        waited_for = _run_by(frame) or waited_for
        frame = frame.f_back
    if waited_for is None or asyncio.current_task(waited_for.get_loop()) is not None:
        return False
    return cancel_future(waited_for)


def _trio_cancels() -> bool:
    """Return whether a cancel scope around the trio task that this thread executes is cancelled."""
    trio = sys.modules.get("trio")  # code that runs in it has imported it
    if trio is None:
        return False
    try:
        return bool(trio.current_effective_deadline() == -math.inf)
    except RuntimeError:  # no trio task
        return False


def current_task() -> asyncio.Task[Any] | None:
    """Return the asyncio task that this thread executes; ``None`` without one, or without a loop."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _is_users_coroutine(frame: FrameType | None) -> bool:
    """Return whether the innermost coroutine that *frame* belongs to is not one of IPython's.

    IPython runs cells without an ``await``, too, inside a coroutine of its own.
    """
    while frame is not None and not frame.f_code.co_flags & _AWAITS:
        if _is_event_loop(frame):
            return False
        frame = frame.f_back
    return frame is not None and not is_ipythons(frame)


def is_ipythons(frame: FrameType) -> bool:
    """Return whether *frame* executes code of IPython or of its kernel."""
    return str(frame.f_globals.get("__name__")).startswith(("IPython.", "ipykernel."))


def _is_event_loop(frame: FrameType) -> bool:
    return frame.f_code.co_name in _LOOP_FUNCTIONS and frame.f_globals.get("__name__") in _LOOP_MODULES


def _run_by(frame: FrameType) -> asyncio.Future[Any] | None:
    """Return the future that *frame*, one of an event loop, runs until its end."""
    if not _is_event_loop(frame):
        return None
    found = [frame.f_locals.get(name) for name in _FUTURE_NAMES]
    return next((one for one in found if asyncio.isfuture(one)), None)
