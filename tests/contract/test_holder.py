"""The holder, slots and recovery: real files, real locks, real processes."""

from __future__ import annotations

import errno
import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest

from jupyter_agent.core.events import (
    About,
    Command,
    Event,
    Log,
    Lost,
    State,
    TaskState,
    decode_data,
    decode_event,
)
from jupyter_agent.detached.work_queue import WorkItem, enqueue_work_item, withdraw_work_item
from jupyter_agent.errors import JournalError, JournalHeld
from jupyter_agent.journal import health as health_module
from jupyter_agent.journal import holder as holder_module
from jupyter_agent.journal import place
from jupyter_agent.journal.base import AppendResult, Batch, HolderEvent, StoredEvent
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.observed_time import Look, ObservedTime
from jupyter_agent.journal.operations import journal_merge, pace, spool_recovery
from jupyter_agent.journal.operations.interruption import Leases, interrupt_orphans
from jupyter_agent.journal.operations.pace import FIRST_STEP
from jupyter_agent.journal.operations.recovery import recover_all
from jupyter_agent.journal.operations.retention import DAY, Retention, observe, prune
from jupyter_agent.journal.operations.spool_recovery import CHUNK, read_live_spools, recover_spools
from jupyter_agent.journal.session import JournalSession, PreemptibleJob, Urgency
from jupyter_agent.journal.slots import (
    Slot,
    existing_slots,
    holder_of,
    take_server_slot,
    take_slot_briefly,
    try_slot,
)
from jupyter_agent.journal.sqlite.errors import CorruptJournal, JournalUnavailable
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.journal.transaction import Transaction
from jupyter_agent.producer.segment import Segment
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import Header, header_for, read_spool, spool_records
from jupyter_agent.system.host import host
from jupyter_agent.system.locks import FileLock
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import HolderFile, read_holder
from tests.support.builders import (
    OTHER_TASK,
    PRODUCER,
    STRANGER,
    TASK,
    Origin,
    event,
    python,
    state,
    story,
    task_id,
    until,
)
from tests.support.detached import work_item

QUEUED, RUNNING, INTERRUPTED = TaskState.QUEUED, TaskState.RUNNING, TaskState.INTERRUPTED
RUN_OUT = Leases(0.0)
SERVER = HolderFile("server", os.getpid(), host(), "http://127.0.0.1:1/", "key")


@pytest.fixture
def slot(paths: DataPaths) -> Slot:
    slot = try_slot(paths, "default")
    assert slot is not None
    return slot


@pytest.fixture
def holder(slot: Slot) -> Iterator[Holder]:
    with Holder(slot) as holder:
        yield holder


def everything(holder: Holder) -> list[Event]:
    return holder.call(
        lambda session: [decode_event(s.encoded) for s in session.journal.read(0, 10**6)]
    ).result(20)


def facts(holder: Holder) -> list[tuple[str, int]]:
    return [(e.producer, e.n) for e in everything(holder)]


def batch(first: int, last: int, *, producer: str = PRODUCER, task: str = TASK) -> Batch:
    events = [event(n, producer=producer, task=task) for n in range(first, last + 1)]
    return Batch(producer, 1, events)


def put(holder: Holder, *work: Batch | HolderEvent) -> list[AppendResult]:
    return [future.result(20) for future in [holder.append(item) for item in work]]


class Gate:
    """Keeps the journal's thread busy until it is opened."""

    def __init__(self, holder: Holder) -> None:
        self._open = threading.Event()
        self._entered = threading.Event()
        self.future = holder.call(self._wait)
        assert self._entered.wait(20)

    def _wait(self, session: JournalSession) -> None:
        self._entered.set()
        assert self._open.wait(20)

    def open(self) -> None:
        self._open.set()
        self.future.result(20)


class TestCommitting:
    def test_what_waits_together_is_committed_together_and_in_order(self, slot: Slot) -> None:
        commits: list[int] = []
        with Holder(slot, on_commit=lambda stored, seconds: commits.append(len(stored))) as holder:
            gate = Gate(holder)
            futures = [holder.append(batch(n, n)) for n in range(1, 51)]
            gate.open()
            assert [future.result(20).upto for future in futures] == list(range(1, 51))
            assert [n for _, n in facts(holder)] == list(range(1, 51))
        assert commits == [50]

    def test_a_job_sees_what_was_put_before_it_and_nothing_after(self, holder: Holder) -> None:
        gate = Gate(holder)
        holder.append(batch(1, 3))
        head = holder.call(lambda session: session.journal.head)
        holder.append(batch(4, 9))
        last = holder.call(lambda session: session.journal.head)
        gate.open()
        assert (head.result(20), last.result(20)) == (3, 9)

    def test_a_future_is_done_only_after_the_commit(self, holder: Holder, slot: Slot) -> None:
        seen: list[bool] = []
        journal = holder._journal
        assert isinstance(journal, SQLiteJournal)
        real = journal._write

        def write(transaction: Transaction) -> None:
            seen.append(future.done())
            real(transaction)
            seen.append(future.done())

        journal._write = write  # type: ignore[method-assign]
        gate = Gate(holder)
        future = holder.append(batch(1, 3))
        gate.open()
        future.result(20)
        assert seen == [False, False]

    def test_listeners_hear_of_a_commit_before_the_futures_do(self, slot: Slot) -> None:
        order: list[str] = []
        with Holder(slot, on_commit=lambda stored, seconds: order.append("commit")) as holder:
            gate = Gate(holder)
            holder.append(batch(1, 3)).add_done_callback(lambda done: order.append("future"))
            gate.open()
            holder.call(lambda session: None).result(20)
        assert order == ["commit", "future"]

    def test_a_job_that_raises_tells_only_its_caller(self, holder: Holder) -> None:
        def fail(session: JournalSession) -> None:
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            holder.call(fail).result(20)
        assert put(holder, batch(1, 2))[0].upto == 2

    def test_a_batch_that_cannot_be_taken_fails_alone(
        self, holder: Holder, caplog: pytest.LogCaptureFixture
    ) -> None:
        poison = Batch(STRANGER, 1, [object()])  # type: ignore[list-item]
        gate = Gate(holder)
        futures: list[Future[AppendResult]] = [
            holder.append(item) for item in (batch(1, 2), poison, batch(3, 4))
        ]
        gate.open()
        assert futures[0].result(20).upto == 2
        assert futures[2].result(20).upto == 4
        with pytest.raises(AttributeError):
            futures[1].result(20)
        assert caplog.text.count("a batch could not be stored") == 1
        assert [n for _, n in facts(holder)] == [1, 2, 3, 4]

    def test_a_listener_that_fails_does_not_make_it_uncommitted(
        self, slot: Slot, caplog: pytest.LogCaptureFixture
    ) -> None:
        def deaf(stored: list[StoredEvent], seconds: float) -> None:
            raise RuntimeError("deaf")

        with Holder(slot, on_commit=deaf) as holder:
            gate = Gate(holder)
            futures = [
                holder.append(w) for w in (batch(1, 2), HolderEvent(TASK, 1, "command", Command("cancel")))
            ]
            gate.open()
            assert [len(future.result(20).stored) for future in futures] == [2, 1]
            assert len(facts(holder)) == 3
        assert "the commit listener failed" in caplog.text

    def test_a_future_cancelled_in_the_queue_does_not_fail_the_others(self, holder: Holder) -> None:
        gate = Gate(holder)
        futures = [holder.append(batch(n, n)) for n in range(1, 4)]
        job = holder.call(lambda session: session.journal.head)
        assert futures[2].cancel()
        assert job.cancel()
        gate.open()
        assert [future.result(20).upto for future in futures[:2]] == [1, 2]
        assert put(holder, batch(3, 3))[0].upto == 3

    def test_one_whose_turn_it_is_can_no_longer_leave(self, holder: Holder) -> None:
        gate = Gate(holder)
        assert not gate.future.cancel()
        gate.open()


class TestBreathing:
    def test_what_waits_is_served_in_the_middle_of_a_long_job(self, holder: Holder) -> None:
        gate = Gate(holder)
        heads: list[int] = []

        def job(session: JournalSession) -> None:
            for _ in range(2):
                heads.append(session.journal.head)
                session.yield_to_others()
            heads.append(session.journal.head)

        long = holder.call(PreemptibleJob(job))
        appended = holder.append(batch(1, 3))
        seen = holder.call(lambda session: session.journal.head)
        gate.open()
        long.result(20)
        assert heads == [0, 3, 3]
        assert (appended.result(20).upto, seen.result(20)) == (3, 3)

    def test_one_long_job_waits_for_the_other(self, holder: Holder) -> None:
        gate, order = Gate(holder), list[str]()

        def job(name: str) -> PreemptibleJob[None]:
            def work(session: JournalSession) -> None:
                order.append(f"{name} begins")
                session.yield_to_others()
                order.append(f"{name} ends")

            return PreemptibleJob(work)

        jobs = [holder.call(job(name)) for name in ("first", "second")]
        gate.open()
        for future in jobs:
            future.result(20)
        assert order == ["first begins", "first ends", "second begins", "second ends"]

    def test_what_waits_behind_another_long_job_is_served_in_the_middle_of_the_first(
        self, holder: Holder
    ) -> None:
        gate, order = Gate(holder), list[str]()

        def long(name: str) -> PreemptibleJob[None]:
            def work(session: JournalSession) -> None:
                for _ in range(3):
                    order.append(name)
                    session.yield_to_others()

            return PreemptibleJob(work)

        jobs = [holder.call(long("first")), holder.call(long("second"))]
        jobs += [holder.call(lambda session: order.append("request"))]
        jobs += [holder.call(long("third")), holder.call(lambda session: order.append("late"))]
        gate.open()
        for future in jobs:
            future.result(20)
        assert order[:5] == ["first", "request", "late", "first", "first"]
        assert order[5:] == ["second"] * 3 + ["third"] * 3

    def test_recovery_and_requests_run_in_the_middle_of_upkeep_and_requests_in_the_middle_of_both(
        self, holder: Holder
    ) -> None:
        gate, order = Gate(holder), list[str]()

        def long(name: str, urgency: Urgency) -> PreemptibleJob[None]:
            def work(session: JournalSession) -> None:
                for number in range(2):
                    order.append(f"{name} {number}")
                    session.yield_to_others()

            return PreemptibleJob(work, urgency)

        def ask(session: JournalSession) -> None:
            order.append("request")

        def recovery(session: JournalSession) -> None:
            jobs.append(holder.call(ask))
            long("recovery", Urgency.RECOVERY)(session)

        jobs: list[Future[None]] = [holder.call(long("upkeep", Urgency.UPKEEP))]
        jobs += [holder.call(long("more", Urgency.UPKEEP)), holder.call(PreemptibleJob(recovery))]
        gate.open()
        for future in jobs:
            future.result(20)
        jobs[-1].result(20)
        assert order == [
            *("upkeep 0", "recovery 0", "request", "recovery 1", "upkeep 1"),
            *("more 0", "more 1"),
        ]

    def test_a_lookup_for_a_request_runs_in_the_middle_of_a_recovery(self, holder: Holder) -> None:
        """It looks through the spools for an id; a recovery may take minutes."""
        gate, order = Gate(holder), list[str]()

        def recovery(session: JournalSession) -> None:
            for number in range(2):
                order.append(f"recovery {number}")
                session.yield_to_others()

        def lookup(session: JournalSession) -> None:
            order.append("lookup")

        jobs = [holder.call(PreemptibleJob(recovery))]
        jobs += [holder.call(PreemptibleJob(lookup, Urgency.LOOKUP))]
        gate.open()
        for future in jobs:
            future.result(20)
        assert order == ["recovery 0", "lookup", "recovery 1"]

    def test_files_deleted_in_the_middle_of_a_long_job_are_noticed(self, holder: Holder) -> None:
        """It may take minutes, in which everything that is acknowledged would be lost."""
        put(holder, batch(1, 3))

        def job(session: JournalSession) -> None:
            holder.slot.file.unlink()
            holder._check_place_at = 0.0  # it is time to look again
            session.yield_to_others()

        with pytest.raises(JournalError, match="replaced in the middle"):
            holder.call(PreemptibleJob(job, Urgency.UPKEEP)).result(20)
        assert holder.slot.file.exists()
        assert put(holder, batch(4, 4))[0].upto == 4
        assert [n for _, n in facts(holder)] == [1, 2, 3, 4]

    def test_a_job_served_in_a_breath_has_none_of_its_own(self, holder: Holder) -> None:
        gate = Gate(holder)
        holder.append(batch(1, 3))

        def job(session: JournalSession) -> int:
            session.yield_to_others()
            return session.journal.head

        inner = holder.call(PreemptibleJob(lambda session: session.yield_to_others()))
        head = holder.call(job)
        holder.append(batch(4, 5))
        gate.open()
        inner.result(20)
        assert head.result(20) == 3

    def test_a_journal_replaced_meanwhile_ends_the_long_job_and_no_other(self, holder: Holder) -> None:
        gate = Gate(holder)

        def damaged(session: JournalSession) -> None:
            raise CorruptJournal("made so")

        long = holder.call(PreemptibleJob(lambda session: session.yield_to_others()))
        holder.call(damaged)
        gate.open()
        with pytest.raises(JournalError, match="replaced"):
            long.result(20)
        assert put(holder, batch(1, 3))[0].upto == 3
        assert [n for _, n in facts(holder)] == [1, 2, 3]

    def test_a_spool_is_recovered_while_others_are_committed(self, holder: Holder, paths: DataPaths) -> None:
        lines = 2 * CHUNK + 10
        spool = Spool.create(paths, header_for(STRANGER, "default", 1.0))
        for _ in range(lines):
            spool.append(TASK, 1, "log", Log("stdout", "x"))
        spool._segments.close()
        spool._held.release()
        gate = Gate(holder)
        taking = holder.call(PreemptibleJob(lambda session: recover_spools(session, paths, "default")))
        other = "01BX5ZZKBKACTAV9WEVGEMMVT9"
        holder.append(batch(1, 3, task=other))
        gate.open()
        assert taking.result(20) == 1
        positions_of_other = [at for at, (who, _) in enumerate(facts(holder)) if who == PRODUCER]
        assert positions_of_other == [FIRST_STEP, FIRST_STEP + 1, FIRST_STEP + 2]


class TestClosing:
    def test_what_was_put_is_finished_first(self, holder: Holder, paths: DataPaths) -> None:
        gate = Gate(holder)
        future = holder.append(batch(1, 5))
        closer = threading.Thread(target=holder.close)
        closer.start()
        until(lambda: holder._queue._is_closed)
        refused = holder.append(batch(6, 6))
        gate.open()
        closer.join(20)
        assert future.result(0).upto == 5
        with pytest.raises(JournalError, match="the journal is closed"):
            refused.result(0)
        again = try_slot(paths, "default")
        assert again is not None, "the slot is free"
        with Holder(again) as second:
            assert len(facts(second)) == 5

    def test_long_jobs_end_where_they_yield_next_or_do_not_begin(self, holder: Holder) -> None:
        gate, slices = Gate(holder), list[int]()

        def endless(session: JournalSession) -> None:
            while True:
                slices.append(len(slices))
                session.yield_to_others()
                if len(slices) == 1:
                    closer.start()
                    until(lambda: holder._queue.is_closed)

        closer = threading.Thread(target=holder.close)
        first, second = (holder.call(PreemptibleJob(endless)) for _ in range(2))
        request = holder.append(batch(1, 5))
        gate.open()
        for future in (first, second):
            with pytest.raises(JournalError, match="closed"):
                future.result(20)
        closer.join(20)
        assert slices == [0, 1]
        assert request.result(0).upto == 5

    def test_again_is_nothing(self, holder: Holder) -> None:
        holder.close()
        holder.close()
        with pytest.raises(JournalError):
            holder.call(lambda session: None).result(0)

    def test_the_address_is_taken_back(self, holder: Holder, paths: DataPaths) -> None:
        holder.slot.announce(SERVER)
        assert holder_of(paths, "default") == SERVER
        holder.close()
        assert holder_of(paths, "default") is None
        assert read_holder(paths.journals / "default") is None


class TestTrouble:
    def test_a_full_disk_is_told_once_and_ends_when_there_is_room(
        self, holder: Holder, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert put(holder, batch(1, 2))[0].upto == 2
        limit = holder.call(_limit_pages).result(20)
        big = Batch(PRODUCER, 1, [event(3, "log", Log("stdout", "x" * 200_000))])
        for _ in range(3):
            with pytest.raises(JournalError, match="cannot be used: database or disk is full"):
                put(holder, big)
        trouble = holder.health.trouble
        assert trouble is not None
        assert caplog.text.count("events cannot be stored and stay in their spools") == 1
        holder.call(lambda session: _limit_pages(session, limit)).result(20)
        assert put(holder, big)[0].upto == 3
        assert holder.health.trouble is None
        assert [n for _, n in facts(holder)] == [1, 2, 3]

    def test_a_job_that_cannot_store_is_trouble_too_until_one_can(self, holder: Holder) -> None:
        """Recovery of a spool appends in a job, and may be the only one to append."""
        put(holder, batch(1, 2))
        limit = holder.call(_limit_pages).result(20)
        big = Batch(PRODUCER, 1, [event(3, "log", Log("stdout", "x" * 200_000))])
        with pytest.raises(JournalError, match="disk is full"):
            holder.call(lambda session: session.append(big)).result(20)
        assert "disk is full" in (holder.health.trouble or "")
        holder.call(lambda session: session.journal.head).result(20)
        assert holder.health.trouble, "reading proves nothing"
        holder.call(lambda session: _limit_pages(session, limit)).result(20)
        holder.call(lambda session: session.append(big)).result(20)
        assert holder.health.trouble is None

    def test_a_batch_of_which_nothing_is_written_does_not_end_it(self, holder: Holder) -> None:
        """Of batches in flight, the first is refused, and the others are gaps then."""
        put(holder, batch(1, 2))
        holder.call(_limit_pages).result(20)
        with pytest.raises(JournalError, match="disk is full"):
            put(holder, Batch(PRODUCER, 1, [event(3, "log", Log("stdout", "x" * 200_000))]))
        assert put(holder, Batch(PRODUCER, 1, [event(4)]))[0].expected == 3
        assert holder.health.trouble

    def test_it_ends_when_there_is_room_even_if_nothing_waits_to_be_stored(
        self, holder: Holder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(health_module, "PROBE_INTERVAL", 0.0)
        put(holder, batch(1, 2))
        real = SQLiteJournal.probe
        monkeypatch.setattr(SQLiteJournal, "probe", _no_room)
        with pytest.raises(JournalError):
            holder.call(lambda session: _no_room(session.journal)).result(20)
        holder.call(lambda session: None).result(20)
        assert holder.health.trouble == "the disk is full"
        monkeypatch.setattr(SQLiteJournal, "probe", real)
        holder.call(lambda session: None).result(20)
        assert holder.health.trouble is None

    def test_a_write_that_failed_leaves_nothing_half_done(self, holder: Holder) -> None:
        put(holder, *[Batch(PRODUCER, 1, story(end=False))])
        limit = holder.call(_limit_pages).result(20)
        work = Batch(
            PRODUCER, 1, [event(6, "log", Log("stdout", "x" * 200_000)), state(7, TaskState.COMPLETED)]
        )
        with pytest.raises(JournalError):
            put(holder, work)
        holder.call(lambda session: _limit_pages(session, limit)).result(20)
        task = holder.call(lambda session: session.journal.task(TASK)).result(20)
        assert task is not None
        assert (task.state, task.events) == (RUNNING, 5)
        assert put(holder, work)[0].upto == 7
        task = holder.call(lambda session: session.journal.task(TASK)).result(20)
        assert task is not None
        assert (task.state, task.events) == (TaskState.COMPLETED, 7), "folded once, not twice"

    @pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
    def test_a_damaged_file_is_moved_aside_and_a_new_epoch_begins(
        self, slot: Slot, content: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        slot.file.write_bytes(content)
        with Holder(slot) as holder:
            assert put(holder, batch(1, 2))[0].upto == 2
            (told,) = holder.health.notices
        assert "it was moved aside" in told
        (aside,) = slot.folder.glob("*.corrupt-*")
        assert aside.read_bytes() == content
        assert "moved aside" in caplog.text

    def test_a_file_whose_schema_is_no_version_is_moved_aside(self, slot: Slot) -> None:
        journal = SQLiteJournal(slot.file, PRODUCER, "old")
        journal._db.execute("UPDATE meta SET value = 'x' WHERE key = 'schema'")
        journal.close()
        with Holder(slot) as holder:
            assert holder.epoch != "old"
            assert len(holder.health.notices) == 1

    def test_damage_found_while_open_starts_a_new_epoch_too(self, slot: Slot) -> None:
        epochs: list[str] = []

        def note_epoch(_head: int) -> None:
            epochs.append(opened.epoch)

        with Holder(slot, on_epoch=note_epoch) as opened:
            holder = opened
            put(holder, Batch(PRODUCER, 1, story(end=False)))
            first = holder.epoch
            holder.call(_break).result(20)
            with pytest.raises(JournalError, match="is damaged"):
                put(holder, batch(6, 6))
            assert epochs == [holder.epoch] != [first]
            answer = put(holder, Batch(PRODUCER, 6, [event(6)]))[0]
            assert answer.upto == 6, "the producer goes on where it can"
            lost = [decode_data(e) for e in everything(holder) if e.type == "lost"]
            assert [(one.first, one.last) for one in lost if isinstance(one, Lost)] == [(1, 5)]
            assert len(list(slot.folder.glob("*.corrupt-*"))) >= 1

    def test_what_looks_damaged_on_a_disk_that_fails_is_opened_again_and_not_moved_aside(
        self, slot: Slot
    ) -> None:
        """SQLite calls its file malformed after an I/O error; what is on the disk may be good."""

        def raising(error: JournalError) -> Callable[[JournalSession], None]:
            def job(_: JournalSession) -> None:
                raise error

            return job

        with Holder(slot) as holder:
            put(holder, Batch(PRODUCER, 1, story(end=False)))
            first = holder.epoch
            for error in (JournalUnavailable("disk I/O error"), CorruptJournal("malformed")):
                with pytest.raises(type(error)):
                    holder.call(raising(error)).result(20)
            assert put(holder, Batch(PRODUCER, 6, [event(6)]))[0].upto == 6
            assert (holder.epoch, holder.health.trouble, holder.health.notices) == (first, None, [])
            assert not list(slot.folder.glob("*.corrupt-*"))
            with pytest.raises(CorruptJournal):
                holder.call(raising(CorruptJournal("malformed"))).result(20)
            assert len(holder.health.notices) == 1, "on a disk that works it is damaged"
            assert holder.epoch != first

    def test_where_no_new_journal_can_be_started_it_tries_again(
        self, slot: Slot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Holder(slot) as holder:
            put(holder, batch(1, 2))
            real = place.move_aside

            def refuse(*_: object) -> str:
                raise OSError(errno.EROFS, "Read-only file system")

            for module in (place, holder_module):
                monkeypatch.setattr(module, "move_aside", refuse)
            holder.call(_break).result(20)
            for _ in range(3):
                with pytest.raises(JournalError):
                    put(holder, batch(3, 3))
            assert holder.health.trouble is not None
            assert "Read-only" in holder.health.trouble
            for module in (place, holder_module):
                monkeypatch.setattr(module, "move_aside", real)
            assert put(holder, Batch(PRODUCER, 3, [event(3)]))[0].upto == 3
            assert holder.health.trouble is None


def _no_room(_: object) -> None:
    raise JournalUnavailable("the disk is full")


def _limit_pages(session: JournalSession, limit: int | None = None) -> int:
    """Let the file grow no further (or up to *limit* pages); what the limit was before."""
    database = session.journal._db  # type: ignore[attr-defined]
    (before,) = database.execute("PRAGMA max_page_count").fetchone()
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={limit or pages}").fetchone()
    return int(before)


def _break(session: JournalSession) -> None:
    """What a bad disk does to an open journal, as far as SQLite tells it."""
    session.journal._db.execute("DROP TABLE events")  # type: ignore[attr-defined]


class TestSlots:
    def test_two_servers_get_default_and_default_2(self, paths: DataPaths) -> None:
        waits: list[float] = []

        def take() -> Slot:
            slot = take_server_slot(paths, lambda slot: slot, wait=waits.append)
            slot.announce(SERVER)
            return slot

        first, second, third = take(), take(), take()
        assert [slot.name for slot in (first, second, third)] == ["default", "default-2", "default-3"]
        assert waits == [], "a server is not waited for"
        second.release()
        assert take().name == "default-2"
        assert existing_slots(paths) == ["default", "default-2", "default-3"]

    def test_a_name_that_processes_of_a_merged_journal_still_have_is_not_given_to_a_new_one(
        self, paths: DataPaths
    ) -> None:
        def take() -> str:
            slot = take_server_slot(paths, lambda slot: slot)
            slot.announce(SERVER)
            return slot.name

        enqueue_work_item(paths, WorkItem(TASK, 1, PRODUCER, "default-2", 0.0))
        spool = Spool.create(paths, header_for(STRANGER, "default-3", 1.0))
        assert [take(), take(), take()] == ["default", "default-4", "default-5"]
        assert existing_slots(paths) == ["default", "default-4", "default-5"]
        withdraw_work_item(paths, PRODUCER)
        spool.close()
        assert take() == "default-2"

    def test_a_command_line_that_holds_it_for_one_job_is_waited_for(self, paths: DataPaths) -> None:
        moment = take_slot_briefly(paths)
        assert holder_of(paths, "default") is not None
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                moment.release()

        assert take_server_slot(paths, lambda slot: slot, wait=wait).name == "default"
        assert len(waits) == 3

    def test_one_that_has_not_said_yet_what_it_is_is_waited_for_a_little(self, paths: DataPaths) -> None:
        unsaid = try_slot(paths, "default")
        assert unsaid is not None
        assert take_server_slot(paths, lambda slot: slot, wait=lambda s: unsaid.release()).name == "default"

    def test_an_address_that_a_killed_server_left_does_not_speak_for_the_next(self, paths: DataPaths) -> None:
        dead = try_slot(paths, "default")
        assert dead is not None
        dead.announce(SERVER)
        dead._lock.release()
        assert holder_of(paths, "default") is None
        next_ = try_slot(paths, "default")
        assert next_ is not None
        assert read_holder(paths.journals / "default") is None

    def test_patience_ends(self, paths: DataPaths) -> None:
        take_slot_briefly(paths)
        slot = take_server_slot(paths, lambda slot: slot, timeout=0.0, wait=lambda seconds: None)
        assert slot.name == "default-2"

    def test_a_slot_that_cannot_be_opened_is_passed_over_and_let_go(
        self, paths: DataPaths, caplog: pytest.LogCaptureFixture
    ) -> None:
        def open_slot(slot: Slot) -> Slot:
            if slot.name == "default":
                raise JournalError("a bad disk")
            return slot

        assert take_server_slot(paths, open_slot).name == "default-2"
        assert "default-2 is used instead: a bad disk" in caplog.text
        assert try_slot(paths, "default") is not None

    def test_when_none_can_be_had_the_reasons_are_told(self, paths: DataPaths) -> None:
        def open_slot(slot: Slot) -> Slot:
            raise JournalError(f"{slot.name} is bad")

        with pytest.raises(JournalError, match=r"^default is bad \(and so with 15 others\)$"):
            take_server_slot(paths, open_slot)

    def test_a_command_that_finds_it_held_is_told_by_whom(self, paths: DataPaths, slot: Slot) -> None:
        with pytest.raises(JournalHeld) as nameless:
            take_slot_briefly(paths)
        assert nameless.value.holder == {}
        slot.announce(SERVER)
        with pytest.raises(JournalHeld, match="is held by another process") as error:
            take_slot_briefly(paths)
        assert error.value.holder["url"] == SERVER.url

    def test_its_files_are_private(self, paths: DataPaths, slot: Slot) -> None:
        slot.announce(SERVER)
        assert slot.folder.stat().st_mode & 0o777 == 0o700
        assert (slot.folder / "holder.json").stat().st_mode & 0o777 == 0o600

    def test_a_folder_in_the_way_is_one_sentence(self, paths: DataPaths) -> None:
        paths.journals.write_text("in the way")
        with pytest.raises(JournalError, match=r"the journal folder .* cannot be used: Not a directory"):
            try_slot(paths, "default")


def spool_of(
    paths: DataPaths,
    events: list[Event],
    *,
    producer: str = PRODUCER,
    journal: str = "default",
    alive: bool = False,
    host_name: str | None = None,
) -> Path:
    """A spool with *events*, of a process that is dead or (held here) *alive*."""
    folder = paths.spools / producer
    folder.mkdir(parents=True, mode=0o700)
    header = header_for(producer, journal, 0.0)
    if host_name:
        header = Header(producer, journal, host_name, "another boot", 1, 0.0)
    (folder / "spool.json").write_bytes(msgspec.json.encode(header))
    half = max(1, len(events) // 2)
    for part in (events[:half], events[half:]):
        if part:
            segment = Segment(folder / f"{part[0].n:020d}.seg", part[0].n, 1 << 16)
            for one in part:
                assert segment.append(one.n, msgspec.json.encode(one))
            segment.close()
    lock = FileLock.acquire(folder / "lock")
    assert lock is not None
    if not alive:
        lock.release()
    return folder


def recover(holder: Holder, paths: DataPaths) -> int:
    return holder.call(lambda session: recover_all(session, paths, holder.slot.name)).result(20)


def free_journal(paths: DataPaths, name: str, *work: Batch | HolderEvent) -> None:
    """A journal that a server left, with what it had committed."""
    slot = try_slot(paths, name)
    assert slot is not None
    with Holder(slot) as holder:
        put(holder, *work)


class TestUnfinishedSpools:
    """A folder that is being made, which a clock must not call old."""

    def test_the_time_of_the_file_and_the_wall_clock_decide_nothing(self, paths: DataPaths) -> None:
        new = paths.spools / f".new-{PRODUCER}"
        new.mkdir(parents=True)
        os.utime(new, (0, 0))
        now = 1000.0
        for _ in range(3):
            spool_recovery._sweep_unfinished(paths.spools, lambda: now)
        assert new.exists()
        now += spool_recovery.UNFINISHED_TIMEOUT + 1
        spool_recovery._sweep_unfinished(paths.spools, lambda: now)
        assert not new.exists()

    def test_another_folder_of_the_same_name_is_new(self, paths: DataPaths, tmp_path: Path) -> None:
        new = paths.spools / f".new-{PRODUCER}"
        new.mkdir(parents=True)
        spool_recovery._sweep_unfinished(paths.spools, lambda: 0.0)
        new.rename(tmp_path / "away")
        new.mkdir()
        spool_recovery._sweep_unfinished(paths.spools, lambda: spool_recovery.UNFINISHED_TIMEOUT + 1)
        assert new.exists()


class TestRecovery:
    def test_a_large_spool_is_read_and_committed_piece_by_piece(
        self, holder: Holder, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A quarter of a gigabyte at once would keep everybody waiting for seconds."""
        read: list[int] = []

        def counted(folder: Path) -> Iterator[tuple[int, bytes]]:
            for record in spool_records(folder):
                read.append(record[0])
                yield record

        monkeypatch.setattr(spool_recovery, "spool_records", counted)
        monkeypatch.setattr(spool_recovery, "CHUNK_BYTES", 2000)
        monkeypatch.setattr(pace, "STEP_SECONDS", math.inf)  # a slow machine makes no smaller pieces
        spool = Spool.create(paths, header_for(STRANGER, "default", 1.0))
        spool.append(TASK, 1, "state", State(QUEUED, reason="x" * 1000))
        for _ in range(9):
            spool.append(TASK, 1, "log", Log("stdout", "x" * 1000))
        spool._segments.close()
        spool._held.release()
        seen: list[tuple[int, int]] = []

        def job(session: JournalSession) -> int:
            session._run_pending = lambda: seen.append((session.journal.head, len(read)))
            return recover_spools(session, paths, "default")

        assert holder.call(job).result(20) == 1
        assert seen[:4] == [(2, 4), (4, 6), (6, 8), (8, 10)], "commits and reads go together"

    def test_a_dead_ones_spool_is_stored_ended_and_deleted(self, holder: Holder, paths: DataPaths) -> None:
        spool_of(paths, story(logs=5, end=False))
        assert recover(holder, paths) == 1
        assert facts(holder) == [(PRODUCER, n) for n in range(1, 8)] + [(holder.id, 1)]
        task = holder.call(lambda session: session.journal.task(TASK)).result(20)
        assert task is not None
        assert task.state is INTERRUPTED
        assert decode_data(everything(holder)[-1]) == State(
            INTERRUPTED, reason="the process that ran it is gone"
        )
        assert list(paths.spools.iterdir()) == []
        assert recover(holder, paths) == 0

    def test_a_dead_workers_task_has_the_name_that_its_living_parent_gave_it(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        spool_of(paths, [state(1, QUEUED, about="train", delegate=STRANGER)], alive=True)
        ran = [state(1, RUNNING, producer=STRANGER), state(2, TaskState.COMPLETED, producer=STRANGER)]
        spool_of(paths, ran, producer=STRANGER)
        assert recover(holder, paths) == 1
        task = holder.call(lambda session: session.journal.task(TASK)).result(20)
        assert task is not None
        assert (task.name, task.state, task.producer) == ("train", TaskState.COMPLETED, STRANGER)
        assert [event.flag for event in everything(holder)] == [None] * 3

    @pytest.mark.parametrize("alive", [True, False])
    def test_what_a_dead_process_queued_for_a_pool_ends_as_the_pool_says(
        self, holder: Holder, paths: DataPaths, alive: bool
    ) -> None:
        queued = State(QUEUED, about=About("train", on="ProcessPoolExecutor"))
        spool_of(paths, [event(1, "state", queued)])
        ran = [state(1, RUNNING, producer=STRANGER, delegate=STRANGER), event(2, producer=STRANGER)]
        spool_of(paths, ran, producer=STRANGER, alive=alive)
        recover(holder, paths)
        states = [decode_data(event) for event in everything(holder) if event.type == "state"]
        found = [one.state for one in states if isinstance(one, State)]
        assert found == [QUEUED, RUNNING, *([] if alive else [INTERRUPTED])]

    def test_one_that_had_ended_is_not_interrupted(self, holder: Holder, paths: DataPaths) -> None:
        spool_of(paths, story())
        recover(holder, paths)
        assert [n for _, n in facts(holder)] == [1, 2, 3, 4, 5, 6]

    def test_what_was_committed_already_comes_once(self, holder: Holder, paths: DataPaths) -> None:
        put(holder, Batch(PRODUCER, 1, story()[:4]))
        spool_of(paths, story())
        recover(holder, paths)
        assert [n for _, n in facts(holder)] == [1, 2, 3, 4, 5, 6]

    def test_a_living_ones_spool_is_left(self, holder: Holder, paths: DataPaths) -> None:
        folder = spool_of(paths, story(end=False), alive=True)
        assert recover(holder, paths) == 0
        assert facts(holder) == []
        assert len(read_spool(folder)[1]) == 5

    def test_another_hosts_spool_is_never_judged(self, holder: Holder, paths: DataPaths) -> None:
        folder = spool_of(paths, story(end=False), host_name="elsewhere")
        assert recover(holder, paths) == 0
        holder.call(lambda session: read_live_spools(session, paths, "default")).result(20)
        assert facts(holder) == []
        assert folder.is_dir()

    def test_a_spool_belongs_to_its_journal_while_that_is_there(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        other = try_slot(paths, "default-2")
        assert other is not None
        spool_of(paths, story(end=False), journal="default-2")
        assert recover(holder, paths) == 0
        with Holder(other) as second:
            assert recover(second, paths) == 1
            assert len(facts(second)) == 6

    def test_when_its_journal_is_gone_the_default_one_takes_it(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        spool_of(paths, story(end=False), journal="default-7")
        assert recover(holder, paths) == 1

    def test_a_free_journal_is_merged_and_goes(self, holder: Holder, paths: DataPaths) -> None:
        free_journal(
            paths,
            "default-2",
            Batch(PRODUCER, 1, story(end=False)),
            HolderEvent(TASK, 1, "command", Command("cancel")),
            Batch(STRANGER, 1, story(task=OTHER_TASK, producer=STRANGER)),
        )
        spool_of(paths, [*story(end=False), event(6)], journal="default-2")
        assert recover(holder, paths) == 2
        mine = [n for producer, n in facts(holder) if producer == PRODUCER]
        assert mine == [1, 2, 3, 4, 5, 6]
        assert [n for producer, n in facts(holder) if producer == STRANGER] == [1, 2, 3, 4, 5, 6]
        assert not [e for e in everything(holder) if e.type == "lost"]
        assert existing_slots(paths) == ["default"]

    def test_commands_that_wait_in_a_merged_journal_still_wait(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        cancel = HolderEvent(TASK, 1, "command", Command("cancel"))
        slot = try_slot(paths, "default-2")
        assert slot is not None
        with Holder(slot) as second:
            put(second, Batch(PRODUCER, 1, story(end=False)), cancel, cancel)
            first = second.call(lambda session: session.journal.pending(PRODUCER)).result(20)[0].offset
            second.call(lambda session: session.journal.handled(first)).result(20)
        recover(holder, paths)
        assert len(holder.call(lambda session: session.journal.pending(PRODUCER)).result(20)) == 1

    def test_a_held_journal_is_left(self, holder: Holder, paths: DataPaths) -> None:
        slot = try_slot(paths, "default-2")
        assert slot is not None
        with Holder(slot) as second:
            put(second, batch(1, 3))
            assert recover(holder, paths) == 0
            assert len(facts(second)) == 3

    def test_only_the_default_journal_takes_others_in(self, paths: DataPaths, holder: Holder) -> None:
        free_journal(paths, "default-2", batch(1, 3))
        third = try_slot(paths, "default-3")
        assert third is not None
        with Holder(third) as other:
            assert recover(other, paths) == 0
        assert "default-2" in existing_slots(paths)

    @pytest.mark.parametrize("damage", ["open", "read"])
    def test_a_damaged_free_journal_is_left_and_ours_stays(
        self, holder: Holder, paths: DataPaths, damage: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        free_journal(paths, "default-2", batch(1, 500))
        path = paths.journals / "default-2" / "journal.sqlite"
        if damage == "open":
            path.write_bytes(b"no database" * 999)
        else:
            journal = SQLiteJournal(path, PRODUCER, "x")
            journal._db.execute("DROP TABLE commands")
            journal.close()
        put(holder, batch(1, 2, producer=STRANGER, task=OTHER_TASK))
        spool_of(paths, story(end=False))
        epoch = holder.epoch
        for _ in range(3):
            recover(holder, paths)
        assert holder.epoch == epoch
        assert path.exists()
        assert [n for producer, n in facts(holder) if producer == STRANGER] == [1, 2]
        assert [n for producer, n in facts(holder) if producer == PRODUCER] == [1, 2, 3, 4, 5]
        assert caplog.text.count("is left where it is") == 1
        assert try_slot(paths, "default-2") is not None, "its lock was let go"

    def test_damage_in_the_midst_of_a_free_journal_is_its_own(self, holder: Holder, paths: DataPaths) -> None:
        free_journal(paths, "default-2", batch(1, 5000))
        path = paths.journals / "default-2" / "journal.sqlite"
        content = bytearray(path.read_bytes())
        third = len(content) // 3 // 4096 * 4096
        content[third : third + 10 * 4096] = b"\xff" * (10 * 4096)
        path.write_bytes(content)
        put(holder, batch(1, 2, producer=STRANGER, task=OTHER_TASK))
        epoch = holder.epoch
        recover(holder, paths)
        recover(holder, paths)
        assert holder.epoch == epoch
        assert path.exists()
        mine = [n for producer, n in facts(holder) if producer == PRODUCER]
        assert mine == list(range(1, len(mine) + 1)), "what could be read, once"
        assert [n for producer, n in facts(holder) if producer == STRANGER] == [1, 2]

    @pytest.mark.parametrize("damage", ["no header", "header", "empty", "junk"])
    def test_a_damaged_spool_stops_no_other(self, holder: Holder, paths: DataPaths, damage: str) -> None:
        folder = spool_of(paths, story(end=False))
        if damage == "no header":
            (folder / "spool.json").unlink()
        elif damage == "header":
            (folder / "spool.json").write_text("{")
        else:
            for path in folder.glob("*.seg"):
                path.write_bytes(b"" if damage == "empty" else b"junk" * 50)
        spool_of(paths, story(task=OTHER_TASK, producer=STRANGER), producer=STRANGER)
        recover(holder, paths)
        assert [n for producer, n in facts(holder) if producer == STRANGER] == [1, 2, 3, 4, 5, 6]

    def test_losses_in_a_spool_are_named_as_they_were(self, holder: Holder, paths: DataPaths) -> None:
        events = [event(9, "lost", Lost(1, 9, "the disk is full")), *[event(n) for n in (10, 11, 14)]]
        spool_of(paths, events)
        recover(holder, paths)
        lost = [decode_data(e) for e in everything(holder) if e.type == "lost"]
        assert lost == [Lost(1, 9, "the disk is full"), Lost(12, 13, "damaged on disk", PRODUCER)]

    def test_a_hole_at_the_seam_of_two_chunks_is_damage_too(
        self, holder: Holder, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(spool_recovery, "CHUNK", 3)
        spool_of(paths, [event(n) for n in (1, 2, 3, 6, 7)])
        recover(holder, paths)
        assert [decode_data(e) for e in everything(holder) if e.type == "lost"] == [
            Lost(4, 5, "damaged on disk", PRODUCER)
        ]

    def test_damage_at_the_very_end_is_named_to_the_task_that_it_cost(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        folder = spool_of(paths, story(end=False))
        segment = max(folder.glob("*.seg"))
        content = bytearray(segment.read_bytes())
        content[content.rindex(b"}}")] ^= 1
        segment.write_bytes(content)
        recover(holder, paths)
        told = everything(holder)
        assert [e.n for e in told if e.producer == PRODUCER] == [1, 2, 3, 4]
        assert [decode_data(e) for e in told if e.type == "lost"] == [Lost(5, 5, "damaged on disk", PRODUCER)]
        assert told[-1].type == "state"

    def test_a_worker_that_died_before_its_claim_ends_nothing_and_its_successor_is_heard(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        queued = State(QUEUED, producer=PRODUCER)
        holder.call(lambda session: session.append(HolderEvent(TASK, 1, "state", queued))).result(20)
        enqueue_work_item(paths, work_item(producer=PRODUCER))
        spool_of(paths, [])
        assert recover(holder, paths) == 1
        assert list(paths.spools.iterdir()) == []
        assert [decode_data(e) for e in everything(holder)] == [queued]
        assert holder.call(lambda session: set(session.dead_producers)).result(20) == set()

    def test_it_takes_from_a_process_that_was_killed(self, holder: Holder, paths: DataPaths) -> None:
        with python(DYING) as process:
            assert process.stdout is not None
            last = int(process.stdout.readline())
            process.kill()
            process.wait()
            assert recover(holder, paths) == 1
        assert [e.n for e in everything(holder) if e.producer != holder.id] == list(range(1, last + 1))


DYING = """
import sys, time
from jupyter_agent.core.events import Log
from jupyter_agent.system.paths import data_paths; from jupyter_agent.system.ids import new_id
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
spool = Spool.create(data_paths(), header_for(new_id(), "default", 0.0))
task = new_id()
for _ in range(100):
    n = spool.append(task, 1, "log", Log("stdout", "x"))
print(n, flush=True)
time.sleep(60)
"""


class TestPeeking:
    def test_a_living_ones_events_are_read_and_come_once_when_it_delivers_them(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        folder = spool_of(paths, story(logs=9, end=False), alive=True)
        for _ in range(2):
            holder.call(lambda session: read_live_spools(session, paths, "default")).result(20)
        assert [n for _, n in facts(holder)] == list(range(1, 12))
        task = holder.call(lambda session: session.journal.task(TASK)).result(20)
        assert task is not None
        assert task.state is RUNNING
        assert folder.is_dir()
        answers = put(holder, Batch(PRODUCER, 1, story(logs=9)))
        assert answers[0].upto == 12
        assert [n for _, n in facts(holder)] == list(range(1, 13))

    def test_it_stops_before_what_looks_like_a_hole(self, holder: Holder, paths: DataPaths) -> None:
        spool_of(paths, [event(n) for n in (1, 2, 3, 5)], alive=True)
        holder.call(lambda session: read_live_spools(session, paths, "default")).result(20)
        assert [n for _, n in facts(holder)] == [1, 2, 3]
        assert put(holder, batch(4, 5))[0].upto == 5


class Killed(BaseException):
    """As if the process had died here."""


class TestInterruptedRecovery:
    """Killed after each step in turn, and run again: nothing lost, nothing doubled."""

    def arrange(self, paths: DataPaths) -> None:
        free_journal(
            paths,
            "default-2",
            Batch(PRODUCER, 1, story(logs=9, end=False)),
            HolderEvent(TASK, 1, "command", Command("cancel")),
        )
        spool_of(paths, story(logs=20, end=False), journal="default-2")
        spool_of(paths, story(logs=7, task=OTHER_TASK, producer=STRANGER), producer=STRANGER)

    @pytest.mark.parametrize("step", range(1, 40))
    def test_it_can_be_killed_after_any_step(
        self, holder: Holder, paths: DataPaths, monkeypatch: pytest.MonkeyPatch, step: int
    ) -> None:
        self.arrange(paths)
        monkeypatch.setattr(spool_recovery, "CHUNK", 4)
        monkeypatch.setattr(journal_merge, "CHUNK", 4)
        left = step

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def one(*args: object, **options: object) -> object:
                nonlocal left
                result = real(*args, **options)
                left -= 1
                if left == 0:
                    raise Killed
                return result

            return one

        with monkeypatch.context() as patch:
            patch.setattr(JournalSession, "append", counted(JournalSession.append))
            patch.setattr(os, "unlink", counted(os.unlink))
            patch.setattr(os, "rmdir", counted(os.rmdir))
            patch.setattr(Path, "rename", counted(Path.rename))
            try:
                recover(holder, paths)
            except Killed:
                assert left == 0
        recover(holder, paths)
        mine = [n for producer, n in facts(holder) if producer == PRODUCER]
        assert mine == list(range(1, 23))
        assert [n for producer, n in facts(holder) if producer == STRANGER] == list(range(1, 11))
        events = everything(holder)
        assert not [e for e in events if e.type == "lost"]
        assert sum(e.type == "command" for e in events) == 1
        ends = [e for e in events if e.type == "state" and b"interrupted" in bytes(e.data)]
        assert len(ends) == 1
        assert existing_slots(paths) == ["default"]
        assert list(paths.spools.iterdir()) == []
        left = -1


class TestOrphans:
    def interrupt(
        self,
        holder: Holder,
        paths: DataPaths,
        *,
        connected: frozenset[str] = frozenset(),
        leases: Leases = RUN_OUT,
    ) -> None:
        holder.call(lambda session: interrupt_orphans(session, paths, connected.__contains__, leases)).result(
            20
        )

    def state(self, holder: Holder) -> TaskState:
        task = holder.call(lambda session: session.journal.task(TASK)).result(20)
        assert task is not None
        return task.state

    def test_a_task_whose_producer_left_nothing_is_interrupted_once(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        put(holder, Batch(PRODUCER, 1, story(end=False)))
        for _ in range(3):
            self.interrupt(holder, paths)
        assert self.state(holder) is INTERRUPTED
        assert len(facts(holder)) == 6

    def test_a_connected_producer_is_alive(self, holder: Holder, paths: DataPaths) -> None:
        put(holder, Batch(PRODUCER, 1, story(end=False)))
        self.interrupt(holder, paths, connected=frozenset({PRODUCER}))
        assert self.state(holder) is RUNNING

    def test_a_locked_spool_is_alive(self, holder: Holder, paths: DataPaths) -> None:
        put(holder, Batch(PRODUCER, 1, story(end=False)))
        spool_of(paths, story(end=False), alive=True)
        self.interrupt(holder, paths)
        assert self.state(holder) is RUNNING

    def test_one_that_died_after_the_last_look_is_not_called_gone_before_its_last_words(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        put(holder, Batch(PRODUCER, 1, [state(1, QUEUED, about="x")]))
        spool_of(paths, story(end=False))
        self.interrupt(holder, paths)
        assert self.state(holder) is QUEUED
        recover(holder, paths)
        ends = [e for e in everything(holder) if e.type == "state" and b"interrupted" in bytes(e.data)]
        assert ends == everything(holder)[-1:]

    def test_one_on_another_host_has_a_lease_from_its_last_word(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        put(holder, Batch(PRODUCER, 1, story(logs=0, end=False), host="elsewhere"))
        clock = [1000.0]
        leases = Leases(100.0, lambda: clock[0])
        self.interrupt(holder, paths, leases=leases)
        clock[0] += 99
        put(holder, Batch(PRODUCER, 1, [event(3)], host="elsewhere"))
        self.interrupt(holder, paths, leases=leases)
        clock[0] += 99
        self.interrupt(holder, paths, leases=leases)
        assert self.state(holder) is RUNNING
        clock[0] += 2
        self.interrupt(holder, paths, leases=leases)
        assert self.state(holder) is INTERRUPTED

    def test_after_a_long_absence_a_producer_elsewhere_has_its_lease_from_the_servers_start(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        """Its last word is from 1970, by the clock: that decides nothing."""
        long_ago = [Batch(PRODUCER, 1, story(end=False), host="elsewhere")]
        holder.call(lambda session: session.journal.append(long_ago, 5.0)).result(20)
        clock = [7.0]
        leases = Leases(100.0, lambda: clock[0])
        self.interrupt(holder, paths, leases=leases)
        clock[0] += 99
        self.interrupt(holder, paths, leases=leases)
        assert self.state(holder) is RUNNING
        clock[0] += 2
        self.interrupt(holder, paths, leases=leases)
        assert self.state(holder) is INTERRUPTED

    def test_its_word_overrides_the_inference(self, holder: Holder, paths: DataPaths) -> None:
        put(holder, Batch(PRODUCER, 1, story(logs=0, end=False), host="elsewhere"))
        self.interrupt(holder, paths)
        put(holder, Batch(PRODUCER, 1, [state(3, RUNNING)]))
        assert self.state(holder) is RUNNING

    def test_one_that_waits_for_its_process_lives_as_long_as_who_queued_it(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        put(holder, Batch(PRODUCER, 1, [state(1, QUEUED, about="x", delegate=STRANGER)]))
        self.interrupt(holder, paths, connected=frozenset({PRODUCER}))
        assert self.state(holder) is QUEUED
        self.interrupt(holder, paths)
        assert self.state(holder) is INTERRUPTED


class TestPruning:
    def test_old_ended_tasks_go_with_their_files_and_open_ones_stay(
        self, holder: Holder, paths: DataPaths
    ) -> None:
        for folder in (paths.results, paths.checkpoints):
            folder.mkdir()
        for number in range(1, 5):
            origin = Origin(task=task_id(number), producer=f"0{number}" + "0" * 24)
            events = story(**origin) if number < 4 else story(end=False, **origin)
            put(holder, Batch(origin["producer"], 1, events))
            (paths.results / f"{task_id(number)}-1.pickle").write_bytes(b"x")
            (paths.checkpoints / f"{task_id(number)}.pickle").write_bytes(b"x")
        (paths.results / "unrelated").write_bytes(b"x")

        def run(session: JournalSession) -> list[str]:
            observe(session, Retention(), Look(0.0, "boot", 0.0))
            time = observe(session, Retention(), Look(30 * DAY, "boot", 30 * DAY))
            return prune(session, paths, Retention(days=30), time).old

        gone = holder.call(run).result(20)
        assert sorted(gone) == [task_id(n) for n in (1, 2, 3)]
        assert {path.name for path in paths.results.iterdir()} == {f"{task_id(4)}-1.pickle", "unrelated"}
        assert {path.name for path in paths.checkpoints.iterdir()} == {f"{task_id(4)}.pickle"}
        assert {e.task for e in everything(holder)} == {task_id(4)}

    def test_a_journal_over_its_size_loses_the_oldest_ended(self, holder: Holder, paths: DataPaths) -> None:
        for number in range(1, 4):
            origin = Origin(task=task_id(number), producer=f"0{number}" + "0" * 24)
            put(holder, Batch(origin["producer"], 1, story(**origin)))
        gone = holder.call(
            lambda session: prune(session, paths, Retention(size=0), ObservedTime()).large
        ).result(20)
        assert gone == [task_id(n) for n in (1, 2, 3)]
        assert everything(holder) == []


def test_a_stored_event_of_another_host_is_spooled_with_it(holder: Holder, paths: DataPaths) -> None:
    spool_of(paths, story(end=False))
    recover(holder, paths)
    row = holder.call(lambda session: session.journal.producer(PRODUCER)).result(20)
    assert row is not None
    assert row.host == host()
