"""The journal in memory: the reference adapter, for tests and as a pattern."""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence

from ..core.query import NEWEST_TASKS, TaskQuery
from ..core.task import Task
from .base import (
    NOWHERE,
    PAGE_BYTES,
    SCAN_LIMIT,
    AppendResult,
    Batch,
    CellLocation,
    HistoryPage,
    HolderEvent,
    PendingCommand,
    ProducerRow,
    StoredEvent,
    TaskIds,
)
from .joined_page import JoinedPage
from .memory_records import MemoryRecords
from .records import PastRun
from .transaction import Owners, Transaction


class MemoryJournal(MemoryRecords):
    """See `base.Journal`. `close` drops all events."""

    def __init__(self, holder: str, epoch: str) -> None:
        super().__init__()
        self.epoch = epoch
        self.head = 0
        self._holder = holder
        self._events: list[StoredEvent] = []
        self._tasks: dict[str, Task] = {}
        self._producers: dict[str, ProducerRow] = {}
        self._owners: dict[tuple[str, int], Owners] = {}
        self._pending: dict[int, PendingCommand] = {}
        self._pruned = 0

    def append(self, work: Sequence[Batch | HolderEvent], now: float) -> list[AppendResult]:
        transaction = Transaction(self, self._holder, now)
        answers = [transaction.apply(item) for item in work]
        self._events += transaction.events
        self.head += len(transaction.events)
        self._tasks |= transaction.tasks
        self._producers |= transaction.producers
        self._owners |= transaction.owners
        self._pending |= transaction.pending
        for task, attempt in transaction.settled:
            self._settle(task, attempt)
        return answers

    def recent_runs(self, schedules: Sequence[str], limit: int) -> list[PastRun]:
        runs = []
        for firing in (one for schedule in schedules for one in self.firings(schedule, limit, ran=True)):
            task = self._tasks.get(firing.task or "")
            known = (task.state, task.started, task.ended) if task else (None, None, None)
            runs.append(PastRun(firing.schedule, firing.task or "", firing.due, firing.asked, *known))
        return sorted(runs, key=lambda run: -run.due)

    def load_task(self, task_id: str) -> Task | None:
        return copy.deepcopy(self._tasks.get(task_id))

    def load_producer(self, producer: str) -> ProducerRow | None:
        return self._producers.get(producer)

    def load_owners(self, task_id: str, attempt: int) -> Owners | None:
        return self._owners.get((task_id, attempt))

    def read(
        self,
        after: int,
        limit: int,
        *,
        tasks: Collection[str] | None = None,
        types: Collection[str] | None = None,
        size: int = PAGE_BYTES,
        upto: int | None = None,
    ) -> list[StoredEvent]:
        page: list[StoredEvent] = []
        weight = 0
        for event in self._events[bisect_right(self._events, after, key=lambda e: e.offset) :]:
            if len(page) == limit or weight > size or (upto is not None and event.offset > upto):
                break
            if (tasks is None or event.task in tasks) and (types is None or event.type in types):
                page.append(event)
                weight += len(event.encoded)
        return page

    def joined(self, task: str, after: int, limit: int, types: Collection[str], longest: int) -> JoinedPage:
        found = [e for e in self._events if e.task == task and e.offset > after][:limit]
        wanted = [e.encoded for e in found if e.type in types and len(e.encoded) <= longest]
        return JoinedPage(b"[%b]" % b",".join(wanted), found[-1].offset if found else 0, len(found) == limit)

    def scan_end(self, after: int, limit: int) -> int:
        at = bisect_right(self._events, after, key=lambda e: e.offset) + limit - 1
        return self._events[at].offset if at < len(self._events) else self.head

    def tail(
        self, task: str, count: int, types: Collection[str], *, scan_limit: int | None = None
    ) -> list[StoredEvent]:
        scanned = [e for e in self._events if e.task == task][-(scan_limit or 0) :]
        found = [e for e in scanned if e.type in types]
        return found[-count:] if count else []

    def past(
        self,
        task: str,
        upto: int,
        limit: int,
        *,
        types: Collection[str] | None = None,
        size: int = PAGE_BYTES,
        scan_limit: int = SCAN_LIMIT,
    ) -> HistoryPage:
        page: list[StoredEvent] = []
        weight = 0
        found = reversed([e for e in self._events if e.task == task and e.offset <= upto])
        for passed, event in enumerate(found):
            if len(page) == limit or weight > size or (types is not None and passed == scan_limit):
                return HistoryPage(page[::-1], event.offset)
            if types is None or event.type in types:
                page.append(event)
                weight += len(event.encoded)
        return HistoryPage(page[::-1], 0)

    def task(self, task_id: str) -> Task | None:
        return self.load_task(task_id)

    def task_ids(
        self,
        query: TaskQuery = NEWEST_TASKS,
        *,
        producer: str | None = None,
        locations: Collection[CellLocation] | None = None,
        scan_limit: int = SCAN_LIMIT,  # noqa: ARG002 - few tasks fit into memory
    ) -> TaskIds:
        found = self.tasks(query, producer=producer, locations=locations)
        return TaskIds([task.id for task in found], None)

    def tasks_of(self, ids: Collection[str]) -> list[Task]:
        return [copy.deepcopy(self._tasks[ident]) for ident in ids if ident in self._tasks]

    def tasks(
        self,
        query: TaskQuery = NEWEST_TASKS,
        *,
        producer: str | None = None,
        locations: Collection[CellLocation] | None = None,
    ) -> list[Task]:
        found = [
            task
            for task in self._tasks.values()
            if (query.state is None or task.state == query.state)
            and (query.name is None or task.name == query.name)
            and (query.key is None or task.key == query.key)
            and (query.before is None or task.id < query.before)
            and (query.after is None or task.id > query.after)
            and (producer is None or task.producer == producer)
            and (locations is None or _cell_location(task) in locations)
        ]
        return copy.deepcopy(sorted(found, key=lambda task: task.id, reverse=True)[: query.limit])

    def cell_locations(
        self, cells: Collection[str] | None = None, *, after: CellLocation = NOWHERE, limit: int | None = None
    ) -> list[CellLocation]:
        found = {_cell_location(task) for task in self._tasks.values()}
        wanted = [one for one in found if one.spot > after.spot and (cells is None or one.cell in cells)]
        return sorted(wanted, key=lambda one: one.spot)[:limit]

    def open_tasks(
        self, *, producer: str | None = None, after: str = "", limit: int | None = None
    ) -> list[Task]:
        found = [task for task in self._tasks.values() if not task.state.ended and task.id > after]
        wanted = [task for task in found if producer is None or task.producer == producer]
        return copy.deepcopy(sorted(wanted, key=lambda task: task.id)[:limit])

    def owners(self, task_id: str, attempt: int) -> tuple[str, ...]:
        return self._owners.get((task_id, attempt), ())

    def producer(self, producer: str) -> ProducerRow | None:
        return self._producers.get(producer)

    def producers(self, after: str = "", limit: int | None = None) -> list[ProducerRow]:
        return sorted(row for row in self._producers.values() if row.id > after)[:limit]

    def pending_offsets(self) -> set[int]:
        return set(self._pending)

    def pending(self, producer: str) -> list[PendingCommand]:
        return [p for p in self._pending.values() if p.producer == producer]

    def handled(self, offset: int) -> None:
        self._pending.pop(offset, None)

    def recoverable(self, after: int, tasks: Collection[str] | None) -> bool:
        if after > self.head:
            return False
        return after >= self._pruned or (tasks is not None and all(t in self._tasks for t in tasks))

    def forget(self, task_ids: Iterable[str]) -> None:
        gone = set(task_ids)
        self._pruned = max([self._pruned, *(e.offset for e in self._events if e.task in gone)])
        self._events = [e for e in self._events if e.task not in gone]
        self._tasks = {k: t for k, t in self._tasks.items() if k not in gone}
        self._pending = {k: p for k, p in self._pending.items() if p.event.task not in gone}

    def purge(self, limit: int) -> bool:  # noqa: ARG002 - `forget` leaves none
        return False

    def ended(self, after: int, upto: int, limit: int) -> list[tuple[int, str]]:
        last = {event.task: event.offset for event in self._events if event.type == "state"}
        found = sorted((at, task) for task, at in last.items() if self._tasks[task].state.ended)
        return [(at, task) for at, task in found if after < at <= upto][:limit]

    def index_older(self, limit: int) -> bool:  # noqa: ARG002 - it is never of an older version
        return False

    def check_index(self, limit: int) -> bool:  # noqa: ARG002 - no disk changes it
        return False

    def size(self) -> int:
        return sum(len(e.encoded) for e in self._events)

    def close(self) -> None:
        self._events.clear()

    def _settle(self, task: str, attempt: int) -> None:
        self._pending = {
            offset: p
            for offset, p in self._pending.items()
            if (p.event.task, p.event.attempt) != (task, attempt)
        }


def _cell_location(task: Task) -> CellLocation:
    return CellLocation(task.notebook or None, task.cell or None)
