"""What every journal keeps beside tasks: records and firings."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.core.events import TaskState
from jupyter_agent.journal import memory_records
from jupyter_agent.journal.base import Batch, Journal
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.operations.recovery import recover_all
from jupyter_agent.journal.records import Firing, Outcome
from jupyter_agent.journal.slots import try_slot
from jupyter_agent.journal.sqlite import records as sqlite_records
from jupyter_agent.journal.sqlite.errors import CorruptJournal
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import HOLDER, PRODUCER, STRANGER, TASK, story

FEW = 10
FACTORIES: dict[str, Callable[[Path], Journal]] = {
    "memory": lambda path: MemoryJournal(HOLDER, path.name),
    "sqlite": lambda path: SQLiteJournal(path, HOLDER, path.name),
}


@pytest.fixture(params=sorted(FACTORIES))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Journal]]:
    made: list[Journal] = []

    def make(name: str) -> Journal:
        made.append(FACTORIES[request.param](tmp_path / name))
        return made[-1]

    yield make
    for journal in made:
        journal.close()


@pytest.fixture
def journal(make: Callable[[str], Journal]) -> Journal:
    return make("one")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand firings take a while."""
    for adapter in (memory_records, sqlite_records):
        monkeypatch.setattr(adapter, "MAX_KEPT", FEW)
        monkeypatch.setattr(adapter, "MAX_KEPT_WITHOUT_TASK", FEW // 2)


def claimed(due: float, *, schedule: str = "s", asked: bool = False) -> Firing:
    return Firing(schedule, due, due + 0.5, "claimed", f"task-{due}", f"worker-{due}", asked=asked)


def fire(journal: Journal, due: float, *, schedule: str = "s") -> None:
    firing = claimed(due, schedule=schedule)
    assert journal.claim(firing)
    journal.settle(firing._replace(outcome="queued"))


class TestRecentRuns:
    def test_the_newest_tasks_of_each_schedule_come_with_their_state(self, journal: Journal) -> None:
        for due in range(1, 6):
            fire(journal, float(due))
        journal.claim(Firing("s", 6.0, 6.0, "skipped", reason="busy"))
        fire(journal, 4.5, schedule="other")
        fire(journal, 9.0, schedule="unasked")
        journal.claim(claimed(7.0, asked=True)._replace(task=TASK))
        journal.append([Batch(PRODUCER, 1, story(logs=1))], 0.0)
        found = journal.recent_runs(["s", "other", "none"], 3)
        assert [(run.schedule, run.due, run.asked, run.state) for run in found] == [
            ("s", 7.0, True, TaskState.COMPLETED),
            ("s", 5.0, False, None),
            ("other", 4.5, False, None),
            ("s", 4.0, False, None),
        ]
        assert (found[0].task, found[0].started, found[0].ended) == (TASK, 1002.0, 1004.0)
        assert journal.recent_runs([], 3) == []


class TestRecords:
    def test_what_was_put_last_is_there(self, journal: Journal) -> None:
        assert journal.record("schedule", "a") is None
        journal.put_record("schedule", "a", b"first")
        journal.put_record("schedule", "a", b"\x00\xff second")
        assert journal.record("schedule", "a") == b"\x00\xff second"

    def test_kinds_are_apart_and_names_in_order(self, journal: Journal) -> None:
        for kind, ident in [("schedule", "b"), ("forward", "a"), ("schedule", "a")]:
            journal.put_record(kind, ident, f"{kind} {ident}".encode())
        assert journal.records("schedule") == [("a", b"schedule a"), ("b", b"schedule b")]
        assert journal.records("forward") == [("a", b"forward a")]
        assert journal.records("other") == []

    def test_deleting_says_whether_there_was_anything(self, journal: Journal) -> None:
        journal.put_record("forward", "a", b"1")
        assert not journal.delete_record("schedule", "a")
        assert journal.delete_record("forward", "a")
        assert not journal.delete_record("forward", "a")
        assert journal.records("forward") == []


class TestFirings:
    def test_a_due_is_claimed_once(self, journal: Journal) -> None:
        assert journal.claim(claimed(10.0))
        assert not journal.claim(claimed(10.0)._replace(task="another"))
        assert journal.claim(claimed(10.0, schedule="other"))
        assert journal.firings("s") == [claimed(10.0)]

    def test_what_is_settled_stays_claimed(self, journal: Journal) -> None:
        fire(journal, 10.0)
        assert not journal.claim(claimed(10.0))
        assert [f.outcome for f in journal.firings("s")] == ["queued"]

    def test_settling_tells_everything_anew(self, journal: Journal) -> None:
        journal.claim(claimed(10.0))
        settled = Firing("s", 10.0, 11.0, "failed", None, None, 3, True, "no such file")
        journal.settle(settled)
        assert journal.firings("s") == [settled]

    def test_settling_what_was_deleted_does_not_bring_it_back(self, journal: Journal) -> None:
        journal.put_record("schedule", "s", b"1")
        journal.claim(claimed(10.0))
        journal.delete_record("schedule", "s")
        journal.settle(claimed(10.0)._replace(outcome="queued"))
        assert journal.firings("s") == []
        assert journal.open_firings() == []

    def test_they_are_read_newest_due_first(self, journal: Journal) -> None:
        for due in (20.0, 10.0, 30.0):
            fire(journal, due)
        fire(journal, 25.0, schedule="other")
        assert [f.due for f in journal.firings("s")] == [30.0, 20.0, 10.0]
        assert [f.due for f in journal.firings("s", 2)] == [30.0, 20.0]
        assert [f.due for f in journal.firings("s", before=20.0)] == [10.0]

    def test_those_that_have_a_task_can_be_read_alone(self, journal: Journal) -> None:
        fire(journal, 10.0)
        journal.claim(Firing("s", 20.0, 20.0, "skipped", reason="it was going on"))
        assert [f.due for f in journal.firings("s", ran=True)] == [10.0]

    def test_open_ones_are_those_not_settled_oldest_first(self, journal: Journal) -> None:
        outcomes: list[tuple[float, Outcome]] = [
            (30.0, "waiting"),
            (10.0, "claimed"),
            (20.0, "queued"),
            (5.0, "skipped"),
        ]
        for due, outcome in outcomes:
            journal.claim(claimed(due)._replace(outcome=outcome))
        assert [f.due for f in journal.open_firings()] == [10.0, 30.0]

    def test_the_last_due_is_the_clocks_not_a_persons(self, journal: Journal) -> None:
        assert journal.last_due("s", 100.0) is None
        journal.claim(claimed(10.0))
        journal.claim(claimed(20.0))
        journal.claim(claimed(25.0, asked=True))
        assert journal.last_due("s", 100.0) == 20.0
        assert journal.last_due("s", 19.0) == 10.0
        assert journal.last_due("s", 9.0) is None

    @pytest.mark.usefixtures("few")
    def test_what_is_forgotten_has_fired_all_the_same(self, journal: Journal) -> None:
        waiting = claimed(0.5)._replace(outcome="waiting")
        journal.claim(waiting)
        for due in range(1, FEW + 4):
            fire(journal, float(due))
        assert len(journal.firings("s", 5000)) <= FEW + 2
        assert journal.open_firings() == [waiting], "what is still to be done is not forgotten"
        assert not journal.claim(claimed(1.0))
        assert not journal.claim(claimed(0.75)), "nor what lies before it"
        last = journal.last_due("s", 0.0)
        assert last is not None
        assert journal.last_due("s", 0.6) == last >= 1.0

    @pytest.mark.usefixtures("few")
    def test_many_without_a_task_do_not_push_out_those_that_have_one(self, journal: Journal) -> None:
        fire(journal, 1.0)
        for due in range(2, 50):
            assert journal.claim(Firing("s", float(due), float(due), "skipped", reason="it was going on"))
        assert [f.due for f in journal.firings("s", ran=True)] == [1.0]
        assert [f.due for f in journal.firings("s", 5000)][:2] == [49.0, 48.0]
        assert len(journal.firings("s", 5000)) <= FEW // 2 + 2
        assert not any(journal.claim(claimed(float(due))) for due in range(1, 50))

    @given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6)), max_size=30))
    def test_whatever_is_claimed_the_first_has_it(self, dues: list[tuple[str, int]]) -> None:
        with closing(MemoryJournal(HOLDER, "e")) as journal:
            won = [pair for pair in dues if journal.claim(claimed(float(pair[1]), schedule=pair[0]))]
        assert sorted(won) == sorted(set(dues))

    def test_deleting_a_schedule_takes_its_firings(self, journal: Journal) -> None:
        journal.put_record("schedule", "s", b"1")
        fire(journal, 10.0)
        fire(journal, 10.0, schedule="other")
        journal.delete_record("schedule", "s")
        assert journal.firings("s") == []
        assert len(journal.firings("other")) == 1


class TestExportAndImport:
    def test_everything_comes_and_what_is_there_stays(self, make: Callable[[str], Journal]) -> None:
        source, target = make("source"), make("target")
        for ident in "ab":
            source.put_record("schedule", ident, b"theirs")
        target.put_record("schedule", "b", b"ours")
        for due in (1.0, 2.0):
            fire(source, due)
        target.claim(claimed(2.0))
        for _ in range(2):  # killed in between, it is done again
            target.import_records(source.export_records())
        assert target.records("schedule") == [("a", b"theirs"), ("b", b"ours")]
        assert [(f.due, f.outcome) for f in target.firings("s")] == [(2.0, "claimed"), (1.0, "queued")]

    @pytest.mark.usefixtures("few")
    def test_what_was_forgotten_there_has_fired_here_too(self, make: Callable[[str], Journal]) -> None:
        source, target = make("source"), make("target")
        for due in range(1, FEW + 3):
            fire(source, float(due))
        target.import_records(source.export_records())
        assert not target.claim(claimed(1.0))

    def test_a_slot_that_is_merged_brings_its_records_along(self, paths: DataPaths) -> None:
        other, slot = try_slot(paths, "default-2"), try_slot(paths, "default")
        assert other is not None
        assert slot is not None
        with Holder(other) as second:
            second.call(lambda session: session.journal.put_record("schedule", "a", b"theirs")).result(20)
            second.call(lambda session: session.journal.claim(claimed(1.0))).result(20)
        with Holder(slot) as holder:
            holder.call(lambda session: recover_all(session, paths, "default")).result(20)
            kept = holder.call(lambda session: session.journal.export_records()).result(20)
        assert kept == ([("schedule", "a", b"theirs")], [claimed(1.0)], [])


class TestInAFile:
    def test_everything_is_there_again(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.sqlite"
        with closing(SQLiteJournal(path, HOLDER, "first")) as journal:
            journal.put_record("schedule", "s", b"1")
            fire(journal, 10.0)
            before = journal.export_records()
        with closing(SQLiteJournal(path, STRANGER, "second")) as journal:
            assert journal.export_records() == before
            assert not journal.claim(claimed(10.0))

    def test_a_journal_of_before_gets_the_tables(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.sqlite"
        SQLiteJournal(path, HOLDER, "first").close()
        with closing(sqlite3.connect(path)) as db:
            for table in ("records", "firings", "floors"):
                db.execute(f"DROP TABLE {table}")
        with closing(SQLiteJournal(path, HOLDER, "second")) as journal:
            assert journal.epoch == "first"
            journal.put_record("schedule", "s", b"1")
            fire(journal, 10.0)

    @pytest.mark.parametrize(
        "change", ["firings SET outcome = 'x'", "firings SET missed = 'x'", "records SET body = 7"]
    )
    def test_a_row_that_a_disk_has_changed_is_damage(self, tmp_path: Path, change: str) -> None:
        path = tmp_path / "journal.sqlite"
        with closing(SQLiteJournal(path, HOLDER, "first")) as journal:
            journal.put_record("schedule", "s", b"1")
            fire(journal, 10.0)
            journal._db.execute(f"UPDATE {change}")
            with pytest.raises(CorruptJournal, match="are damaged"):
                journal.export_records()

    def test_a_journal_that_is_moved_aside_says_what_is_gone_with_it(self, paths: DataPaths) -> None:
        slot = try_slot(paths, "default")
        assert slot is not None
        slot.file.write_bytes(b"no database at all" * 100)
        with Holder(slot) as holder:
            (told,) = holder.health.notices
        assert "without the schedules and forwards that were in it: add them again" in told
