"""CPython-specific loop observation, which runs no Python code for an item.

Everything here that depends on how CPython works, rather than on what the language promises:

* `itertools.chain` asks for each of its parts when the one before it is exhausted, so that an object before
  and behind the items sees the first and the last step;
* reference counting destroys the chain, and with it that object, at the moment a loop is left, so that its
  ``__del__`` is called from the frame that the loop stands in;
* the instruction at which that frame stands tells ``break`` and ``return`` (which pop the iterator) from an
  exception; elsewhere the frame's reference count does, since the traceback of an exception refers to it;
* the repr of an `itertools.count` contains its next value, and the built-in iterators report exactly how many
  items are left.

`is_supported` tests all of this once; where it does not hold, `plain` observes loops instead. Exceptions that
leave a cell, a thread or the process are found by documented hooks, on every interpreter.
"""

from __future__ import annotations

import dis
import itertools
import operator
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import CodeType, FrameType, TracebackType
from typing import Any, TypeVar

from ...runtime.origin import ipython_shell
from .observer import Departure, LoopObserver

T = TypeVar("T")

EXACT_HINTS: tuple[type, ...] = (
    range, list, tuple, set, frozenset, dict, str, bytes, type({}.keys()), type({}.values()), type({}.items())
)  # fmt: skip
"""Types whose iterators report by `operator.length_hint` exactly how many items are left."""

_DROPPING = {"POP_TOP", "POP_ITER", "END_FOR", "STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF",
             "DELETE_FAST", "DELETE_NAME", "DELETE_GLOBAL", "DELETE_DEREF", "YIELD_VALUE"}  # fmt: skip
"""Instructions that drop an iterator without an exception."""

_COUNT = re.compile(r"\d+")


def observe(items: Iterator[T], observer: LoopObserver) -> Iterator[T]:
    """Return an iterator over *items* that notifies *observer*."""
    span = _Span(observer)
    return itertools.chain(span, items, span)


def counted(iterable: Iterable[T]) -> tuple[Iterator[T], Callable[[], int]]:
    """Return an iterator over *iterable*, and a function that returns how many items it has given."""
    counter = itertools.count(1)  # from 1, so that each value is true to `compress`, which drops no item then

    def count() -> int:
        found = _COUNT.search(repr(counter))
        return int(found[0]) - 1 if found else 0

    return itertools.compress(iterable, counter), count


def passed_through(error: BaseException, code: CodeType) -> bool:
    """Return whether *error* was raised in *code*, or in a function that it called."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return True
        trace = trace.tb_next
    return False


@cache
def watch_uncaught(report: Callable[[BaseException], None]) -> None:
    """Call *report* with each exception that leaves a cell, a thread or the process. Idempotent."""
    script, thread = sys.excepthook, threading.excepthook

    def script_hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        report(error)
        script(kind, error, trace)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            report(args.exc_value)
        thread(args)

    def after_cell(result: Any) -> None:
        if result.error_in_exec is not None:
            report(result.error_in_exec)

    sys.excepthook, threading.excepthook = script_hook, thread_hook
    shell = ipython_shell()
    if shell is not None:
        shell.events.register("post_run_cell", after_cell)


@cache
def is_supported() -> bool:
    """Return whether this interpreter behaves as this module needs it to. Tested once, in about 0.1 ms."""
    try:
        return sys.implementation.name == "cpython" and _counts() and _hints() and _departs()
    except Exception:  # noqa: BLE001 - an interpreter may lack any of it; `plain` needs none
        return False


class _Span:
    """An iterable chained before and after a loop's items.

    Iterated first when the first item is wanted, and again after the last one; destroyed, at the latest, when
    the loop is left in any way.
    """

    __slots__ = ("_code", "_is_over", "_observer")

    def __init__(self, observer: LoopObserver) -> None:
        self._observer = observer
        self._code: CodeType | None = None
        self._is_over = False

    def __iter__(self) -> Iterator[Any]:
        if self._code is None:
            # The frame of the loop: chain, which calls this, is written in C and has none.
            frame = sys._getframe(1)  # noqa: SLF001
            self._code = frame.f_code
            self._observer.started(frame)
        else:
            self._is_over = True
            self._observer.finished()
        return _NO_ITEMS

    def __del__(self) -> None:
        if self._code is None or self._is_over:
            return
        departure = Departure.UNKNOWN
        if self._observer.needs_departure:
            departure = _departure(sys._getframe().f_back, self._code)  # noqa: SLF001
        self._observer.left(departure)


_NO_ITEMS: Iterator[Any] = iter(())
"""Exhausted for good, so all loops share it."""


def _departure(frame: FrameType | None, code: CodeType) -> Departure:
    """Return how *frame* dropped the iterator of a loop in *code*.

    Another frame than the loop's, or none (the interpreter ends), held it in a variable and let go of it.
    """
    if frame is None or frame.f_code is not code or (instruction := _instruction(frame)) in _DROPPING:
        return Departure.NORMAL
    if sys.getrefcount(frame) <= _calm_references():
        # By now, the traceback of an exception refers to the frame in a loop's iterator, and not in a call.
        return Departure.CONSUMED if instruction == "FOR_ITER" else Departure.CALLED
    return Departure.SOURCE if instruction == "FOR_ITER" else Departure.RAISED


class _Probe:
    """Counts the references to the frame that drops it, in the same way as a `_Span`."""

    def __init__(self, seen: list[int]) -> None:
        self._seen = seen

    def __del__(self) -> None:
        self._seen.append(_references(sys._getframe().f_back))  # noqa: SLF001


def _references(frame: FrameType | None) -> int:
    return sys.getrefcount(frame)


@cache
def _calm_references() -> int:
    """Return the number of references to a frame that no traceback refers to."""
    seen: list[int] = []
    _Probe(seen)
    return seen[0]


def _instruction(frame: FrameType) -> str:
    return dis.opname[frame.f_code.co_code[frame.f_lasti]]


def _counts() -> bool:
    items, count = counted([None, 0, ""])
    before = count()
    next(items)
    return (before, count(), list(items), count()) == (0, 1, [0, ""], 3)


def _hints() -> bool:
    samples: list[Any] = [
        range(3), [0, 1, 2], (0, 1, 2), {0, 1, 2}, frozenset("abc"), dict.fromkeys("abc"), "abc", b"abc",
        dict.fromkeys("abc").keys(), dict.fromkeys("abc").values(), dict.fromkeys("abc").items(),
    ]  # fmt: skip
    return all(_hints_of(sample) == [3, 2, 1, 0] for sample in samples)


def _hints_of(sample: Iterable[object]) -> list[int]:
    items = iter(sample)
    return [operator.length_hint(items), *(operator.length_hint(items) for _ in items)]


def _departs() -> bool:
    return (
        _seen(_loop_to_the_end) == ["finished"]
        and _seen(_loop_and_break) == _seen(_loop_and_return) == [Departure.NORMAL]
        and _seen(_loop_and_raise) == [Departure.RAISED]
        and _seen(_loop_in_a_script) == [Departure.NORMAL, Departure.RAISED]
        and _seen(_loop_in_search) == [Departure.CALLED]
        and _seen(_loop_in_zip_that_ends) == [Departure.CONSUMED]
        and _seen(_loop_in_zip_that_raises) == [Departure.SOURCE]
    )


class _Recorder:
    """An observer that keeps what it gets."""

    needs_departure = True

    def __init__(self) -> None:
        self.seen: list[object] = []

    def started(self, frame: FrameType | None) -> None:
        """Nothing to keep."""

    def finished(self) -> None:
        self.seen.append("finished")

    def left(self, departure: Departure) -> None:
        self.seen.append(departure)

    def raised(self, error: BaseException) -> None:
        self.seen.append(error)


def _seen(loop: Callable[[Callable[[], Iterator[int]]], object]) -> list[object]:
    recorder = _Recorder()
    loop(lambda: observe(iter((1, 2)), recorder))
    return recorder.seen


def _loop_to_the_end(items: Callable[[], Iterator[int]]) -> None:
    for _ in items():
        pass


def _loop_and_break(items: Callable[[], Iterator[int]]) -> None:
    for _ in items():
        break


def _loop_and_return(items: Callable[[], Iterator[int]]) -> int:
    for item in items():
        return item
    return 0


def _loop_and_raise(items: Callable[[], Iterator[int]]) -> None:
    try:
        for _ in items():
            raise LookupError  # noqa: TRY301
    except LookupError:
        return


def _loop_in_zip_that_raises(items: Callable[[], Iterator[int]]) -> None:
    try:
        for _ in zip(map(int, ("1", "")), items(), strict=False):
            pass
    except ValueError:
        return


def _loop_in_zip_that_ends(items: Callable[[], Iterator[int]]) -> None:
    for _ in zip("a", items(), strict=False):
        pass


def _loop_in_search(items: Callable[[], Iterator[int]]) -> bool:
    return 1 in items()


_SCRIPT = """
for _ in items():
    break
try:
    for _ in items():
        raise LookupError
except LookupError:
    pass
"""


def _loop_in_a_script(items: Callable[[], Iterator[int]]) -> None:
    exec(compile(_SCRIPT, "<feature test>", "exec"), {"items": items})  # noqa: S102 - the text above
