"""`track`: a loop's position as progress, with no Python code for each item.

The position of a range, list, tuple, set or dict is read from the iterator itself
(`operator.length_hint`), by the forwarder's thread, about 20 times a second; other iterables run
through `itertools.compress` with a counter. `itertools.chain` puts an object before and one after
the items, which see the first and the last step.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from ...runtime.context import TaskContext, current
from ...runtime.progress_sampler import Position

T = TypeVar("T")
_SIZED: tuple[type, ...] = (
    range, list, tuple, set, frozenset, dict, str, bytes, type({}.keys()), type({}.values()), type({}.items())
)  # fmt: skip
_COUNT = re.compile(r"\d+")


def track(iterable: Iterable[T], *, total: int | None = None, name: str | None = None) -> Iterator[T]:
    """The items of *iterable*; its position becomes the task's progress.

    Inside a task the outermost loop is its progress, and a cancel is noticed at any step. Outside,
    the loop is a task of its own, called *name*: ``break`` ends it as cancelled, an exception as failed.
    *total* is needed only where ``len()`` does not tell.
    """
    items, position = positioned(iterable, total)
    position.name = name or ""
    if current().id:
        return itertools.chain(_Entry(position), items, _Exit(position))
    from .tracked_loop import track_as_task

    return track_as_task(items, position, name or "track")


def positioned(iterable: Iterable[T], total: int | None) -> tuple[Iterator[T], Tracked]:
    """An iterator over *iterable* and where it is."""
    size = _size(iterable) if total is None else total
    if type(iterable) in _SIZED and _size(iterable) is not None:
        items = iter(iterable)
        return items, HintPosition(iterable, items, size)
    counter = itertools.count(1)  # from 1, so that every truth value it gives to compress is true
    return itertools.compress(iterable, counter), CountPosition(counter, size)


class HintPosition:
    """The position of an iterator that knows how much is left; ``name`` is what the loop was called."""

    name = ""

    def __init__(self, sized: Any, items: Iterator[Any], total: int | None) -> None:
        self._sized = sized
        self._items = items
        self._length = len(sized)
        self._grows = isinstance(sized, list)
        self._total = total

    def values(self) -> tuple[int, int | None]:
        length = len(self._sized) if self._grows else self._length
        return max(0, length - operator.length_hint(self._items)), self._total


class CountPosition:
    """The position of an iterator whose items are counted; ``name`` is what the loop was called."""

    name = ""

    def __init__(self, counter: Iterator[int], total: int | None) -> None:
        self._counter = counter
        self._total = total

    def values(self) -> tuple[int, int | None]:
        found = _COUNT.search(repr(self._counter))
        return (int(found[0]) - 1 if found else 0), self._total


Tracked = HintPosition | CountPosition


class _Entry:
    """Iterated when the first item is wanted."""

    __slots__ = ("_position",)

    def __init__(self, position: Position) -> None:
        self._position = position

    def __iter__(self) -> Iterator[Any]:
        context = current()
        context.raise_if_cancelled()
        context.positions.append(self._position)
        return iter(())


class _Exit:
    """Iterated after the last item; destroyed when the loop is left in any way."""

    __slots__ = ("_context", "_position")

    def __init__(self, position: Position) -> None:
        self._position = position
        self._context: TaskContext = current()

    def __iter__(self) -> Iterator[Any]:
        self._leave()
        return iter(())

    def __del__(self) -> None:
        self._leave()

    def _leave(self) -> None:
        self._context.leave(self._position)


def _size(iterable: Iterable[Any]) -> int | None:
    try:
        return len(iterable)  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return None
