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
    """A run of dropped numbers of one producer and whose they were."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.first = 0
        self.last = 0
        self._owners: dict[tuple[str, int], tuple[str, float]] = {}

    def __bool__(self) -> bool:
        return self.last > 0

    def add(self, first: int, last: int, task: str, attempt: int, producer: str, time: float) -> None:
        """Drop the numbers *first* to *last*."""
        self.first = min(self.first or first, first)
        self.last = last
        self._owners[task, attempt] = (producer, time)

    def close(self) -> list[Record]:
        """The ``lost`` events of this gap, one a task, and an empty gap again."""
        owners = list(self._owners.items())[-(self.last - self.first + 1) :]
        data = encode_data(Lost(self.first, self.last, self.reason)) if owners else msgspec.Raw()
        numbers = range(self.last - len(owners) + 1, self.last + 1)
        records = [
            (n, encode_event(Event(task, attempt, producer, n, time, "lost", data)))
            for n, ((task, attempt), (producer, time)) in zip(numbers, owners, strict=True)
        ]
        self.first = self.last = 0
        self._owners.clear()
        return records


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
            if gap:
                yield from gap.close()
            yield n, body
    if gap:
        yield from gap.close()
