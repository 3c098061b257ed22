"""A spool without files."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_agent.core.events import Data, Event, Lost, decode_data, encode_data, encode_event
from jupyter_agent.producer.compaction import compact
from jupyter_agent.producer.envelope import SpoolBatch
from jupyter_agent.producer.spool_folder import Header

SEGMENT = 3
"""Events in a segment."""
BATCH = 4
"""Events in a batch."""


@dataclass(eq=False, slots=True)
class ModelSpool:
    """Stands for `producer.spool.Spool` and its folder: numbered records in segments that outlive their
    writer. A segment goes once all of it is acknowledged, the newest stays; past *most* segments the oldest
    are rewritten by the real compaction. ``locked``: its producer lives. What it does not have: torn or
    damaged records, interrupted writes (`tests/unit/producer/test_spool.py` has them)."""

    header: Header
    most: int = 1000
    locked: bool = True
    segments: list[list[tuple[int, bytes]]] = field(default_factory=lambda: [[]])
    firsts: list[int] = field(default_factory=lambda: [1])
    last: int = 0
    freed: int = 0
    dropped: set[int] = field(default_factory=set)

    @property
    def producer(self) -> str:
        return self.header.producer

    @property
    def base(self) -> int:
        return self.firsts[0]

    def append(self, task: str, attempt: int, kind: str, data: Data, now: float) -> Event:
        """Number and keep one event."""
        if len(self.segments[-1]) >= SEGMENT:
            if len(self.segments) >= self.most:
                self._make_room()
            self.segments.append([])
            self.firsts.append(self.last + 1)
        self.last += 1
        event = Event(task, attempt, self.producer, self.last, now, kind, encode_data(data))
        self.segments[-1].append((self.last, encode_event(event)))
        return event

    def records(self) -> list[tuple[int, bytes]]:
        return [record for segment in self.segments for record in segment]

    def batch(self, after: int, *, events: int = BATCH, size: int = 0) -> SpoolBatch | None:
        found = [(n, body) for n, body in self.records() if n > after][:events]
        if not found:
            return None
        return SpoolBatch(self.base, found[0][0], found[-1][0], [body for _, body in found])

    def free(self, upto: int) -> None:
        self.freed = max(self.freed, upto)
        while len(self.segments) > 1 and self.firsts[1] - 1 <= self.freed:
            del self.segments[0], self.firsts[0]

    def _make_room(self) -> None:
        """Rewrite the two oldest segments into one: logs and the like go first, then anything."""
        old = [record for segment in self.segments[:2] for record in segment]
        wanted = [record for record in old if record[0] > self.freed]
        kept = list(compact(wanted, "the spool is full", everything=False))
        if len(kept) > SEGMENT:
            kept = list(compact(wanted, "the spool is full", everything=True))
        self.dropped |= {n for n, _ in wanted} - {n for n, body in kept if (n, body) in wanted}
        first = max(self.firsts[0], min(self.freed, old[-1][0]) + 1)
        self.segments[:2], self.firsts[:2] = [kept], [first]


def lost_range(event: Event) -> range:
    """The numbers that a `lost` event names."""
    data = decode_data(event)
    assert isinstance(data, Lost)
    return range(data.first, data.last + 1)
