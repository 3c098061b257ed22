"""The holder without its thread, and a user's folder as one object."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, cast

from jupyter_agent.core.events import decode_data, decode_event
from jupyter_agent.core.ids import ulid
from jupyter_agent.journal.base import AppendResult, Batch, BatchOrigin, HolderEvent, StoredEvent
from jupyter_agent.journal.health import JournalHealth
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.job_queue import JobQueue
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.operations import journal_merge, spool_recovery
from jupyter_agent.journal.operations.interruption import interrupt, open_tasks_of
from jupyter_agent.journal.session import JournalSession, Urgency
from jupyter_agent.journal.sqlite.errors import CorruptJournal
from jupyter_agent.system.host import host
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import DEFAULT

from .bugs import Bug
from .loop import Killed
from .oracle import Oracle
from .spools import ModelSpool

if TYPE_CHECKING:
    from .servers import ModelServer


class WatchedJournal(MemoryJournal):
    """Tells the oracle what is committed and forgotten, and keeps time by the model's clock."""

    def __init__(self, home: Home) -> None:
        super().__init__("", home.new_epoch())
        self.home = home
        self.home.oracle.begin(self.epoch)

    def opened_by(self, holder: str) -> None:
        self._holder = holder
        self.home.oracle.holders.add(holder)

    def append(self, work: Sequence[Batch | HolderEvent], now: float) -> list[AppendResult]:
        if self.home.bug is Bug.DOUBLE_DRAIN:
            self._know_nothing_of_spools(work)
        answers = super().append(work, self.home.now())
        if self.home.bug is Bug.ATTEMPT_IGNORED:
            self._fold_whatever(answers)
        self.home.oracle.hear(self, work, answers)
        return answers

    def recoverable(self, after: int, tasks: Collection[str] | None) -> bool:
        return self.home.bug is Bug.DEAF_TO_RETENTION or super().recoverable(after, tasks)

    def _know_nothing_of_spools(self, work: Sequence[Batch | HolderEvent]) -> None:
        for item in work:
            if isinstance(item, Batch) and item.origin is BatchOrigin.SPOOLED:
                self._producers.pop(item.producer, None)

    def _fold_whatever(self, answers: list[AppendResult]) -> None:
        for event in (decode_event(stored.encoded) for answer in answers for stored in answer.stored):
            data = decode_data(event)
            if data is not None and event.attempt < self._tasks[event.task].attempt:
                self._tasks[event.task]._apply_data(event, data)

    def overwritten(self) -> None:
        """No other program writes into it."""

    def forget(self, task_ids: Any) -> None:
        gone = list(task_ids)
        super().forget(gone)
        self.home.oracle.forgotten(self, gone)


@dataclass(eq=False, slots=True)
class ModelSlot:
    """Stands for a folder in ``journals/``: its journal file and who has its lock."""

    name: str
    journal: WatchedJournal
    holder: ModelServer | None = None


@dataclass(eq=False)
class Home:
    """Stands for everything on disk: slots and spools. ``trip`` lets a coming append fail or kill."""

    oracle: Oracle
    now: Callable[[], float]
    bug: Bug | None = None
    slots: dict[str, ModelSlot] = field(default_factory=dict)
    spools: dict[str, ModelSpool] = field(default_factory=dict)
    trip: tuple[int, type[BaseException]] | None = None
    epochs: int = 0
    ids: int = 0

    def new_epoch(self) -> str:
        self.epochs += 1
        return f"e{self.epochs}"

    def new_id(self) -> str:
        self.ids += 1
        return ulid(1_700_000_000.0 + self.ids, b"model.....")

    def slot(self, name: str) -> ModelSlot:
        if name not in self.slots:
            self.slots[name] = ModelSlot(name, WatchedJournal(self))
        return self.slots[name]

    def stumble(self) -> None:
        """Fail here if it is time for that."""
        if self.trip is None:
            return
        left, kind = self.trip
        self.trip = (left - 1, kind) if left else None
        if not left:
            raise kind("the disk is full")

    def own_spools(self, slot: str, *, anywhere: bool = False) -> list[ModelSpool]:
        """As `spool_recovery` finds them: this machine's, of this slot or of one that is no more."""
        return [
            spool
            for _, spool in sorted(self.spools.items())
            if (anywhere or spool.header.host == host())
            and (spool.header.journal == slot or (slot == DEFAULT and spool.header.journal not in self.slots))
        ]


class HandSession(JournalSession):
    """A session in which things go wrong."""

    def __init__(
        self, journal: WatchedJournal, announce: Callable[[list[StoredEvent], float], None], *between: Any
    ) -> None:
        super().__init__(journal, announce, *between)
        self.home = journal.home

    def append(self, *work: Batch | HolderEvent) -> list[AppendResult]:
        self.home.stumble()
        return super().append(*work)


class HandHolder(Holder):
    """The real queue, grouping and error handling; `work` is what its thread would do."""

    def __init__(
        self,
        slot: ModelSlot,
        home: Home,
        on_commit: Callable[[list[StoredEvent], float], None],
        on_epoch: Callable[[int], None],
    ) -> None:
        self.slot = slot  # type: ignore[assignment]
        self.home = home
        self.id = home.new_id()
        self.health = JournalHealth()
        self.health._log_again_at = self.health._probe_at = float("inf")
        self._on_commit = on_commit
        self._on_epoch = on_epoch
        self._dead_producers = set()
        self._kill_outcomes = {}
        self._queue = JobQueue()
        self._corrupt = None
        self._displaced = None
        self._check_place_at = float("inf")
        self.spoiled = False
        self._use(slot.journal)

    def _use(self, journal: WatchedJournal) -> JournalSession:
        journal.opened_by(self.id)
        self._journal = cast(Any, journal)
        self.session: JournalSession = HandSession(
            journal, self._on_commit, partial(self._run_above, Urgency.RECOVERY)
        )
        self.session.dead_producers = self._dead_producers
        return self.session

    @property
    def waiting(self) -> int:
        """How many jobs and appends wait."""
        return len(self._queue)

    def work(self) -> bool:
        """One job, or one transaction; false when nothing waits."""
        group = self._queue.take()
        if not group:
            return False
        work, future = group[0]
        if self.spoiled:
            self.spoiled = False
            self._spoil(group)
        elif callable(work):
            self.session = self._call(self.session, work, future)
        else:
            self.session = self._commit(self.session, group)
        self._die_if_killed(group)
        self.home.oracle.speak()
        return True

    def close(self) -> None:
        while self.work():
            pass
        self._queue.close()

    def _spoil(self, group: list[Any]) -> None:
        """What the holder does when SQLite says that the file is damaged."""
        error = CorruptJournal("the file is damaged")
        self.session = self._replace(error)
        for _, future in group:
            future.set_exception(error)

    def _replace(self, error: CorruptJournal) -> JournalSession:
        slot = cast(ModelSlot, self.slot)
        slot.journal = WatchedJournal(self.home)
        session = self._use(slot.journal)
        self._on_epoch(slot.journal.head)
        return session

    def _die_if_killed(self, group: list[tuple[Any, Future[Any]]]) -> None:
        for _, future in group:
            error = future.exception() if future.done() and not future.cancelled() else None
            if isinstance(error, Killed):
                raise error


class _Nothing:
    """A folder that is not there."""

    def is_dir(self) -> bool:
        return False


class FakePaths:
    """A user's folders, without result files and detached tasks."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.results = self.checkpoints = _Nothing()
        self.calls = self.orders = self.workers = Path("a-folder-that-is-not-there")


def paths_of(home: Home) -> DataPaths:
    return cast(DataPaths, FakePaths(home))


def has_spool(paths: DataPaths, producer: str) -> bool:
    """Stands for `interruption._has_spool`."""
    return producer in cast(FakePaths, paths).home.spools


def recover_all(session: JournalSession, paths: DataPaths, slot: str) -> int:
    """Stands for `recovery.recover_all`, which finds folders and locks; reading, merging, interrupting are
    the real ones, in chunks, and may be cut short at any append."""
    home = cast(FakePaths, paths).home
    taken = _merge_journals(session, home) if slot == DEFAULT else 0
    for spool in home.own_spools(slot):
        if not spool.locked or home.bug is Bug.DOUBLE_DRAIN:
            recover_spool(session, home, spool)
            taken += 1
    return taken


def read_spools_of(session: JournalSession, paths: DataPaths, slot: str, task_ids: Collection[str]) -> None:
    """Stands for `spool_recovery.read_spools_of`, which finds folders; appending is the real one."""
    for spool in cast(FakePaths, paths).home.own_spools(slot, anywhere=True):
        records = spool.records()
        if any(task_id.encode() in body for _, body in records for task_id in task_ids):
            good = spool_recovery._up_to_first_hole(records)
            spool_recovery._append(session, spool.header, good, cast(Any, PurePath(spool.producer)))
        session.yield_to_others()


def _merge_journals(session: JournalSession, home: Home) -> int:
    others = [one for name, one in sorted(home.slots.items()) if name != DEFAULT and one.holder is None]
    for other in others:
        journal_merge._merge(session, other.journal)
        del home.slots[other.name]
    return len(others)


def recover_spool(session: JournalSession, home: Home, spool: ModelSpool) -> None:
    """As `spool_recovery` does under the spool's lock: append, interrupt what is open, delete."""
    spool_recovery._append(session, spool.header, spool.records(), cast(Any, PurePath(spool.producer)))
    for tasks in open_tasks_of(session, spool.producer):
        interrupt(session, tasks)
    if not spool.locked:
        del home.spools[spool.producer]
