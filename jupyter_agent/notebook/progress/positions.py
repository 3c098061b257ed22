"""Positions of tracked loops: how many items were taken, and of how many."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from typing import Any, TypeVar

from . import cpython, plain

T = TypeVar("T")


def positioned(
    iterable: Iterable[T], total: int | None, initial: int = 0
) -> tuple[Iterator[T], TrackedPosition]:
    """Return an iterator over *iterable*, and its position.

    *total* of ``None``: *initial* and what ``len()`` returns. Raises `TypeError` and `ValueError` for a
    *total* that is no number, and an *initial* that is no number from 0 on.
    """
    _check(total, initial)
    size = _size(iterable)
    total = initial + size if total is None and size is not None else total
    if not cpython.is_supported():
        items, count = plain.counted(iterable)
    elif type(iterable) in cpython.EXACT_HINTS and size is not None:
        items = iter(iterable)
        return items, HintPosition(iterable, items, total, initial)
    else:
        items, count = cpython.counted(iterable)
    return items, CountPosition(count, total, initial)


class HintPosition:
    """The position of an iterator that reports how many items are left; ``name`` is the loop's name."""

    name = ""

    def __init__(self, sized: Any, items: Iterator[Any], total: int | None, initial: int = 0) -> None:
        self.initial = initial
        self._sized = sized
        self._items = items
        self._length = len(sized)
        self._grows = isinstance(sized, list)
        self._total = total

    def values(self) -> tuple[int, int | None]:
        length = len(self._sized) if self._grows else self._length
        return self.initial + max(0, length - operator.length_hint(self._items)), self._total


class CountPosition:
    """The position of an iterator whose items are counted; ``name`` is the loop's name."""

    name = ""

    def __init__(self, count: Callable[[], int], total: int | None, initial: int = 0) -> None:
        self.initial = initial
        self._count = count
        self._total = total

    def values(self) -> tuple[int, int | None]:
        return self.initial + self._count(), self._total


TrackedPosition = HintPosition | CountPosition


def _check(total: object, initial: object) -> None:
    if total is not None and (isinstance(total, bool) or not isinstance(total, Real)):
        raise TypeError(f"total={total!r} is not a number of items, such as 100")
    if isinstance(initial, bool) or not isinstance(initial, Real):
        raise TypeError(f"initial={initial!r} is not a number of items, such as 30")
    if not float(initial) >= 0:
        raise ValueError(f"initial={initial} is less than 0; use the number of items that were done before")


def _size(iterable: Iterable[Any]) -> int | None:
    try:
        return len(iterable)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - the user's `__len__` may raise anything, and the loop needs none
        return None
