"""Compaction of a full spool: which events are dropped first, and the ``lost`` events for them.

Pure: records in, records out. ``lost`` events take the last numbers of each gap, so that a spool's
numbers still account for everything ever emitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import Struct

from ..core.events import Event, Lost, encode_data, encode_event
from .segment import Record

DROPPED_FIRST = frozenset({"log", "metric", "display", "progress"})
"""Types dropped before any other. The rest is dropped, oldest first, only when that is not enough."""


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
    """A run of dropped numbers of one producer, and the tasks they belonged to; ``last`` of 0: none."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.first = 0
        self.last = 0
        self._owners: dict[tuple[str, int], tuple[str, float]] = {}

    def add(self, first: int, last: int, task: str, attempt: int, producer: str, time: float) -> None:
        """Add the numbers *first* to *last*."""
        self._owners[task, attempt] = (producer, time)
        self.first = min(self.first, first) if self.last else first
        self.last = last

    def records(self) -> list[Record]:
        """Return the ``lost`` events of this gap, one for each task, under its last numbers."""
        if not self.last:
            return []
        owners = list(self._owners.items())[-(self.last - self.first + 1) :]
        numbers = range(self.last - len(owners) + 1, self.last + 1)
        return [
            (n, encode_event(Event(task, attempt, producer, n, time, "lost", self._data(producer))))
            for n, ((task, attempt), (producer, time)) in zip(numbers, owners, strict=True)
        ]

    def _data(self, producer: str) -> msgspec.Raw:
        return encode_data(Lost(self.first, self.last, self.reason, producer))

    def mend(self, last: int, write: Callable[[int, bytes], bool]) -> bool:
        """Give the ``lost`` events behind number *last* to *write*; false where it had no room for one."""
        for n, body in self.records():
            # An earlier try may have been interrupted after some of them.
            if n > last and not write(n, body):
                return False
        self.clear()
        return True

    def clear(self) -> None:
        """Forget the gap: its ``lost`` events are written."""
        self.last = self.first = 0
        self._owners.clear()


def compact(records: Iterable[Record], reason: str, *, everything: bool) -> Iterator[Record]:
    """Yield the records without those of `DROPPED_FIRST`, and ``lost`` events in their place.

    With *everything*, drop all records.
    """
    gap = Gap(reason)
    for n, body in records:
        head = _head.decode(body)
        if head.type == "lost":
            first = _lost.decode(head.data).first
            gap.add(first, n, head.task, head.attempt, head.producer, head.time)
        elif everything or head.type in DROPPED_FIRST:
            gap.add(n, n, head.task, head.attempt, head.producer, head.time)
        else:
            yield from gap.records()
            gap.clear()
            yield n, body
    yield from gap.records()
