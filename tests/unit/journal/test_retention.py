"""Retention: by what the journal has seen, in the order of ends, in steps between which others run."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from msgspec import structs

from jupyter_agent.core.events import TaskState
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.errors import JournalError
from jupyter_agent.journal.base import AppendResult, Batch
from jupyter_agent.journal.observed_time import Look, ObservedTime
from jupyter_agent.journal.operations import retention as retention_module
from jupyter_agent.journal.operations.retention import DAY, KIND, Pruned, Retention, observe, prune
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import HOLDER, PRODUCER, TASK, Origin, state, story, task_id

NOW = 1_700_000_000.0
KEPT = Retention(days=30)


@pytest.fixture
def path(paths: DataPaths) -> Path:
    folder = paths.journals / "default"
    folder.mkdir(parents=True, mode=0o700)
    return folder / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[SQLiteJournal]:
    with closing(SQLiteJournal(path, HOLDER, "epoch")) as journal:
        yield journal


def session_of(journal: SQLiteJournal, pending: Callable[[], None] = lambda: None) -> JournalSession:
    return JournalSession(journal, lambda _stored, _seconds: None, pending)


def put_task(journal: SQLiteJournal, number: int, ended: float, lines: int = 3) -> None:
    origin = Origin(task=task_id(number), producer=f"0{number}" + "0" * 24)
    events = [structs.replace(one, time=ended) for one in story(logs=lines, **origin)]
    journal.append([Batch(origin["producer"], 1, events)], ended)


def one_pass(journal: SQLiteJournal, paths: DataPaths, look: Look, retention: Retention = KEPT) -> Pruned:
    session = session_of(journal)
    return prune(session, paths, retention, observe(session, retention, look))


@pytest.mark.parametrize("wall", [NOW + 40 * DAY, 0.0, NOW + 1e9])
def test_a_clock_that_jumped_deletes_nothing(journal: SQLiteJournal, paths: DataPaths, wall: float) -> None:
    put_task(journal, 1, NOW)
    assert not one_pass(journal, paths, Look(NOW, "boot", 10.0)).old
    assert not one_pass(journal, paths, Look(wall, "boot", 20.0)).old
    assert not one_pass(journal, paths, Look(NOW + 600, "boot", 610.0)).old
    assert journal.task(task_id(1))


@pytest.mark.parametrize("ended", [0.0, NOW - 40 * DAY, NOW + 1e9])
def test_a_task_is_as_old_as_the_journal_has_seen_its_end(
    journal: SQLiteJournal, paths: DataPaths, ended: float
) -> None:
    assert not one_pass(journal, paths, Look(NOW, "boot", 0.0)).old
    put_task(journal, 1, ended)
    assert not one_pass(journal, paths, Look(NOW + DAY, "boot", DAY)).old
    put_task(journal, 2, NOW)
    assert not one_pass(journal, paths, Look(NOW + 30.9 * DAY, "boot", 30.9 * DAY)).old
    assert one_pass(journal, paths, Look(NOW + 31 * DAY, "boot", 31 * DAY)).old == [task_id(1)]
    assert journal.task(task_id(2))


def test_by_size_the_first_end_goes_first_whatever_its_clock_said(
    journal: SQLiteJournal, paths: DataPaths
) -> None:
    for number, ended in ((1, NOW + 1e9), (2, 0.0), (3, NOW)):
        put_task(journal, number, ended)
    pruned = one_pass(journal, paths, Look(NOW, "boot", 0.0), Retention(size=0))
    assert (pruned.old, pruned.large) == ([], [task_id(1), task_id(2), task_id(3)])


def test_a_pass_tells_how_many_and_why(
    journal: SQLiteJournal, paths: DataPaths, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    put_task(journal, 1, NOW)
    one_pass(journal, paths, Look(NOW, "boot", 0.0))
    assert caplog.messages == [], "no deletion, no line"
    one_pass(journal, paths, Look(NOW + 31 * DAY, "boot", 31 * DAY))
    (line,) = caplog.messages
    assert line.startswith("deleted 1 ended tasks: 1 by age, 0 by size (c.JupyterAgent.retention_days is 30")
    one_pass(journal, paths, Look(NOW + 90 * DAY, "boot", 31 * DAY + 600))
    assert "the clock has moved by +59.0 days" in caplog.messages[-1]


def test_the_time_seen_is_of_one_journal_and_survives_a_restart(path: Path, paths: DataPaths) -> None:
    with closing(SQLiteJournal(path, HOLDER, "epoch")) as journal:
        put_task(journal, 1, NOW)
        one_pass(journal, paths, Look(NOW, "boot", 0.0))
        body = journal.record(KIND, "epoch")
        assert body
        journal.put_record(KIND, "another", body.replace(b'"seen":0.0', b'"seen":1e9'))
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert not one_pass(journal, paths, Look(NOW + 29 * DAY, "boot", 29 * DAY)).old
        assert one_pass(journal, paths, Look(NOW + 30 * DAY, "boot", 30 * DAY)).old == [task_id(1)]


def test_a_journal_of_an_older_version_counts_from_now_and_loses_its_tasks_then(
    path: Path, paths: DataPaths
) -> None:
    with closing(SQLiteJournal(path, HOLDER, "epoch")) as journal:
        put_task(journal, 1, 0.0)
        put_task(journal, 2, NOW)
    with closing(sqlite3.connect(path)) as db:
        for name in ("ends", "forgotten", "listed"):
            db.execute(f"DROP TABLE {name}")
        db.execute("CREATE INDEX tasks_by_state ON tasks (state, ended)")
        db.commit()
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert not one_pass(journal, paths, Look(NOW, "boot", 0.0)).old
        assert len(journal.tasks()) == 2
        gone = one_pass(journal, paths, Look(NOW + 30 * DAY, "boot", 30 * DAY)).old
        assert gone == [task_id(1), task_id(2)]


def test_each_pass_checks_what_the_journal_had_when_it_was_opened(
    path: Path, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SQLiteJournal(path, HOLDER, "epoch")) as journal:
        for number in (1, 2):
            put_task(journal, number, NOW, lines=300)
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        put_task(journal, 3, NOW)
        steps = list[bool]()
        check = journal.check_index

        def note(limit: int) -> bool:
            steps.append(check(limit))
            return steps[-1]

        monkeypatch.setattr(journal, "check_index", note)
        one_pass(journal, paths, Look(NOW, "boot", 0.0))
        assert len(steps) > 1, "in steps, between which others run"
        one_pass(journal, paths, Look(NOW, "boot", 0.0))
        assert steps.count(False) == 2, "each to its end"


def test_a_long_task_is_deleted_in_steps_and_a_stop_between_them_is_made_up_for(
    path: Path, paths: DataPaths
) -> None:
    with closing(SQLiteJournal(path, HOLDER, "epoch")) as journal:

        def stop() -> None:
            if journal.task(task_id(1)) is None:
                raise JournalError("closed")

        put_task(journal, 1, NOW, lines=2500)
        with pytest.raises(JournalError, match="closed"):
            prune(session_of(journal, stop), paths, Retention(size=0), ObservedTime())
        assert journal.task(task_id(1)) is None
        left = [one.task for one in journal.read(0, 10_000, size=1 << 30)].count(task_id(1))
        assert 0 < left < 2500, "the rest is for later"
        assert not journal.recoverable(0, None)
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        put_task(journal, 2, NOW)
        assert not one_pass(journal, paths, Look(NOW, "boot", 0.0)).old
        assert {one.task for one in journal.read(0, 10_000)} == {task_id(2)}


def test_a_stop_at_any_step_leaves_no_file_without_its_task_and_the_rest_to_the_next_pass(
    journal: SQLiteJournal, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While files are listed, between two batches, and while events are deleted."""
    monkeypatch.setattr(retention_module, "_LISTED", 8)
    paths.results.mkdir()
    for number in range(1, 26):
        put_task(journal, number, NOW)
        (paths.results / f"{task_id(number)}-1.pickle").write_bytes(b"x")
    origin = Origin(task=task_id(99), producer="0" * 26)
    journal.append([Batch(origin["producer"], 1, story(end=False, **origin))], NOW)
    (paths.results / f"{task_id(99)}-1.pickle").write_bytes(b"x")
    counts, is_complete = list[int](), False
    while not is_complete:
        left = iter(range(len(counts)))

        def stop(left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise JournalError("the journal is closed in the middle of a job")

        with suppress(JournalError):
            prune(session_of(journal, stop), paths, Retention(size=0), ObservedTime())
            is_complete = True
        tasks = {task.id for task in journal.tasks(TaskQuery(limit=None))}
        assert {file.name.removesuffix("-1.pickle") for file in paths.results.iterdir()} == tasks
        counts.append(len(tasks))
    assert counts[:3] == [26, 26, 26], "while the files were listed"
    assert any(1 < count < 26 for count in counts), "between two batches"
    assert tasks == {task_id(99)}
    assert {one.task for one in journal.read(0, 10_000)} == {task_id(99)}


def test_files_go_with_their_task_and_no_others(journal: SQLiteJournal, paths: DataPaths) -> None:
    for folder in (paths.results, paths.checkpoints, paths.calls):
        folder.mkdir()
    put_task(journal, 1, NOW)
    mine = [paths.results / f"{task_id(1)}-1.pickle", paths.checkpoints / f".{task_id(1)}-1.part"]
    kept = [paths.results / f"{task_id(2)}-1.pickle", paths.checkpoints / "unrelated"]
    for file in (*mine, *kept):
        file.write_bytes(b"x")
    (paths.calls / task_id(1)).mkdir()
    (paths.calls / task_id(1) / "run.json").write_bytes(b"x")
    assert one_pass(journal, paths, Look(NOW, "boot", 0.0), Retention(size=0)).large == [task_id(1)]
    assert [file.exists() for file in (*mine, *kept)] == [False, False, True, True]
    assert list(paths.calls.iterdir()) == []


def test_attempts_of_the_newest_forgotten_tasks_are_remembered(
    journal: SQLiteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_agent.journal.sqlite.pruning.MAX_FORGOTTEN", 2)
    for number in range(1, 5):
        put_task(journal, number, NOW)
        journal.forget([task_id(number)])
    assert [bool(journal.owners(task_id(number), 1)) for number in range(1, 5)] == [False, False, True, True]


def test_a_task_that_came_back_keeps_its_attempts_and_new_events(
    journal: SQLiteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_agent.journal.sqlite.pruning.MAX_FORGOTTEN", 0)
    journal.append([Batch(PRODUCER, 1, story(logs=2500))], NOW)
    last = journal.head
    journal.forget([TASK])
    back = state(2504, TaskState.QUEUED, attempt=2)
    journal.append([Batch(PRODUCER, 2504, [back])], NOW)
    while journal.purge(1000):
        pass
    assert [one.offset > last for one in journal.read(0, 100)] == [True]
    assert journal.owners(TASK, 2) == (PRODUCER,)


def test_a_task_that_is_retried_while_its_files_are_looked_for_stays(
    journal: SQLiteJournal, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_agent.journal.operations.retention._LISTED", 1)
    paths.results.mkdir()
    (paths.results / f"{task_id(2)}-1.pickle").write_bytes(b"x")
    put_task(journal, 1, NOW)
    put_task(journal, 2, NOW)
    retried: list[AppendResult] = []

    def retry() -> None:
        queued = state(90, TaskState.QUEUED, attempt=2, task=task_id(2), producer=PRODUCER)
        if not retried:
            retried.extend(journal.append([Batch(PRODUCER, 90, [queued])], NOW))

    session = session_of(journal, retry)
    time = observe(session, Retention(size=0), Look(NOW, "boot", 0.0))
    assert prune(session, paths, Retention(size=0), time).large == [task_id(1)]
    task = journal.task(task_id(2))
    assert task is not None
    assert (task.attempt, task.state) == (2, TaskState.QUEUED)
    assert len(list(paths.results.iterdir())) == 1
