"""Port of the journal: its types, and what every adapter does (`memory`, `sqlite`).

A journal belongs to one thread (see `holder`); no method waits or locks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from msgspec import Struct

from ..core.events import Data, Event
from ..core.query import NEWEST_TASKS, TaskQuery
from ..core.task import Task
from .joined_page import JoinedPage
from .records import Records

PAGE_BYTES = 1 << 20
"""Default size of a page of events, in bytes."""

TAIL_TYPES = ("log", "message", "display")
"""Types of events that make up the last lines of a task."""

SCAN_LIMIT = 50_000
"""Maximum number of rows that one read scans for those that fit: rare ones must not delay other jobs."""


class BatchOrigin(Enum):
    """Source of a batch, which decides what is checked."""

    PUBLISHED = "published"
    """Over a socket: only the producer's own attempts are accepted; a gap is refused."""

    SPOOLED = "spooled"
    """From a spool file of this user: its own tasks by construction; a gap is recorded as lost."""

    MERGED = "merged"
    """From another journal: what is missing was pruned there, or recorded as lost."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one producer in the order of their numbers.

    ``base`` is the smallest number the producer still has; a merged batch without events states that
    everything below it is accounted for. ``handled``: numbers ``n`` of commands in this batch that need not
    be delivered (merged journals only).
    """

    producer: str
    base: int
    events: Sequence[Event]
    origin: BatchOrigin = BatchOrigin.PUBLISHED
    host: str | None = None
    handled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class HolderEvent:
    """An event that the holder itself emits; the journal numbers it as one of the holder's own."""

    task: str
    attempt: int
    kind: str
    data: Data


class StoredEvent(Struct, frozen=True, order=True, gc=False):
    """One event as read from the journal: ``encoded`` is its JSON, ``offset`` included."""

    offset: int
    task: str
    type: str
    encoded: bytes


class AppendResult(Struct, frozen=True, gc=False):
    """Result of appending a batch, valid once the transaction is committed.

    ``upto``: the producer's last number that the journal now has (the ack). ``expected``: set when numbers
    were missing and nothing after ``upto`` was stored (the nack). ``foreign``: numbers refused because their
    task belongs to another producer. ``stored``: the events that are new.
    """

    upto: int
    expected: int | None = None
    foreign: tuple[int, ...] = ()
    stored: tuple[StoredEvent, ...] = ()


class PendingCommand(NamedTuple):
    """A command that its producer has not handled yet."""

    offset: int
    producer: str
    event: Event


class ProducerRow(NamedTuple):
    """A known producer; ``seen`` is the time of the last commit from it, in Unix seconds."""

    id: str
    last_n: int
    host: str | None
    seen: float


class HistoryPage(NamedTuple):
    """The newest events up to an offset, oldest first; the next page is up to ``older``, or 0: none is."""

    events: list[StoredEvent]
    older: int


class CellLocation(NamedTuple):
    """Where a task was started, as reported by its producer: the notebook's file and the cell's id."""

    notebook: str | None
    cell: str | None

    @property
    def spot(self) -> tuple[str, str]:
        """Cell and notebook, by which locations are ordered."""
        return self.cell or "", self.notebook or ""


NOWHERE = CellLocation(None, None)


class TaskIds(NamedTuple):
    """Ids of tasks, newest first. ``before``: where to go on with the same query; ``None`` when done."""

    ids: list[str]
    before: str | None


class Journal(Records, Protocol):
    """A durable log, with small records beside it.

    ``epoch`` identifies this incarnation of the log: a cursor is valid in its own epoch only.
    """

    epoch: str
    head: int
    """The largest offset ever allocated; gaps below it are normal."""

    def append(self, work: Sequence[Batch | HolderEvent], now: float) -> list[AppendResult]:
        """Commit everything in *work* in one transaction; all or nothing.

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
        upto: int | None = None,
    ) -> list[StoredEvent]:
        """Return at most *limit* events (and about *size* bytes) after offset *after*, oldest first.

        None is behind *upto*, which bounds how many are scanned for rare *types*.
        """

    def joined(self, task: str, after: int, limit: int, types: Collection[str], longest: int) -> JoinedPage:
        """Return those of a task's next *limit* events that are of *types*, unless longer than *longest*."""

    def scan_end(self, after: int, limit: int) -> int:
        """Return the offset of the *limit*-th event after *after*; the head when there are fewer.

        A cursor may stand at an event, but not anywhere in a gap: some are of events that a kill has lost.
        """

    def tail(
        self, task: str, count: int, types: Collection[str], *, scan_limit: int | None = None
    ) -> list[StoredEvent]:
        """Return the last *count* events of one task that are of *types*, oldest first.

        At most the last *scan_limit* events of the task are looked through, if that is given.
        """

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
        """Return the newest *limit* events (and about *size* bytes) of one task up to and including *upto*.

        With *types* at most *scan_limit* events are scanned: the page may be shorter, or empty, although
        older events exist.
        """

    def task(self, task_id: str) -> Task | None:
        """Return a copy of the task as folded so far, or ``None``."""

    def task_ids(
        self,
        query: TaskQuery = NEWEST_TASKS,
        *,
        producer: str | None = None,
        locations: Collection[CellLocation] | None = None,
        scan_limit: int = SCAN_LIMIT,
    ) -> TaskIds:
        """Return the ids of the tasks that `tasks` returns, as far as a scan of *scan_limit* rows comes."""

    def tasks_of(self, ids: Collection[str]) -> list[Task]:
        """Return the tasks with these ids, in their order, without those that are gone."""

    def tasks(
        self,
        query: TaskQuery = NEWEST_TASKS,
        *,
        producer: str | None = None,
        locations: Collection[CellLocation] | None = None,
    ) -> list[Task]:
        """Return the tasks that fit *query*, newest first by id, queued by *producer*, in *locations*."""

    def cell_locations(
        self, cells: Collection[str] | None = None, *, after: CellLocation = NOWHERE, limit: int | None = None
    ) -> list[CellLocation]:
        """Return every location in which a task was last queued, once; of *cells* if given, in any order.

        Else those that follow *after*, by cell and notebook: at most *limit*.
        """

    def open_tasks(
        self, *, producer: str | None = None, after: str = "", limit: int | None = None
    ) -> list[Task]:
        """Return the tasks whose present attempt has not ended, oldest first by id.

        At most *limit* of those with ids greater than *after*, and only those of *producer* if given.
        """

    def owners(self, task_id: str, attempt: int) -> tuple[str, ...]:
        """Return the producers that may publish for this attempt; empty when it is unknown."""

    def producer(self, producer: str) -> ProducerRow | None:
        """Return what is known of a producer, or ``None``."""

    def pending(self, producer: str) -> list[PendingCommand]:
        """Return the commands for tasks of *producer* that it has not handled, oldest first."""

    def handled(self, offset: int) -> None:
        """Record that the command at *offset* was handled. Idempotent."""

    def recoverable(self, after: int, tasks: Collection[str] | None) -> bool:
        """Return True if every event after *after* of *tasks* (``None``: all) is still stored."""

    def forget(self, task_ids: Iterable[str]) -> None:
        """Delete tasks. Late events of theirs are acknowledged, and not stored.

        Of their events, those that are too many for one transaction are left to `purge`.
        """

    def purge(self, limit: int) -> bool:
        """Delete at most *limit* events of forgotten tasks; return True if more are left."""

    def ended(self, after: int, upto: int, limit: int) -> list[tuple[int, str]]:
        """Return the first *limit* tasks whose end lies in ``(after, upto]``, each after its end's offset."""

    def index_older(self, limit: int) -> bool:
        """Let `task_ids` and `ended` know *limit* more tasks of before; return True if any are left.

        For journals that an older version has written. Until it is done, `ended` does not know them all.
        """

    def check_index(self, limit: int) -> bool:
        """Check that *limit* more events are found by their task; return True if any are left to check.

        Those that were stored before it was opened are checked once. What is wrong is mended and told.
        """

    def size(self) -> int:
        """Return the bytes in use."""

    def producers(self, after: str = "", limit: int | None = None) -> list[ProducerRow]:
        """Return every producer ever seen, by id: at most *limit* of those greater than *after*."""

    def pending_offsets(self) -> set[int]:
        """Return the offsets of all commands that were not handled."""

    def close(self) -> None:
        """Release everything. Idempotent."""
