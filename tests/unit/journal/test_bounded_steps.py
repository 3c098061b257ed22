"""The work between two pauses of a long job, and of a request, does not grow with what there is.

Work is counted in instructions of SQLite's virtual machine, and never in time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path

import pytest

from jupyter_agent.core.events import About, Log, State, TaskState
from jupyter_agent.core.query import TaskQuery, TasksPage
from jupyter_agent.core.task import Task
from jupyter_agent.core.trigger_parser import ScheduleSpec
from jupyter_agent.core.triggers import Every
from jupyter_agent.detached.run_spec import RunSpec
from jupyter_agent.detached.targets import CommandTarget
from jupyter_agent.errors import JournalError
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.operations import interruption, journal_merge, pace
from jupyter_agent.journal.operations.detached_tasks import enqueue_task
from jupyter_agent.journal.operations.firing import ScheduleRunner
from jupyter_agent.journal.operations.interruption import Leases, interrupt_orphans, open_tasks_of
from jupyter_agent.journal.operations.schedules import add_schedule, delete_schedule
from jupyter_agent.journal.operations.spool_recovery import _end_open_tasks, read_spools_of
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.sqlite import task_queries
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.protocol.http import TaskPager
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import HOLDER, PRODUCER, event, story, task_id

FEW, MANY = 60, 600
AT_ONCE = 10
CALL = RunSpec(CommandTarget(["true"]), About("beat"), "/usr/bin/python3", "/", {})


@pytest.fixture(autouse=True)
def _largest_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps do not become smaller on a slow machine."""
    monkeypatch.setattr(pace, "STEP_SECONDS", math.inf)


class Steps:
    """Counts the work of each step of a job on *journals*."""

    def __init__(self, *journals: SQLiteJournal) -> None:
        self.each: list[int] = []
        self._count = 0
        for journal in journals:
            journal._db.set_progress_handler(self._add, 10)

    def _add(self) -> int:
        self._count += 1
        return 0

    def end(self) -> None:
        """Note that a step has ended."""
        self.each.append(self._count)
        self._count = 0

    @property
    def largest(self) -> int:
        return max(self.each)


@contextmanager
def filled(
    path: Path, tasks: int, *, producers: int = 1, end: TaskState | None = None
) -> Iterator[SQLiteJournal]:
    """A journal of *tasks* with the same key, by so many producers."""
    with closing(SQLiteJournal(path, HOLDER, new_id())) as journal:
        for number in range(tasks):
            producer = f"{number % producers:05}" + "P" * 21
            states = [State(TaskState.QUEUED, about=About("train", key="k"))] + ([State(end)] if end else [])
            first = 1 + number // producers * len(states)
            events = [
                event(n, "state", one, task=task_id(number + 1), producer=producer)
                for n, one in enumerate(states, start=first)
            ]
            journal.append([Batch(producer, 1, events)], 1.0)
        yield journal


def session_of(journal: SQLiteJournal, steps: Steps) -> JournalSession:
    return JournalSession(journal, lambda _stored, _seconds: None, steps.end)


def work_of(path: Path, tasks: int, job: Callable[[JournalSession], object], **fill: object) -> Steps:
    """Return the steps of a job in a journal of so many tasks."""
    with filled(path / str(tasks), tasks, **fill) as journal:  # type: ignore[arg-type]
        steps = Steps(journal)
        job(session_of(journal, steps))
        steps.end()
        return steps


def assert_bounded(work: Callable[[int], Steps]) -> Steps:
    """Assert that ten times as many of something make more steps, or none, and not larger ones."""
    few, many = work(FEW), work(MANY)
    assert many.largest <= 2 * few.largest
    return many


def test_tasks_of_dead_producers_are_interrupted_in_steps(
    tmp_path: Path, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "CHUNK", AT_ONCE)

    def job(session: JournalSession) -> None:
        assert interrupt_orphans(session, paths, lambda _: False, Leases(0.0)) == set()
        assert session.journal.open_tasks() == []

    steps = assert_bounded(lambda tasks: work_of(tmp_path, tasks, job, producers=tasks))
    assert len(steps.each) >= MANY / AT_ONCE


@pytest.mark.parametrize("few", [task_queries.FEW, 0], ids=["by producer", "by state"])
def test_open_tasks_of_a_producer_are_those_alone(
    tmp_path: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_queries, "FEW", few)
    with filled(tmp_path / "journal", FEW, producers=3) as journal:
        found = chain(*open_tasks_of(session_of(journal, Steps(journal)), "00001" + "P" * 21))
        assert [task.id for task in found] == [task_id(number + 1) for number in range(1, FEW, 3)]
        page = journal.open_tasks(producer="00001" + "P" * 21, after=task_id(10), limit=2)
        assert [task.id for task in page] == [task_id(11), task_id(14)]


def test_open_tasks_of_a_dead_producer_do_not_cost_what_all_open_ones_do(tmp_path: Path) -> None:
    def job(session: JournalSession) -> None:
        assert len(list(chain(*open_tasks_of(session, "00001" + "P" * 21)))) == 1

    assert_bounded(lambda tasks: work_of(tmp_path, tasks, job, producers=tasks))


def test_the_open_tasks_of_one_dead_producer_are_ended_in_steps(
    tmp_path: Path, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "CHUNK", AT_ONCE)
    monkeypatch.setattr(task_queries, "FEW", 2 * AT_ONCE)
    monkeypatch.setattr(task_queries, "PAGE", 2 * AT_ONCE)
    Spool.create(paths, header_for("00000" + "P" * 21, "default", 1.0)).close()
    folder = paths.spools / ("00000" + "P" * 21)

    def job(session: JournalSession) -> None:
        _end_open_tasks(session, paths, folder)
        assert session.journal.open_tasks() == []

    steps = assert_bounded(lambda tasks: work_of(tmp_path, tasks, job))
    assert len(steps.each) >= MANY / AT_ONCE


def test_a_task_is_queued_for_a_key_without_reading_all_that_had_it(tmp_path: Path, paths: DataPaths) -> None:
    run_spec = RunSpec(CommandTarget(["true"]), About("beat", key="k"), "/usr/bin/python3", "/", {})

    def job(session: JournalSession) -> None:
        task, is_new = enqueue_task(session, paths, "default", run_spec)
        assert (task.attempt, is_new) == (2, True), "the newest failed one goes on"

    assert_bounded(lambda tasks: work_of(tmp_path, tasks, job, end=TaskState.FAILED))


@pytest.mark.parametrize("producers", [1, MANY])
def test_a_journal_is_merged_in_steps(
    tmp_path: Path, producers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each detached task has a producer of its own, so that there are as many of them."""
    monkeypatch.setattr(journal_merge, "CHUNK", AT_ONCE)
    monkeypatch.setattr(journal_merge, "PRODUCERS", AT_ONCE)

    def work(tasks: int) -> Steps:
        with (
            filled(tmp_path / f"from-{tasks}", tasks, producers=min(producers, tasks)) as source,
            closing(SQLiteJournal(tmp_path / f"to-{tasks}", HOLDER, "T")) as target,
        ):
            steps = Steps(source, target)
            journal_merge._merge(session_of(target, steps), source)
            steps.end()
            assert len(target.tasks(TaskQuery(limit=None))) == tasks
            assert [row[:2] for row in target.producers()] == [row[:2] for row in source.producers()]
            return steps

    assert len(assert_bounded(work).each) >= MANY / AT_ONCE


def test_a_merge_goes_on_where_a_stop_ended_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_merge, "CHUNK", AT_ONCE)
    with (
        filled(tmp_path / "from", FEW) as source,
        closing(SQLiteJournal(tmp_path / "to", HOLDER, "T")) as target,
    ):
        for stops in range(1, 4):
            left = iter(range(stops))

            def stop(left: Iterator[int] = left) -> None:
                if next(left, None) is None:
                    raise JournalError("the journal is closed in the middle of a job")

            with pytest.raises(JournalError, match="closed in the middle"):
                journal_merge._merge(JournalSession(target, lambda _stored, _seconds: None, stop), source)
            assert target.head == AT_ONCE * stops + AT_ONCE, "and what was merged is not merged again"
        journal_merge._merge(session_of(target, Steps(target)), source)
        assert len(target.read(0, 10 * FEW)) == FEW


def test_the_log_is_copied_to_the_file_in_small_parts(tmp_path: Path) -> None:
    """The commit in which that happens takes as long as the disk needs for all of it."""
    path = tmp_path / "journal"
    with closing(SQLiteJournal(path, HOLDER, "E")) as journal:
        line = Log("stdout", "x" * 60_000)
        for n in range(1, 201):
            journal.append([Batch(PRODUCER, n, [event(n, "log", line)])], 1.0)
            assert path.with_name("journal-wal").stat().st_size < 5 << 20
        assert path.stat().st_size > 10 << 20


def test_others_run_between_the_schedules_of_a_tick_and_may_delete_one(
    tmp_path: Path, paths: DataPaths
) -> None:
    """After a long absence all of them are due, and each writes files and syncs the disk."""
    with closing(SQLiteJournal(tmp_path / "journal", HOLDER, "E")) as journal:
        steps = Steps(journal)
        session = session_of(journal, steps)
        spec = ScheduleSpec(Every(60.0, 0.0), "UTC", "allow")
        idents = sorted(add_schedule(session, CALL, spec, ident=new_id(), now=0.0).id for _ in range(20))
        seen: list[int] = []

        def between() -> None:
            seen.append(len(journal.tasks(TaskQuery(limit=None))))
            if len(seen) == 5:
                delete_schedule(session, idents[-1])

        session._run_pending = between
        result = ScheduleRunner(paths, "default").tick(session, 90.0)
        assert result.queued == 19
        assert [after - before for before, after in zip([0, *seen], seen, strict=False)] == [1] * 19 + [0] * (
            len(seen) - 19
        )


def test_spools_of_living_producers_are_looked_through_file_by_file(tmp_path: Path, paths: DataPaths) -> None:
    """A request for a young task that is unknown may have to look through gigabytes."""
    spools = [Spool.create(paths, header_for(new_id(), "default", 1.0)) for _ in range(4)]
    for spool in spools:
        spool.append(task_id(1), 1, "state", State(TaskState.QUEUED))
    with closing(SQLiteJournal(tmp_path / "journal", HOLDER, "E")) as journal:
        steps = Steps(journal)
        read_spools_of(session_of(journal, steps), paths, "default", [task_id(2)])
        assert len(steps.each) >= 2 * len(spools), "after each file, and each spool"
        assert journal.head == 0
    for spool in spools:
        spool.close()


def test_the_tail_of_a_long_task_is_looked_for_among_its_newest_events(tmp_path: Path) -> None:
    def work(logs: int) -> Steps:
        with closing(SQLiteJournal(tmp_path / str(logs), HOLDER, "E")) as journal:
            journal.append([Batch(PRODUCER, 1, story(task=task_id(1), logs=logs))], 1.0)
            steps = Steps(journal)
            assert journal.tail(task_id(1), 5, ["display"], scan_limit=20) == []
            assert [one.type for one in journal.tail(task_id(1), 5, ["state"], scan_limit=20)] == ["state"]
            steps.end()
            return steps

    assert_bounded(work)


def test_a_client_goes_on_after_a_page_that_ended_early() -> None:
    pager = TaskPager(TaskQuery(name="rare", limit=3))
    pages = [
        TasksPage([], more=True, before="Q"),
        TasksPage([Task("P")], more=True, before="M"),
        TasksPage([Task("L")], more=True),
        TasksPage([], more=False),
    ]
    asked = []
    for page in pages:
        asked.append(pager.path)
        pager.add(page)
    assert pager.path is None
    assert asked == [
        "tasks?name=rare&limit=3",
        "tasks?name=rare&before=Q&limit=3",
        "tasks?name=rare&before=M&limit=2",
        "tasks?name=rare&before=L&limit=1",
    ]
    assert [task.id for task in pager.found] == ["P", "L"]
