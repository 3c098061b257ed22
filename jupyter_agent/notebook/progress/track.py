"""`track`: a loop whose position becomes the progress of a task, with no Python code for each item.

The position is read by the forwarder's thread, about 20 times a second. Where the interpreter allows it
(`cpython.is_supported`), neither counting the items nor observing the loop costs anything for an item;
elsewhere both are done by generators (`plain`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TypeVar

from ...rendering.signatures import readable
from ...runtime.context import TaskContext, current
from ...runtime.progress_sampler import Position
from . import cpython, plain
from .observer import Departure, LoopObserver
from .positions import positioned

T = TypeVar("T")


@readable
def track(
    iterable: Iterable[T], *, total: int | None = None, name: str | None = None, initial: int = 0
) -> Iterator[T]:
    """Return an iterator over *iterable* whose position becomes the task's progress.

    Inside a task the outermost loop is its progress, and a cancel is noticed at its first step. Outside,
    the loop is a task of its own, called *name*: ``break`` ends it as cancelled, an exception as failed.
    *total* is needed only for an iterable without ``len()``. *initial*: items that were done before, of which
    the iterable has only the rest.
    """
    items, position = positioned(iterable, total, initial)
    position.name = name or ""
    context = current()
    if context.id:
        return _observed(items, _LoopInTask(position, context))
    from .tracked_loop import TrackedLoop

    return _observed(items, TrackedLoop(position, name or "track"))


def _observed(items: Iterator[T], observer: LoopObserver) -> Iterator[T]:
    observe = cpython.observe if cpython.is_supported() else plain.observe
    return observe(items, observer)


class _LoopInTask:
    """Observer of a loop inside a task: adds its position to the task's for as long as it runs."""

    __slots__ = ("_context", "_position", "needs_departure")

    def __init__(self, position: Position, context: TaskContext) -> None:
        self._position = position
        self._context = context
        self.needs_departure = False

    def started(self, _frame: FrameType | None, /) -> None:
        context = current()
        context.raise_if_cancelled()
        positions = context.positions
        self.needs_departure = not positions  # only the outermost loop is the task's progress
        positions.append(self._position)

    def finished(self) -> None:
        self._context.leave(self._position)

    def left(self, departure: Departure, /) -> None:
        self._context.leave(self._position, all_taken=departure is not Departure.RAISED)

    def raised(self, _error: BaseException, /) -> None:
        self._context.leave(self._position)
