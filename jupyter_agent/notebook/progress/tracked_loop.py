"""A tracked loop outside any task: a task of its own, for as long as the loop lasts.

How the loop was left shows in the object that `itertools.chain` holds behind the items: iterated, the
loop came to its end; destroyed, it was left. In the second case the instruction that the loop's frame
stands at tells ``break`` and ``return`` (which pop the iterator) from an exception, which is then found
where it ends up: a handler, the cell's result, or the process's exception hook.
"""

from __future__ import annotations

import dis
import itertools
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType
from typing import Any, TypeVar

from ...core.events import Error, TaskState
from ...runtime.attempt import Attempt
from ...runtime.bootstrap import ready_producer
from ...runtime.context import TaskContext, set_current
from ...runtime.engines.foreground import ForegroundEngine
from ...runtime.interrupt import interrupter_for_this_thread
from ...runtime.local_task import LocalTask
from ...runtime.options import Options
from ...runtime.origin import ipython_shell
from ...runtime.outcome import Outcome, OutcomeHolder, outcome_of
from ...runtime.progress_sampler import Position
from ..handle import TaskHandle
from ..submit import show_task
from .bar_renderer import BarHandle, show_bar

T = TypeVar("T")
EXCEPTION_TIMEOUT = 1.0
"""Seconds that a loop left by an exception waits for somebody to name it."""

_QUIET = {"POP_TOP", "POP_ITER", "END_FOR", "STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF",
          "DELETE_FAST", "DELETE_NAME", "DELETE_GLOBAL", "DELETE_DEREF", "YIELD_VALUE"}  # fmt: skip
"""Instructions that drop an iterator without an exception."""

_LEFT = Outcome(TaskState.CANCELLED, reason="the loop was left before its end")
_UNNAMED = Error("Exception", "the loop was left by an exception that was handled outside it")


def track_as_task(items: Iterator[T], position: Position, name: str) -> Iterator[T]:
    """*items*, with a task around them that begins with the first step."""
    loop = Loop(position, name)
    return itertools.chain(_Begin(loop), items, _End(loop))


class Loop:
    """The task of one loop."""

    def __init__(self, position: Position, name: str) -> None:
        self._position = position
        self._options = Options(name, slim=True)
        self._stop = interrupter_for_this_thread()
        self._attempt: Attempt | None = None
        self._before: TaskContext | None = None
        self._code: CodeType | None = None
        self._thread = 0
        self._left_at: float | None = None
        self._bar: BarHandle | None = None

    def begin(self, frame: FrameType) -> None:
        """The first item is wanted by *frame*."""
        _hook()
        holder = OutcomeHolder()
        task = LocalTask(ready_producer(), self._options, None)
        attempt = self._attempt = task.queue(holder)
        attempt.engine = _LoopEngine(attempt, self._stop, self)
        self._code, self._thread = frame.f_code, threading.get_ident()
        attempt.begin()
        attempt.context.positions.append(self._position)
        self._before = set_current(attempt.context)
        _open.add(self)
        show_task(TaskHandle(task, holder, slim=True), self._options)
        self._bar = show_bar(task, attempt.context.positions)
        task.completion.add_callback(self._close_bar)
        self._stop.open()

    def finish(self) -> None:
        """There are no more items."""
        self._end(Outcome(TaskState.COMPLETED))

    def dropped(self, frame: FrameType | None) -> None:
        """Nobody iterates any more; *frame* let go, or the interpreter as it went (``None``)."""
        attempt = self._attempt
        if attempt is None or attempt.task.fold.state.ended:
            return
        raising = frame is not None and frame.f_code is self._code and _instruction(frame) not in _QUIET
        if attempt.context.cancelled:
            self._end(Outcome(TaskState.CANCELLED))
        elif raising and self._stop.from_user:
            self._end(outcome_of(KeyboardInterrupt()))
        elif raising:
            self._leave()
            self._left_at = time.monotonic()
            self._close_bar(TaskState.FAILED)
        else:
            self._end(_LEFT)

    def failed(self, error: BaseException) -> None:
        """*error* came through the loop, if its traceback says so."""
        if self._code is not None and _passed(error.__traceback__, self._code):
            self._end(outcome_of(error))

    def look(self) -> None:
        """After an exception: see whether some handler has it now."""
        if self._left_at is None:
            return
        found: Any = sys._current_exceptions().get(self._thread)  # noqa: SLF001
        error = found[1] if isinstance(found, tuple) else found  # a tuple before Python 3.12
        if error is not None:
            self.failed(error)
        if time.monotonic() - self._left_at > EXCEPTION_TIMEOUT:
            self._end(Outcome(TaskState.FAILED, error=_UNNAMED))

    def _end(self, outcome: Outcome) -> None:
        self._leave()
        _open.discard(self)
        if self._attempt is not None:
            self._attempt.task.complete(self._attempt, outcome)

    def _close_bar(self, state: TaskState | None = None) -> None:
        if self._bar is not None and self._attempt is not None:
            self._bar.close(state or self._attempt.task.fold.state)

    def _leave(self) -> None:
        """Give the thread back what `begin` took; nothing from another thread, or again."""
        if threading.get_ident() != self._thread or self._before is None:
            return
        self._stop.close()
        set_current(self._before if self._before.id else None)
        self._before = None


class _LoopEngine(ForegroundEngine):
    def __init__(self, attempt: Attempt, stop: Any, loop: Loop) -> None:
        super().__init__(attempt, stop)
        self._loop = loop

    def poll(self) -> None:
        self._loop.look()


class _Begin:
    __slots__ = ("_loop",)

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def __iter__(self) -> Iterator[Any]:
        self._loop.begin(sys._getframe(1))  # noqa: SLF001
        return iter(())


class _End:
    __slots__ = ("_loop",)

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def __iter__(self) -> Iterator[Any]:
        self._loop.finish()
        return iter(())

    def __del__(self) -> None:
        self._loop.dropped(sys._getframe().f_back)  # noqa: SLF001


_open: weakref.WeakSet[Loop] = weakref.WeakSet()
_hooked = False


def _hook() -> None:
    """See the exceptions that leave a cell, a thread or the process."""
    global _hooked
    if _hooked:
        return
    _hooked = True
    script, thread = sys.excepthook, threading.excepthook

    def script_hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _failed(error)
        script(kind, error, trace)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            _failed(args.exc_value)
        thread(args)

    sys.excepthook, threading.excepthook = script_hook, thread_hook
    shell = ipython_shell()
    if shell is not None:
        shell.events.register("post_run_cell", _after_cell)


def _after_cell(result: Any) -> None:
    if result.error_in_exec is not None:
        _failed(result.error_in_exec)


def _failed(error: BaseException) -> None:
    for loop in list(_open):
        loop.failed(error)


def _instruction(frame: FrameType) -> str:
    return dis.opname[frame.f_code.co_code[frame.f_lasti]]


def _passed(trace: TracebackType | None, code: CodeType) -> bool:
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return True
        trace = trace.tb_next
    return False
