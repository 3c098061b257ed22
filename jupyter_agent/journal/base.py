"""The port: what every journal does. `memory` and `sqlite` are its adapters.

A journal belongs to one thread (see `holder`); nothing here waits or locks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from msgspec import Struct

from ..core.events import Data, Event, TaskState
from ..core.task import Task
from .records import Records

PAGE_BYTES = 1 << 20
TAIL_TYPES = ("log", "message", "display")
"""What the last lines of a task are made of."""

SCAN_LIMIT = 50_000
"""Events of a task that one look back passes at most, so that nobody waits while rare types are sought."""


class BatchOrigin(Enum):
    """Where a batch comes from, and so what is asked of it."""

    PUBLISHED = "published"
    """Over a socket: only for tasks of the producer's own attempts; a gap is refused."""

    SPOOLED = "spooled"
    """From a spool file of this user: its own tasks by construction; a gap is named and passed."""

    MERGED = "merged"
    """From another journal: what is not in it was pruned or named there."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one producer in the order of their numbers.

    ``base`` is the smallest number the producer still has; without events, a merged batch says that
    everything below it is accounted for. ``handled`` are offsets of this batch's
    own numbers ``n`` whose commands need not be delivered (merged journals only).
    """

    producer: str
    base: int
    events: Sequence[Event]
    origin: BatchOrigin = BatchOrigin.PUBLISHED
    host: str | None = None
    handled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class HolderEvent:
    """A fact that the holder itself adds; it is numbered as the holder's own event."""

    task: str
    attempt: int
    kind: str
    data: Data


class StoredEvent(Struct, frozen=True, order=True, gc=False):
    """One event as the journal gives it out: ``encoded`` is its JSON, ``offset`` included."""

    offset: int
    task: str
    type: str
    encoded: bytes


@dataclass(frozen=True, slots=True)
class AppendResult:
    """What became of a batch, once the transaction is committed.

    ``upto``: the producer's last number that the journal now has (the ack). ``expected``: set when
    numbers were missing and nothing after ``upto`` was taken (the nack). ``foreign``: numbers
    refused because their task belongs to another producer. ``stored``: what was new.
    """

    upto: int
    expected: int | None = None
    foreign: tuple[int, ...] = ()
    stored: tuple[StoredEvent, ...] = ()


class PendingCommand(NamedTuple):
    """A command its producer has not handled yet."""

    offset: int
    producer: str
    event: Event


class ProducerRow(NamedTuple):
    """What the journal knows of a producer; ``seen`` is Unix seconds of the last commit from it."""

    id: str
    last_n: int
    host: str | None
    seen: float


class HistoryPage(NamedTuple):
    """The newest events up to a place, oldest first.

    ``older`` is the place to go on from: nothing wanted lies between it and ``events``. 0: there is nothing
    older.
    """

    events: list[StoredEvent]
    older: int


class CellLocation(NamedTuple):
    """Where a task was started, as it said itself: its notebook's file and the cell's id."""

    notebook: str | None
    cell: str | None


class Journal(Records, Protocol):
    """A durable log, with small records beside it.

    ``epoch`` names this incarnation: cursors of another epoch mean nothing here.
    """

    epoch: str
    head: int
    """The largest offset ever given out; gaps below it are normal."""

    def append(self, work: Sequence[Batch | HolderEvent], now: float) -> list[AppendResult]:
        """Take everything in *work* in one transaction and commit it; all or nothing.

        Idempotent by ``(producer, n)``. Raises `JournalError` when nothing could be written.
        """

    def read(
        self,
        after: int,
        limit: int,
        *,
        tasks: Collection[str] | None = None,
        types: Collection[str] | None = None,
        size: int = PAGE_BYTES,
    ) -> list[StoredEvent]:
        """At most *limit* events (and about *size* bytes) after offset *after*, oldest first."""

    def tail(self, task: str, count: int, types: Collection[str]) -> list[StoredEvent]:
        """The last *count* events of one task that are of *types*, oldest first."""

    def past(
        self,
        task: str,
        upto: int,
        limit: int,
        *,
        types: Collection[str] | None = None,
        size: int = PAGE_BYTES,
        look: int = SCAN_LIMIT,
    ) -> HistoryPage:
        """The newest *limit* events (and about *size* bytes) of one task up to and with offset *upto*.

        With *types* only *look* events are looked at, so that fewer may come (none, even) while there are
        older ones.
        """

    def task(self, task_id: str) -> Task | None:
        """A copy of the task as folded so far."""

    def tasks(
        self,
        *,
        state: TaskState | None = None,
        name: str | None = None,
        key: str | None = None,
        producer: str | None = None,
        before: str | None = None,
        locations: Collection[CellLocation] | None = None,
        limit: int = 50,
    ) -> list[Task]:
        """Tasks, newest first by id; *before* is an id to page from, *locations* are where they started."""

    def cell_locations(self, cells: Collection[str] | None = None) -> list[CellLocation]:
        """Every location in which a task was last queued, each once, in any order; of *cells* if given."""

    def open_tasks(self) -> list[Task]:
        """Every task whose present attempt has no end, oldest first."""

    def owners(self, task_id: str, attempt: int) -> tuple[str, ...]:
        """The producers that may publish for this attempt; empty when it is unknown."""

    def producer(self, producer: str) -> ProducerRow | None:
        """What is known of a producer."""

    def pending(self, producer: str) -> list[PendingCommand]:
        """Commands for tasks of *producer* that it has not handled, oldest first."""

    def handled(self, offset: int) -> None:
        """The command at *offset* was carried out; again is nothing."""

    def recoverable(self, after: int, tasks: Collection[str] | None) -> bool:
        """Whether everything after *after* that concerns *tasks* (``None``: all) is still here."""

    def forget(self, task_ids: Iterable[str]) -> None:
        """Remove tasks with all their events. Late events of their attempts are known, and not stored."""

    def ended_before(self, when: float) -> list[str]:
        """Ids of tasks that ended before *when* (Unix seconds), oldest end first."""

    def size(self) -> int:
        """Bytes in use."""

    def producers(self) -> list[ProducerRow]:
        """Every producer ever seen."""

    def close(self) -> None:
        """Release everything; again is nothing."""
