"""What only the SQLite adapter does."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.journal.base import Batch, BatchOrigin, CellLocation
from jupyter_agent.journal.sqlite.connection import GuardedConnection
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.journal.sqlite.schema import put_rows
from tests.support.builders import event


@pytest.mark.parametrize("count", [0, 1, 3, 4, 15, 16, 85, 256, 341, 1000])
def test_every_row_goes_in_once_whatever_their_number(count: int) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE events (a INTEGER PRIMARY KEY, b)")
        put_rows(db.execute, "events", [(n, f"row {n}") for n in range(count)])
        assert db.execute("SELECT * FROM events ORDER BY a").fetchall() == [
            (n, f"row {n}") for n in range(count)
        ]


def test_an_event_is_never_written_over() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE events (a INTEGER PRIMARY KEY, b)")
        put_rows(db.execute, "events", [(1, "first")])
        with pytest.raises(sqlite3.IntegrityError):
            put_rows(db.execute, "events", [(1, "second")])


def test_a_large_commit_opens_no_other_file(tmp_path: Path, new_id: Callable[[], str]) -> None:
    task, producer = new_id(), new_id()
    with closing(SQLiteJournal(tmp_path / "journal.sqlite", new_id(), new_id())) as journal:
        events = [event(n, task=task, producer=producer) for n in range(1, 9000)]
        before = _temporary_files()
        journal.append([Batch(producer, 1, events, BatchOrigin.SPOOLED)], 1.0)
        assert _temporary_files() <= before


def _temporary_files() -> set[str]:
    """Those that SQLite has open in this process."""
    found = set()
    for descriptor in Path("/dev/fd").iterdir():
        with suppress(OSError):  # another thread's, closed meanwhile
            found.add(str(descriptor.readlink()))
    return {target for target in found if "etilqs_" in target}


def test_an_event_damaged_on_disk_is_logged_and_does_not_stop_readers(
    tmp_path: Path, new_id: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.sqlite"
    task, producer = new_id(), new_id()
    with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
        journal.append(
            [Batch(producer, 1, [event(n, task=task, producer=producer) for n in range(1, 4)])], 1.0
        )
    with closing(sqlite3.connect(path)) as db:
        db.execute('UPDATE events SET body = replace(body, \'"task"\', \'"tas""\') WHERE offset = 2')
        db.commit()
    with (
        caplog.at_level(logging.ERROR),
        closing(SQLiteJournal(path, new_id(), new_id())) as journal,
    ):
        assert [stored.offset for stored in journal.read(0, 10)] == [1, 3]
        assert [stored.offset for stored in journal.read(1, 10)] == [3]
        assert [stored.offset for stored in journal.tail(task, 10, ["log"])] == [1, 3]
    assert [record.getMessage() for record in caplog.records] == [
        "event 2 in the journal is damaged on disk and is passed over"
    ]


def _forget_even_offsets_in_index(path: Path) -> None:
    """What a changed byte does to an index: SQLite finds no fault and half of the events."""
    with closing(sqlite3.connect(path)) as db:
        (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'events_by_task'").fetchone()
        db.execute("DROP INDEX events_by_task")
        db.execute(f"{sql} WHERE offset % 2")
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'events_by_task'", [sql])
        db.commit()


class TestAnIndexThatADiskHasChanged:
    @pytest.fixture
    def task(self, new_id: Callable[[], str]) -> str:
        return new_id()

    @pytest.fixture
    def path(self, tmp_path: Path, new_id: Callable[[], str], task: str) -> Path:
        path, producer = tmp_path / "journal.sqlite", new_id()
        with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
            events = [event(n, task=task, producer=producer) for n in range(1, 11)]
            journal.append([Batch(producer, 1, events)], 1.0)
        _forget_even_offsets_in_index(path)
        return path

    @staticmethod
    def offsets(journal: SQLiteJournal, task: str) -> list[int]:
        return [stored.offset for stored in journal.read(0, 100, tasks=[task])]

    def test_is_built_again_when_a_small_journal_is_opened(
        self, path: Path, task: str, new_id: Callable[[], str]
    ) -> None:
        told: list[str] = []
        with closing(SQLiteJournal(path, new_id(), new_id(), told.append)) as journal:
            assert self.offsets(journal, task) == list(range(1, 11))
        assert told == [f"{path} had a damaged index, which was built again; nothing is lost"]
        with closing(SQLiteJournal(path, new_id(), new_id(), told.append)):
            assert len(told) == 1, "it is whole now"

    def test_is_built_again_by_the_upkeep_of_a_large_journal(
        self, path: Path, task: str, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("jupyter_agent.journal.sqlite.opening.CHECKED_WHOLE", 0)
        told: list[str] = []
        with closing(SQLiteJournal(path, new_id(), new_id(), told.append)) as journal:
            assert self.offsets(journal, task) == [1, 3, 5, 7, 9]
            assert journal.check_index(1), "the first is found; others are left to check"
            assert not told
            while journal.check_index(3):
                pass
            assert self.offsets(journal, task) == list(range(1, 11))
            assert told == [f"{path} had a damaged index, which was built again; nothing is lost"]

    def test_that_cannot_be_built_again_keeps_no_journal_from_opening(
        self, path: Path, task: str, new_id: Callable[[], str]
    ) -> None:
        with closing(sqlite3.connect(path)) as db:
            db.execute("DROP INDEX cells_by_spot")
            db.execute("CREATE INDEX cells_by_spot ON cells (cell, task)")
            db.execute("INSERT INTO cells VALUES ('a', 'n', 'c'), ('b', 'n', 'c')")
            db.execute("PRAGMA writable_schema=ON")
            unique = "CREATE UNIQUE INDEX cells_by_spot ON cells (cell, notebook)"
            db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'cells_by_spot'", [unique])
            db.commit()
        told: list[str] = []
        with closing(SQLiteJournal(path, new_id(), new_id(), told.append)) as journal:
            assert task in [one.id for one in journal.tasks()]
        assert not told


def _started_in_a_cell(journal: SQLiteJournal, task: str, producer: str, cell: str) -> None:
    about = About("train", notebook="/home/ada/a b.ipynb", cell=cell)
    queued = event(1, "state", State(TaskState.QUEUED, about=about), task=task, producer=producer)
    journal.append([Batch(producer, 1, [queued])], 1.0)


def test_a_journal_of_before_tells_its_cells_when_it_is_opened(
    tmp_path: Path, new_id: Callable[[], str]
) -> None:
    path, tasks = tmp_path / "journal.sqlite", [new_id() for _ in range(3)]
    with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
        for task in tasks:
            _started_in_a_cell(journal, task, new_id(), "one")
        journal.append([Batch(producer := new_id(), 1, [event(1, task=new_id(), producer=producer)])], 1.0)
        before = (journal.epoch, journal.head, journal.tasks())
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE cells")
        db.execute("UPDATE tasks SET snapshot = 'damaged' WHERE id = ?", [tasks[0]])
        db.commit()
    path.with_name("journal.sqlite-closed").unlink()  # older versions leave none
    for _ in range(2):
        with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
            location = CellLocation("/home/ada/a b.ipynb", "one")
            assert journal.cell_locations(["one"]) == [location]
            assert [task.id for task in journal.tasks(locations=[location])] == sorted(
                tasks[1:], reverse=True
            )
            assert (journal.epoch, journal.head) == before[:2]
    with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
        _started_in_a_cell(journal, new_id(), new_id(), "two")
        assert journal.cell_locations(["two"]) == [CellLocation("/home/ada/a b.ipynb", "two")]


def _with_key(journal: SQLiteJournal, task: str, producer: str, key: str | None) -> None:
    queued = event(
        1, "state", State(TaskState.QUEUED, about=About("train", key=key)), task=task, producer=producer
    )
    journal.append([Batch(producer, 1, [queued])], 1.0)


def test_a_journal_of_before_finds_its_keys_when_it_is_opened(
    tmp_path: Path, new_id: Callable[[], str]
) -> None:
    path, tasks = tmp_path / "journal.sqlite", [new_id() for _ in range(4)]
    with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
        for task, key in zip(tasks, ["nightly", "nightly", None, "nightly"], strict=True):
            _with_key(journal, task, new_id(), key)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE keys")
        db.execute("DROP TABLE listed")
        db.execute("UPDATE tasks SET snapshot = 'damaged' WHERE id = ?", [tasks[0]])
        db.commit()
    for _ in range(2):
        with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
            assert [task.id for task in journal.tasks(TaskQuery(key="nightly"))] == [tasks[3], tasks[1]]
            assert journal.tasks(TaskQuery(key="other")) == []


BY_KEY = "COVERING INDEX listed_by_key (key=? AND state=? AND task<?)"
BY_NAME = "COVERING INDEX listed_by_name (name=? AND state=? AND task<?)"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (TaskQuery(key="nightly"), BY_KEY),
        (TaskQuery(key="nightly", state="failed"), BY_KEY),
        (TaskQuery(key="nightly", name="train"), BY_KEY),
        (TaskQuery(state="completed"), "COVERING INDEX listed_by_state (state=? AND task<?)"),
        (TaskQuery(name="train"), BY_NAME),
        (TaskQuery(name="train", state="failed"), BY_NAME),
        (TaskQuery(), "PRIMARY KEY (id<?)"),
    ],
)
def test_newest_tasks_come_from_an_index_without_sorting(
    tmp_path: Path, new_id: Callable[[], str], query: TaskQuery, index: str
) -> None:
    with closing(SQLiteJournal(tmp_path / "journal.sqlite", new_id(), new_id())) as journal:
        plans = plans_of(journal, lambda: journal.tasks(structs.replace(query, before="x", limit=50)))
    assert index in plans[0]
    assert not [
        plan for plan in plans[:-1] if "TEMP B-TREE" in plan or "SCAN listed" in plan or "SCAN tasks" in plan
    ]
    assert "SEARCH tasks USING PRIMARY KEY (id=?)" in plans[-1], "and a page of snapshots by their ids"


def test_tasks_of_a_cell_and_open_ones_come_from_an_index(tmp_path: Path, new_id: Callable[[], str]) -> None:
    with closing(SQLiteJournal(tmp_path / "journal.sqlite", new_id(), new_id())) as journal:
        here = [CellLocation("/home/a.ipynb", "one")]
        assert (
            "cells_by_spot (cell=? AND notebook=?)"
            in plans_of(journal, lambda: journal.tasks(locations=here))[0]
        )
        assert (
            "COVERING INDEX listed_by_state (state=? AND task>?)" in plans_of(journal, journal.open_tasks)[0]
        )


def plans_of(journal: SQLiteJournal, work: Callable[[], object]) -> list[str]:
    """Return the query plan of each statement that *work* runs."""
    asked: list[str] = []
    journal._db.set_trace_callback(asked.append)
    work()
    journal._db.set_trace_callback(None)
    return [
        " ".join(row[3] for row in journal._db.execute(f"EXPLAIN QUERY PLAN {sql}"))
        for sql in asked
        if not sql.startswith(("BEGIN", "COMMIT", "PRAGMA", "--"))
    ]


def test_damaged_events_do_not_stop_a_page_backwards(tmp_path: Path, new_id: Callable[[], str]) -> None:
    path, task, producer = tmp_path / "journal.sqlite", new_id(), new_id()
    with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
        events = [event(n, task=task, producer=producer) for n in range(1, 7)]
        journal.append([Batch(producer, 1, events)], 1.0)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE events SET body = 'damaged' WHERE offset IN (3, 4, 6)")
        db.commit()
    with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
        upto, found = journal.head, []
        while upto:
            page = journal.past(task, upto, 1, types=["log"])
            found += [stored.offset for stored in page.events]
            upto = page.older
        assert found == [5, 2, 1]


class TestReservation:
    """A journal that was not closed may have lost its newest offsets."""

    def killed(self, tmp_path: Path, new_id: Callable[[], str], *, rolled_back: bool = False) -> Path:
        """A journal of which 3 + 5 events were committed, as ``kill -9`` leaves it; or without the 5."""
        path, copy = tmp_path / "journal.sqlite", tmp_path / "copy"
        copy.mkdir()
        task, producer = new_id(), new_id()
        with closing(SQLiteJournal(path, new_id(), "01EPOCH0000000000000000000")) as journal:
            for first, last in ((1, 3), (4, 8)):
                if rolled_back and first == 4:
                    shutil.copy(path.with_name("journal.sqlite-wal"), copy)
                events = [event(n, task=task, producer=producer) for n in range(first, last + 1)]
                journal.append([Batch(producer, 1, events)], 1.0)
            for file in tmp_path.glob("journal.sqlite*"):
                if not (copy / file.name).exists():
                    shutil.copy(file, copy)
        return copy / path.name

    def test_a_journal_that_was_closed_goes_on_at_the_next_offset(
        self, tmp_path: Path, new_id: Callable[[], str]
    ) -> None:
        path, producer = tmp_path / "journal.sqlite", new_id()
        for n in (1, 2, 3):
            with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
                journal.append([Batch(producer, 1, [event(n, producer=producer)])], 1.0)
                assert journal.head == n
                assert journal.recoverable(n - 1, None)

    def test_one_that_was_killed_gives_no_offset_out_again_and_knows_every_cursor_that_is_good(
        self, tmp_path: Path, new_id: Callable[[], str]
    ) -> None:
        with closing(SQLiteJournal(self.killed(tmp_path, new_id), new_id(), new_id())) as journal:
            assert all(journal.recoverable(after, None) for after in range(9))
            before = journal.head
            producer = new_id()
            journal.append([Batch(producer, 1, [event(1, producer=producer)])], 1.0)
            assert [stored.offset for stored in journal.read(8, 10)] == [before + 1]
            assert journal.recoverable(before, None)

    def test_a_cursor_from_a_time_that_the_journal_has_lost_is_refused_for_ever(
        self, tmp_path: Path, new_id: Callable[[], str]
    ) -> None:
        path = self.killed(tmp_path, new_id, rolled_back=True)
        for _ in range(3):
            with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
                assert [stored.offset for stored in journal.read(0, 4)][:3] == [1, 2, 3]
                assert [journal.recoverable(after, None) for after in (2, 3, 4, 8)] == [
                    True, True, False, False,
                ]  # fmt: skip
                producer = new_id()
                events = [event(n, producer=producer) for n in range(1, 11)]
                journal.append([Batch(producer, 1, events)], 1.0)
                assert not journal.recoverable(8, None)
                assert journal.recoverable(journal.head, None)

    @pytest.mark.parametrize("restored", ["the file", "the folder", "the folder with its times"])
    def test_a_backup_put_back_while_it_was_closed_gives_no_offset_out_again(
        self, tmp_path: Path, new_id: Callable[[], str], restored: str
    ) -> None:
        folder, backup, producer = tmp_path / "default", tmp_path / "backup", new_id()
        folder.mkdir()
        path = folder / "journal.sqlite"

        def append(*numbers: int) -> int:
            with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
                events = [event(n, producer=producer) for n in numbers]
                journal.append([Batch(producer, 1, events)], 1.0)
                return journal.head

        assert append(1, 2, 3) == 3
        shutil.copytree(folder, backup)
        assert append(4, 5, 6) == 6
        if restored == "the file":
            shutil.copyfile(backup / path.name, path)
        else:
            copy = shutil.copy2 if restored == "the folder with its times" else shutil.copyfile
            shutil.copytree(backup, folder, dirs_exist_ok=True, copy_function=copy)
        assert append(4, 5) > 6
        with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
            assert [journal.recoverable(after, None) for after in (3, 4, 6)] == [True, False, False]
            assert journal.recoverable(journal.head, None)

    def test_opening_again_and_again_without_events_moves_nothing(
        self, tmp_path: Path, new_id: Callable[[], str]
    ) -> None:
        path = self.killed(tmp_path, new_id)
        heads = []
        for _ in range(3):
            with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
                heads.append(journal.head)
                assert journal.recoverable(heads[0], None)
        assert len(set(heads)) == 1

    def test_a_new_journal_in_the_place_of_another_begins_at_one(
        self, tmp_path: Path, new_id: Callable[[], str]
    ) -> None:
        path = self.killed(tmp_path, new_id)
        for name in ("journal.sqlite", "journal.sqlite-wal"):
            path.with_name(name).unlink()
        with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
            assert journal.head == 0


def test_a_slow_disk_does_not_take_its_time_for_each_table_of_a_new_journal(
    tmp_path: Path, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Recorded(GuardedConnection):
        def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = (), /) -> sqlite3.Cursor:  # type: ignore[override]
            said.append(sql)
            return super().execute(sql, parameters)

    monkeypatch.setattr("jupyter_agent.journal.sqlite.opening.GuardedConnection", Recorded)
    SQLiteJournal(tmp_path / "journal.sqlite", new_id(), new_id()).close()
    synced, now, settings = [], "", [sql for sql in said if "synchronous=" in sql]
    for sql in said:
        now = sql if "synchronous=" in sql else now
        synced += [sql] if "FULL" in now and sql.startswith(("CREATE", "COMMIT")) else []
    assert any(sql.startswith("CREATE TABLE") for sql in said)
    assert synced == []
    assert "FULL" in settings[-1], "every commit that is acknowledged is synced"
