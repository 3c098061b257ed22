"""What goes first when a spool is full, and how what is gone is named.

Pure: records in, records out. Dropped numbers are replaced by ``lost`` events that take the last
numbers of each gap, so that a spool's numbers still account for everything ever emitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from ..core.events import Event, Lost, encode_data, encode_event
from .segment import Record

FIRST_TO_GO = frozenset({"log", "metric", "display", "progress"})
"""Types dropped before any other; the rest goes, oldest first, only when that is not enough."""


class _Head(Struct):
    task: str
    attempt: int
    producer: str
    time: float
    type: str
    data: msgspec.Raw


_head = msgspec.json.Decoder(_Head)
_lost = msgspec.json.Decoder(Lost)


class Gap:
    """A run of dropped numbers of one producer and whose they were; ``last`` of 0: none."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.first = 0
        self.last = 0
        self._owners: dict[tuple[str, int], tuple[str, float]] = {}

    def add(self, first: int, last: int, task: str, attempt: int, producer: str, time: float) -> None:
        """Drop the numbers *first* to *last*."""
        self._owners[task, attempt] = (producer, time)
        self.first = min(self.first, first) if self.last else first
        self.last = last

    def records(self) -> list[Record]:
        """The ``lost`` events of this gap, one a task, under its last numbers."""
        if not self.last:
            return []
        owners = list(self._owners.items())[-(self.last - self.first + 1) :]
        data = encode_data(Lost(self.first, self.last, self.reason))
        numbers = range(self.last - len(owners) + 1, self.last + 1)
        return [
            (n, encode_event(Event(task, attempt, producer, n, time, "lost", data)))
            for n, ((task, attempt), (producer, time)) in zip(numbers, owners, strict=True)
        ]

    def clear(self) -> None:
        """The gap is told: no number is missing now."""
        self.last = self.first = 0
        self._owners.clear()


def compact(records: Iterable[Record], reason: str, *, everything: bool) -> Iterator[Record]:
    """The records without those of `FIRST_TO_GO` (or, with *everything*, without any)."""
    gap = Gap(reason)
    for n, body in records:
        head = _head.decode(body)
        if head.type == "lost":
            first = _lost.decode(head.data).first
            gap.add(first, n, head.task, head.attempt, head.producer, head.time)
        elif everything or head.type in FIRST_TO_GO:
            gap.add(n, n, head.task, head.attempt, head.producer, head.time)
        else:
            yield from gap.records()
            gap.clear()
            yield n, body
    yield from gap.records()
