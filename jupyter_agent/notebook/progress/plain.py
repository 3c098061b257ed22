"""Loop observation by plain generators, for interpreters that `cpython` does not support.

It keeps the promises of `track` but for these:

* each item costs a step of a generator;
* ``break`` and an exception in the loop's body look alike: both close the generator. The loop's task ends as
  failed when the exception is found within a second, in a handler, a cell's result or an exception hook, and
  as cancelled when that second passes. So a ``break`` takes a second to show, and an exception that a handler
  has dealt with at once counts as a ``break``;
* without reference counting, the generator is closed when the garbage collector finds it.

An exception that the iterable itself raises always fails the task.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from .observer import Departure, LoopObserver

T = TypeVar("T")


def observe(items: Iterator[T], observer: LoopObserver) -> Iterator[T]:
    """Yield *items*, notifying *observer*."""
    frame = inspect.currentframe()
    try:
        observer.started(frame.f_back if frame is not None else None)
        del frame  # a frame that is kept in one of its own variables is a reference cycle
        yield from items
    except GeneratorExit:
        observer.left(Departure.UNKNOWN)
        raise
    except BaseException as error:
        observer.raised(error)
        raise
    observer.finished()


def counted(iterable: Iterable[T]) -> tuple[Iterator[T], Callable[[], int]]:
    """Return an iterator over *iterable*, and a function that returns how many items it has given."""
    taken = 0

    def items() -> Iterator[T]:
        nonlocal taken
        for item in iterable:
            taken += 1
            yield item

    return items(), lambda: taken
