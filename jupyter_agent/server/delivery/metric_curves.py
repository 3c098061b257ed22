"""Curves of a task's metrics: those of its newest attempt, read from the journal page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from ...core.events import UNREADABLE, Number
from ...journal.joined_page import JoinedPage
from ...journal.session import JournalSession
from ...rendering.curves import Curve, Curves
from .feed import Feed

_PAGE_EVENTS = 10_000
_LONGEST_EVENT = 8 << 10
"""Bounds of one read; between two of them the journal serves others. Values have about 200 bytes."""

_MIN_POINTS = 100
"""Of a curve: to thin it to fewer takes more memory, not less."""

_KEPT_BYTES = 8 << 20
"""Of answers that are kept."""


class CurveColumns(Struct):
    """One metric as columns: ``times`` in seconds since the first value of the attempt.

    ``count`` is the number of values that the points stand for; among them are the lowest and the highest,
    and the last point is the newest value. ``steps`` is ``None`` where no value has one.
    """

    name: str
    count: int
    steps: list[Number | None] | None
    times: list[float]
    values: list[Number]


class MetricsPage(Struct):
    """``GET tasks/{id}/metrics``: ``start``: the time of the first value; ``cursor``: events up to it."""

    attempt: int
    start: float | None
    cursor: str
    metrics: list[CurveColumns]


class _MetricData(Struct, gc=False):
    """Of a state event, nothing."""

    name: str | None = None
    value: Number | None = None
    step: Number | None = None


class _Event(Struct, gc=False):
    attempt: int
    time: float
    type: str
    data: _MetricData | None = None
    flag: str | None = None


_decode_events = msgspec.json.Decoder(list[_Event]).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_split = msgspec.json.Decoder(list[Raw]).decode
_encode = msgspec.json.Encoder().encode


class _Fold:
    """The metrics of a task's newest attempt, folded from its events."""

    def __init__(self, points: int) -> None:
        self.attempt = 0
        self.start: float | None = None
        self.curves = Curves(max(points, _MIN_POINTS))

    def add(self, array: bytes) -> None:
        for event in _events(array):
            if event.attempt > self.attempt:
                self.attempt, self.start = event.attempt, None
                self.curves.clear()
            data = event.data
            if event.type != "metric" or event.attempt < self.attempt or event.flag == "bad_data":
                continue
            if data is not None and data.name is not None:
                if self.start is None:
                    self.start = event.time
                self.curves.add(data.name, data.value, data.step, event.time)

    def answer(self, cursor: str) -> bytes:
        metrics = [_columns(curve, self.start or 0.0) for curve in self.curves]
        return _encode(MetricsPage(self.attempt, self.start, cursor, metrics))


def _events(array: bytes) -> Iterable[_Event]:
    """Decode at once what is sound, as nearly everything is, and event by event what is not."""
    try:
        return _decode_events(array)
    except UNREADABLE:
        return _readable(array)


def _readable(array: bytes) -> Iterable[_Event]:
    for encoded in _split(array):
        try:
            yield _decode_event(encoded)
        except UNREADABLE:
            continue


class _Answer(NamedTuple):
    """``upto``: offset of the newest event that is in the encoded `MetricsPage`."""

    upto: int
    page: bytes


class CurveReader:
    """Reads curves, and keeps the last answers for tasks that have no event since."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._kept: dict[tuple[str, str, int], _Answer] = {}
        """By epoch, task and points; the one that was not asked for longest comes first."""

    async def read(self, task_id: str, points: int) -> bytes:
        """Return the `MetricsPage` of a task's newest attempt, at most about *points* points a curve."""
        key = (self._feed.epoch, task_id, points)
        answer = self._kept.pop(key, None)
        if answer is None or (await self._page(task_id, answer.upto, 1)).last:
            answer = await self._fold(task_id, points)
        self._kept[key] = answer
        while sum(len(kept.page) for kept in self._kept.values()) > _KEPT_BYTES:
            del self._kept[next(iter(self._kept))]
        return answer.page

    async def _fold(self, task_id: str, points: int) -> _Answer:
        fold, upto, more = _Fold(points), 0, True
        while more:
            page = await self._page(task_id, upto, _PAGE_EVENTS)
            await asyncio.to_thread(fold.add, page.array)
            upto, more = page.last or upto, page.more
        return _Answer(upto, await asyncio.to_thread(fold.answer, self._feed.cursor(upto)))

    async def _page(self, task_id: str, after: int, limit: int) -> JoinedPage:
        def job(session: JournalSession) -> JoinedPage:
            return session.journal.joined(task_id, after, limit, ("metric", "state"), _LONGEST_EVENT)

        return await self._feed.call(job)


def _columns(curve: Curve, start: float) -> CurveColumns:
    points = curve.points
    if points[-1] is not curve.newest:
        points.append(curve.newest)
    steps = [point.step for point in points]
    return CurveColumns(
        curve.name,
        curve.count,
        steps if any(step is not None for step in steps) else None,
        [round(point.time - start, 3) for point in points],
        [point.value for point in points],
    )
