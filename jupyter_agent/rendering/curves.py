"""Curves of metrics, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..core.events import Number

MAX_POINTS = 400
"""Maximum number of points in a curve; beyond it each four are merged into their lowest and highest."""

_MAX_CURVES = 50
"""Maximum number of curves (first come, first kept)."""
_MAX_VALUE = 1e308
"""Integers may be larger than any float."""


class Point(NamedTuple):
    """One value; ``time`` in seconds."""

    value: Number
    step: Number | None
    time: float


class Curve:
    """The values of one metric, in their order; never empty. *limit*: maximum number of points."""

    def __init__(self, name: str, first: Point, limit: int = MAX_POINTS) -> None:
        self.name = name
        self.last: Number | None = first.value
        """The newest value; ``None`` if it is not a number."""
        self.newest = first
        """The newest value that is a number."""
        self.count = 0
        self.has_steps = True
        self._limit = limit
        self._points: list[Point] = []
        self._bucket: list[Point] = []
        self._stride = 1
        """Number of values that one or two points stand for."""
        self.add(first)

    def add(self, point: Point) -> None:
        self.last, self.newest = point.value, point
        self.count += 1
        self.has_steps = self.has_steps and point.step is not None
        if self._stride == 1:
            self._points.append(point)
        else:
            self._merge(point)
        if len(self._points) > self._limit:
            self._thin()

    def _merge(self, point: Point) -> None:
        self._bucket.append(point)
        if len(self._bucket) >= self._stride:
            self._points += _extremes(self._bucket)
            self._bucket.clear()

    @property
    def points(self) -> list[Point]:
        """The points to draw, with those of the values that are not merged yet."""
        return [*self._points, *_extremes(self._bucket)] if self._bucket else list(self._points)

    def _thin(self) -> None:
        points, self._points = self._points, []
        for start in range(0, len(points), 4):
            self._points += _extremes(points[start : start + 4])
        self._stride = 4 if self._stride == 1 else self._stride * 2


class Curves:
    """All metrics of one attempt. *limit*: maximum number of points in each."""

    def __init__(self, limit: int = MAX_POINTS) -> None:
        self._limit = limit
        self._curves: dict[str, Curve] = {}

    def add(self, name: str, value: Number | None, step: Number | None, time: float) -> None:
        """Add a value. ``None`` stands for NaN and infinities: it is not drawn, but it is the last value."""
        curve = self._curves.get(name)
        if value is None or abs(value) > _MAX_VALUE or abs(step or 0) > _MAX_VALUE:
            if curve:
                curve.last = value
            return
        point = Point(value, step, time)
        if curve:
            curve.add(point)
        elif len(self._curves) < _MAX_CURVES:
            self._curves[name] = Curve(name, point, self._limit)

    def clear(self) -> None:
        self._curves.clear()

    def __iter__(self) -> Iterator[Curve]:
        return iter(list(self._curves.values()))


def _extremes(points: list[Point]) -> list[Point]:
    """Return the lowest and the highest of some points, in their order."""
    values = [point.value for point in points]
    first, second = sorted((values.index(min(values)), values.index(max(values))))
    return [points[first]] if first == second else [points[first], points[second]]
