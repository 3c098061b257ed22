"""One transaction: every rule of ingestion, without storage.

An adapter passes its `CommittedState`; the transaction collects what is new on top of it, and the adapter
then writes that at once. A transaction that could not be written is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from ..core.events import (
    UNREADABLE,
    Command,
    Data,
    Event,
    Lost,
    TaskState,
    decode_data,
    decode_event,
    encode_data,
    encode_event,
    with_offset,
)
from ..core.ids import is_ulid
from ..core.logs.lines import decode_logs, with_line
from ..core.task import Task, may_be_claimed, runs_in_pool
from ..core.transitions import claims, delegate_of, enters
from .base import AppendResult, Batch, BatchOrigin, HolderEvent, PendingCommand, ProducerRow, StoredEvent

Owners = tuple[str, ...]
_BY_HOLDERS = ("lost", "command")
"""Types of events that a holder adds to attempts of others, also before the first event of their producer."""

MAX_STATES = 20
"""Maximum number of newest `state` events of a task that are searched for an inference."""


class CommittedState(Protocol):
    """The committed state of a journal, as a transaction reads it. Tasks may be changed in place."""

    head: int

    def load_task(self, task_id: str) -> Task | None: ...
    def load_producer(self, producer: str) -> ProducerRow | None: ...
    def load_owners(self, task_id: str, attempt: int) -> Owners | None: ...
    def tail(self, task: str, count: int, types: Collection[str]) -> list[StoredEvent]: ...


@dataclass(slots=True)
class Transaction:
    """What will be committed. *holder* is the producer id of the holder's own events.

    ``changed``: tasks and the offsets of their last state events: only these say where a task was started,
    what its key is, and whether it has ended.
    """

    committed: CommittedState
    holder: str
    now: float
    events: list[StoredEvent] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    producers: dict[str, ProducerRow] = field(default_factory=dict)
    owners: dict[tuple[str, int], Owners] = field(default_factory=dict)
    pending: dict[int, PendingCommand] = field(default_factory=dict)
    settled: list[tuple[str, int]] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)

    @property
    def head(self) -> int:
        """The offset of the newest event, those of this transaction included."""
        return self.committed.head + len(self.events)

    def apply(self, work: Batch | HolderEvent) -> AppendResult:
        """Add a batch or a holder's event; the result is valid once the transaction is committed."""
        start = len(self.events)
        if isinstance(work, HolderEvent):
            self._add_holder_event(work.task, work.attempt, work.kind, work.data)
            return AppendResult(0, stored=tuple(self.events[start:]))
        upto, expected, foreign = self._apply_batch(work)
        return AppendResult(upto, expected, tuple(foreign), tuple(self.events[start:]))

    def _apply_batch(self, batch: Batch) -> tuple[int, int | None, list[int]]:
        row = self._producer(batch.producer)
        expected = row.last_n + 1 if row else 1
        if not batch.events:
            if batch.origin is BatchOrigin.MERGED and batch.base > expected:
                expected = batch.base
                self.producers[batch.producer] = ProducerRow(
                    batch.producer, expected - 1, batch.host or (row.host if row else None), self.now
                )
            return expected - 1, None, []
        floor = max(expected, batch.base)
        missing = start_of(batch.events[0]) > floor
        if missing and batch.origin is BatchOrigin.PUBLISHED:
            return expected - 1, floor, []
        if floor > expected and batch.origin is not BatchOrigin.MERGED:
            own = [event for event in batch.events if self._may_store(batch, event)]
            self._lost(own, Lost(expected, floor - 1, "not in this journal", batch.producer))
            expected = floor
        last, nack, foreign = self._apply_events(batch, expected)
        self.producers[batch.producer] = ProducerRow(
            batch.producer, last, batch.host or (row.host if row else None), self.now
        )
        return last, nack, foreign

    def _apply_events(self, batch: Batch, expected: int) -> tuple[int, int | None, list[int]]:
        foreign: list[int] = []
        allowed: set[tuple[str, int, str]] = set()
        logs: list[Event] = []
        logged: tuple[str, int, str] | None = None
        for event in batch.events:
            n = event.n
            if n < expected:
                continue
            key = (event.task, event.attempt, event.producer)
            if logs and (key != logged or n != expected or event.type != "log"):
                self._store_logs(logs)
                logs = []
            if event.type == "log" and n == expected and (logs or key in allowed):
                logs.append(event)
                logged, expected = key, n + 1
                continue
            if n > expected and start_of(event) > expected and self._wants_again(batch, event, expected):
                return expected - 1, expected, foreign
            if key in allowed or self._may_store(batch, event):
                if event.type not in _BY_HOLDERS:
                    allowed.add(key)
                self._store(event, deliver=n not in batch.handled)
            else:
                foreign.append(n)
            expected = n + 1
        if logs:
            self._store_logs(logs)
        return expected - 1, None, foreign

    def _wants_again(self, batch: Batch, event: Event, expected: int) -> bool:
        """Return True if what is missing before *event* can be sent again; else record it as lost."""
        if batch.origin is BatchOrigin.SPOOLED:
            lost = Lost(expected, start_of(event) - 1, "damaged on disk", batch.producer)
            self._lost([event], lost)
        return batch.origin is BatchOrigin.PUBLISHED

    def _may_store(self, batch: Batch, event: Event) -> bool:
        """Return True if the event is the producer's own and its attempt belongs to this producer."""
        if event.producer != batch.producer:
            return False
        key = (event.task, event.attempt)
        owners = self._owners(*key)
        if owners is None:
            if not is_ulid(event.task):
                return False
            if batch.origin is BatchOrigin.PUBLISHED and self._belongs_to_another(batch.producer, event):
                return False
            # In a merged journal, the other holder's word may come first: the attempt is not its own.
            if batch.origin is not BatchOrigin.MERGED or event.type not in _BY_HOLDERS:
                self.owners[key] = (batch.producer, *delegate_of(event, batch.producer))
            return True
        if batch.producer not in owners and self._joins(event, owners):
            # The one that has queued the attempt comes first.
            both = (*owners, batch.producer) if claims(event) else (batch.producer, *owners)
            self.owners[key] = owners = both
        return batch.producer in owners or batch.origin is not BatchOrigin.PUBLISHED

    def _joins(self, event: Event, owners: Owners) -> bool:
        """Return True if the producer of *event* becomes the second owner of its attempt, which has one.

        Either it claims a queued attempt, or it has queued the attempt, and the claim came here first: the
        two have a connection each.
        """
        task = self._task(event.task)
        if task is None or len(owners) > 1 or event.attempt != task.attempt or event.type != "state":
            return False
        if claims(event):
            return may_be_claimed(task)
        return task.queued is None and enters(event, TaskState.QUEUED)

    def _belongs_to_another(self, producer: str, event: Event) -> bool:
        """Return True for a new attempt of a task that another producer is still running.

        The next attempt is accepted when the present one was called interrupted at some time: its producer
        relied on that inference before the first producer came back. The fold flags it; a refusal would
        lose it. An earlier attempt without an owner here was in the journal that this one replaces.
        """
        task = self._task(event.task)
        if task is None or task.state.ended or event.attempt < task.attempt:
            return False
        if event.attempt == task.attempt + 1:
            if claims(event) and runs_in_pool(task):  # its ``queued`` and the last end are on their way
                return False
            if enters(event, TaskState.QUEUED) and self._was_called_interrupted(task):
                return False
        return producer not in (self._owners(task.id, task.attempt) or (producer,))

    def _was_called_interrupted(self, task: Task) -> bool:
        """Return True if the present attempt was called interrupted before its producer came back."""
        states = (
            decode_event(stored.encoded) for stored in self.committed.tail(task.id, MAX_STATES, ["state"])
        )
        return any(e.attempt == task.attempt and enters(e, TaskState.INTERRUPTED) for e in states)

    def _store(self, event: Event, *, deliver: bool = True) -> None:
        task_id, kind = event.task, event.type
        task = self.tasks.get(task_id) or self.committed.load_task(task_id)
        if task is None:
            if self._is_forgotten(event):
                return
            task = Task(task_id)
        self.tasks[task_id] = task
        flag = task.apply(event)
        # These fields are the journal's: drop what a producer put there.
        if flag or event.flag or event.offset or event.line:
            event = msgspec.structs.replace(event, offset=0, flag=flag, line=0)
        body = encode_event(event)
        if kind == "log" and flag is None and task.log is not None:
            body = with_line(body, task.log.newest)
        offset = self.committed.head + len(self.events) + 1
        self.bodies.append(body)
        self.events.append(StoredEvent(offset, task_id, kind, with_offset(body, offset)))
        if kind == "log":  # the common case: a log has no further effect
            return
        if kind == "command":
            owners = self._owners(event.task, event.attempt) or ()
            if deliver and task.producer and event.producer not in owners:
                self.pending[offset] = PendingCommand(offset, task.producer, event)
        elif kind == "state":
            self.changed[task_id] = offset
            if task.state.ended and not self._is_inferred(event, task):
                self.settled.append((event.task, event.attempt))

    def _store_logs(self, events: list[Event]) -> None:
        """Do what `_store` does, in two thirds of the time, for logs of a task behind another event of it."""
        task = self.tasks.get(events[0].task)
        logs = decode_logs(events)
        if task is None or logs is None:  # it was deleted, or one of them is unusual
            for event in events:
                self._store(event)
            return
        start, task_id = self.head + 1, task.id
        bodies = [encode_event(event) for event in events]
        lines = task.apply_logs(events, logs)
        if lines is not None:
            bodies = list(map(with_line, bodies, lines))
        self.bodies += bodies
        self.events += [
            StoredEvent(offset, task_id, "log", with_offset(body, offset))
            for offset, body in enumerate(bodies, start)
        ]

    def _is_forgotten(self, event: Event) -> bool:
        """Return True for a late event of a deleted task: it does not bring the task back."""
        return self.committed.load_owners(event.task, event.attempt) is not None

    def _is_inferred(self, event: Event, task: Task) -> bool:
        """Return True if the end is an inference: should the producer come back, its commands are due."""
        owners = self._owners(event.task, event.attempt) or ()
        return task.state is TaskState.INTERRUPTED and event.producer not in owners

    def _add_holder_event(self, task: str, attempt: int, kind: str, data: Data) -> None:
        row = self._producer(self.holder)
        n = row.last_n + 1 if row else 1
        self.producers[self.holder] = ProducerRow(self.holder, n, row.host if row else None, self.now)
        self._store(Event(task, attempt, self.holder, n, self.now, kind, encode_data(data)))

    def _lost(self, events: Sequence[Event], lost: Lost) -> None:
        for task, attempt in dict.fromkeys((event.task, event.attempt) for event in events):
            self._add_holder_event(task, attempt, "lost", lost)

    def _task(self, task_id: str) -> Task | None:
        return self.tasks.get(task_id) or self.committed.load_task(task_id)

    def _producer(self, producer: str) -> ProducerRow | None:
        return self.producers.get(producer) or self.committed.load_producer(producer)

    def _owners(self, task_id: str, attempt: int) -> Owners | None:
        return self.owners.get((task_id, attempt)) or self.committed.load_owners(task_id, attempt)


def start_of(event: Event) -> int:
    """Return the first number an event accounts for: its own, or a ``lost`` event's ``first``."""
    if event.type != "lost":
        return event.n
    try:
        data = decode_data(event)
    except UNREADABLE:
        return event.n
    return min(event.n, data.first) if isinstance(data, Lost) else event.n


def command_of(event: Event) -> Command:
    """Return the payload of a stored ``command`` event."""
    data = decode_data(event)
    assert isinstance(data, Command)
    return data
