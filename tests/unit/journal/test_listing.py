"""Lists of tasks of an older journal: right before, while and after it is indexed, and in steps."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.journal.base import Batch, CellLocation, Journal
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.sqlite import task_queries
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.journal.task_search import TaskSearch
from tests.support.builders import HOLDER, event, task_id

NOW = 1_700_000_000.0
TASKS = 24
NAMES, KEYS, CELLS = ("train", "rare"), (None, "nightly", "other"), ("one", "two")
ENDS = (TaskState.COMPLETED, TaskState.COMPLETED, TaskState.FAILED, None)
QUERIES = [
    TaskQuery(state=state, name=name, key=key, before=before, limit=limit)
    for state, name, key, before, limit in itertools.product(
        (None, "completed", "failed", "running"), (None, *NAMES), KEYS, (None, task_id(13)), (5, None)
    )
]
PLACES = [None, [CellLocation("/a.ipynb", "one")], [CellLocation("/a.ipynb", cell) for cell in CELLS]]


def producer_of(number: int) -> str:
    return f"0{number:02}" + "P" * 23


def story_of(number: int) -> Batch:
    """A task with its own mix of name, key, cell and state."""
    producer, task = producer_of(number), task_id(number)
    about = About(
        NAMES[number % 5 == 0],
        key=KEYS[number % 3],
        notebook="/a.ipynb",
        cell=CELLS[number % 2],
    )
    states = [State(TaskState.QUEUED, about=about), State(TaskState.RUNNING)]
    end = ENDS[number % len(ENDS)]
    states += [State(end)] if end else []
    events = [event(n, "state", one, task=task, producer=producer) for n, one in enumerate(states, start=1)]
    return Batch(producer, 1, events)


AGES = (("listed", "ends", "forgotten"), ("listed", "ends", "forgotten", "keys", "cells"))
"""The tables that an older journal lacks, and one that is older still."""


def make_old(path: Path, lacking: tuple[str, ...]) -> None:
    """Take from a closed journal what this version has added to it."""
    with closing(sqlite3.connect(path)) as db:
        for name in lacking:
            db.execute(f"DROP TABLE {name}")
        db.execute("DELETE FROM meta WHERE key = 'unlisted'")
        db.execute("CREATE INDEX tasks_by_state ON tasks (state, ended)")
        db.commit()


@pytest.fixture
def reference() -> MemoryJournal:
    return MemoryJournal(HOLDER, "epoch")


@pytest.fixture(params=AGES, ids=["older", "oldest"])
def path(tmp_path: Path, reference: MemoryJournal, request: pytest.FixtureRequest) -> Path:
    """An older journal, with the same tasks as the reference."""
    path = tmp_path / "journal.sqlite"
    with closing(SQLiteJournal(path, HOLDER, "epoch")) as journal:
        for number in range(1, TASKS + 1):
            for each in (journal, reference):
                each.append([story_of(number)], NOW)
    make_old(path, request.param)
    return path


def assert_alike(journal: Journal, reference: Journal) -> None:
    for query, places in itertools.product(QUERIES, PLACES):
        wanted = [task.id for task in reference.tasks(query, locations=places)]
        assert [task.id for task in journal.tasks(query, locations=places)] == wanted, query
        assert in_steps(journal, query, places) == wanted, query
    for producer in (producer_of(2), producer_of(5)):
        found = [task.id for task in journal.tasks(TaskQuery(state="failed"), producer=producer)]
        assert found == [task.id for task in reference.tasks(TaskQuery(state="failed"), producer=producer)]
    assert [task.id for task in journal.open_tasks()] == [task.id for task in reference.open_tasks()]


def can_find_places(journal: SQLiteJournal) -> bool:
    return journal.is_placed


def in_steps(journal: Journal, query: TaskQuery, places: list[CellLocation] | None) -> list[str]:
    search, steps = TaskSearch(query, locations=places), 0
    while search.step(journal, scan_limit=9):  # three rows of ``tasks``
        steps += 1
        assert steps <= TASKS + 2
    return search.ids


def changes(journals: tuple[Journal, ...]) -> Iterator[None]:
    """What goes on meanwhile: an end and a deletion of tasks not listed yet, and a new task."""
    ended = event(3, "state", State(TaskState.FAILED), task=task_id(3), producer=producer_of(3))
    for journal in journals:
        journal.append([Batch(producer_of(3), 1, [ended])], NOW)
    yield
    for journal in journals:
        journal.forget([task_id(2), task_id(20)])
    yield
    for journal in journals:
        journal.append([story_of(TASKS + 1)], NOW)
    yield


@pytest.mark.parametrize("path", AGES[:1], indirect=True)
def test_lists_are_right_while_an_older_journal_is_indexed(path: Path, reference: MemoryJournal) -> None:
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert_alike(journal, reference)
        going_on = changes((journal, reference))
        while journal.index_older(5):
            next(going_on, None)
            assert_alike(journal, reference)
        assert_alike(journal, reference)
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert not journal.index_older(5), "once and for all"
        assert_alike(journal, reference)


@pytest.mark.parametrize("path", AGES[:1], indirect=True)
def test_indexing_goes_on_after_a_restart(path: Path, reference: MemoryJournal) -> None:
    steps, more = 0, True
    while more:
        with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
            more = journal.index_older(5)
            assert_alike(journal, reference)
        steps += 1
    assert steps == TASKS // 5 + 2
    SQLiteJournal(path, HOLDER, "x").close()
    with closing(sqlite3.connect(path)) as db:
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'tasks_by_state'").fetchone()


@pytest.mark.parametrize("path", AGES[1:], indirect=True)
def test_the_oldest_get_their_cells_and_keys_in_steps_across_restarts_and_changes(
    path: Path, reference: MemoryJournal
) -> None:
    steps = 0
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        going_on = changes((journal, reference))
        while journal.index_older(5) and steps < 3:
            next(going_on, None)
            assert [task.id for task in journal.tasks()] == [task.id for task in reference.tasks()]
            assert not can_find_places(journal)
            steps += 1
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert not can_find_places(journal)
        while journal.index_older(5):
            steps += 1
        assert can_find_places(journal)
        assert steps >= TASKS // 5 - 1
        assert_alike(journal, reference)
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert can_find_places(journal), "once and for all"
        assert sorted(journal.cell_locations()) == sorted(reference.cell_locations())


@pytest.mark.parametrize("path", AGES[1:], indirect=True)
@pytest.mark.parametrize("asked", ["a key", "a cell", "all cells"])
def test_a_search_in_the_oldest_that_cannot_wait_is_right_at_once(
    path: Path, reference: MemoryJournal, asked: str
) -> None:
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        if asked == "a key":
            query = TaskQuery(key="nightly")
            assert [task.id for task in journal.tasks(query)] == [task.id for task in reference.tasks(query)]
        elif asked == "a cell":
            assert journal.cell_locations(["one"]) == reference.cell_locations(["one"])
        else:
            assert sorted(journal.cell_locations()) == sorted(reference.cell_locations())
        assert can_find_places(journal)


def test_tasks_of_very_many_locations_are_found_in_one_pass(
    path: Path, reference: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement for each of them would take longer than others may wait."""
    monkeypatch.setattr(task_queries, "MANY_PLACES", 0)
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert_alike(journal, reference)
        asked: list[str] = []
        journal._db.set_trace_callback(asked.append)
        nowhere = [CellLocation("/a.ipynb", f"cell {number}") for number in range(10_000)]
        assert journal.task_ids(locations=nowhere, scan_limit=9).ids == []
        journal._db.set_trace_callback(None)
    assert len(asked) <= 2


def test_opening_an_older_journal_reads_none_of_its_tasks(path: Path) -> None:
    """At a million tasks, reading them once takes seconds, in which nobody is served."""
    asked: list[str] = []
    real = sqlite3.connect

    def connect(*args: object, **options: object) -> sqlite3.Connection:
        db: sqlite3.Connection = real(*args, **options)  # type: ignore[call-overload]
        db.set_trace_callback(asked.append)
        return db

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jupyter_agent.journal.sqlite.opening.sqlite3.connect", connect)
        SQLiteJournal(path, HOLDER, "x").close()
    over_all = [sql for sql in asked if " tasks" in sql and "LIMIT 1" not in sql]
    assert [sql for sql in over_all if not sql.startswith("CREATE TABLE")] == []


def test_a_search_scans_no_more_rows_in_a_step_than_it_may(path: Path, reference: MemoryJournal) -> None:
    query = TaskQuery(name="nothing has this name")
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        found = journal.task_ids(query, scan_limit=9)
        assert found == ([], task_id(TASKS - 2)), "three rows of the table"
        while journal.index_older(5):
            pass
        keyed = TaskQuery(name="nothing has this name", key="nightly")
        assert journal.task_ids(keyed, scan_limit=18) == ([], task_id(4)), "three rows of each state"
        for rare in (TaskQuery(name="rare", state="failed"), TaskQuery(key="nightly", state="failed")):
            assert journal.task_ids(rare, scan_limit=1).ids == [task.id for task in reference.tasks(rare)]
            assert journal.task_ids(rare, scan_limit=1).before is None, "no row of another state is scanned"


@pytest.mark.parametrize("lacking", AGES, ids=["older", "oldest"])
def test_each_step_of_the_indexing_copies_its_own_share_to_the_file(
    tmp_path: Path, lacking: tuple[str, ...]
) -> None:
    """Else the log grows for many steps, and the one that copies all of it takes ten times as long."""
    path, page = tmp_path / "journal.sqlite", 4096 + 24
    with closing(SQLiteJournal(path, HOLDER, "epoch")) as journal:
        about = [About(f"name {n % 50}", key=f"key {n}", notebook="/a", cell=f"c{n}") for n in range(2000)]
        events = [
            event(n, "state", State(TaskState.QUEUED, about=one), task=task_id(n))
            for n, one in enumerate(about, start=1)
        ]
        journal.append([Batch(events[0].producer, 1, events)], NOW)
    make_old(path, lacking)
    sizes = []
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        while journal.index_older(10):
            sizes.append(path.with_name("journal.sqlite-wal").stat().st_size)
        assert journal._db.execute("PRAGMA wal_autocheckpoint").fetchone() == (1000,)
    assert len(sizes) == 200
    assert max(sizes) < 400 * page
