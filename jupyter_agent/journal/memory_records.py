"""Records and firings of schedules, in memory."""

from __future__ import annotations

import math

from .records import MAX_KEPT, MAX_KEPT_WITHOUT_TASK, OPEN, Firing, RecordsExport


class MemoryRecords:
    """See `Records`; for `MemoryJournal`."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], bytes] = {}
        self._firings: dict[tuple[str, float], Firing] = {}
        self._floors: dict[str, float] = {}

    def put_record(self, kind: str, ident: str, body: bytes) -> None:
        self._records[kind, ident] = body

    def record(self, kind: str, ident: str) -> bytes | None:
        return self._records.get((kind, ident))

    def records(self, kind: str) -> list[tuple[str, bytes]]:
        return [(ident, body) for (k, ident), body in sorted(self._records.items()) if k == kind]

    def delete_record(self, kind: str, ident: str) -> bool:
        self._firings = {key: firing for key, firing in self._firings.items() if key[0] != ident}
        self._floors.pop(ident, None)
        return self._records.pop((kind, ident), None) is not None

    def claim(self, firing: Firing) -> bool:
        key = (firing.schedule, firing.due)
        if key in self._firings or firing.due <= self._floors.get(firing.schedule, -math.inf):
            return False
        self._firings[key] = firing
        for ran, limit in ((True, MAX_KEPT), (False, MAX_KEPT_WITHOUT_TASK)):
            self._trim(firing.schedule, ran, limit)
        return True

    def _trim(self, schedule: str, ran: bool, limit: int) -> None:
        settled = [f for f in self._newest(schedule) if f.outcome not in OPEN and (f.task is not None) is ran]
        for old in settled[limit:]:
            del self._firings[schedule, old.due]
            self._floors[schedule] = max(old.due, self._floors.get(schedule, old.due))

    def settle(self, firing: Firing) -> None:
        if (firing.schedule, firing.due) in self._firings:
            self._firings[firing.schedule, firing.due] = firing

    def firings(
        self, schedule: str, limit: int = 50, *, before: float | None = None, ran: bool = False
    ) -> list[Firing]:
        upto = math.inf if before is None else before
        found = [f for f in self._newest(schedule) if f.due < upto and (f.task is not None or not ran)]
        return found[:limit]

    def last_due(self, schedule: str, upto: float) -> float | None:
        found = [f.due for f in self._newest(schedule) if f.due <= upto and not f.asked]
        floor = [self._floors[schedule]] if schedule in self._floors else []
        return max([*found[:1], *floor], default=None)

    def _newest(self, schedule: str) -> list[Firing]:
        found = [firing for firing in self._firings.values() if firing.schedule == schedule]
        return sorted(found, key=lambda firing: -firing.due)

    def open_firings(self, schedule: str | None = None) -> list[Firing]:
        found = [
            firing
            for firing in self._firings.values()
            if firing.outcome in OPEN and schedule in (None, firing.schedule)
        ]
        return sorted(found, key=lambda firing: firing.due)

    def export_records(self) -> RecordsExport:
        records = [(*key, body) for key, body in self._records.items()]
        return RecordsExport(records, list(self._firings.values()), list(self._floors.items()))

    def import_records(self, export: RecordsExport) -> None:
        self._records = {(kind, ident): body for kind, ident, body in export.records} | self._records
        self._firings = {(f.schedule, f.due): f for f in export.firings} | self._firings
        self._floors = dict(export.floors) | self._floors
