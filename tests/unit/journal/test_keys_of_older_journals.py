"""A task is queued for a key in a journal of an older version, whose tasks are not indexed yet."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.detached.run_spec import RunSpec
from jupyter_agent.detached.targets import CommandTarget
from jupyter_agent.journal.base import Batch, CellLocation, HolderEvent
from jupyter_agent.journal.operations import detached_tasks, pace
from jupyter_agent.journal.operations.detached_tasks import enqueue_task
from jupyter_agent.journal.session import JournalSession, PreemptibleJob, Urgency
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.server.handlers.enqueue import enqueue
from jupyter_agent.server.services import Services
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import HOLDER, PRODUCER, event, task_id

from .test_bounded_steps import FEW, MANY, Steps, assert_bounded, session_of
from .test_listing import AGES, make_old

RUN_SPEC = RunSpec(CommandTarget(["true"]), About("beat", key="k"), "/usr/bin/python3", "/", {})
OTHER_KEY = RunSpec(CommandTarget(["true"]), About("beat", key="other"), "/usr/bin/python3", "/", {})


@pytest.fixture(autouse=True)
def _steps_of_a_fixed_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "STEP_SECONDS", math.inf)
    monkeypatch.setattr(detached_tasks, "SCAN_LIMIT", 30)


def older_journal(path: Path, tasks: int, end: TaskState | None) -> SQLiteJournal:
    """A journal of *tasks* with the key ``k``, none of which is indexed."""
    states = [State(TaskState.QUEUED, about=About("train", key="k"))] + ([State(end)] if end else [])
    parts = [(task_id(number + 1), state) for number in range(tasks) for state in states]
    events = [event(n, "state", state, task=task) for n, (task, state) in enumerate(parts, start=1)]
    with closing(SQLiteJournal(path, HOLDER, "E")) as journal:
        journal.append([Batch(PRODUCER, 1, events)], 1.0)
    make_old(path, AGES[0])
    return SQLiteJournal(path, HOLDER, "E")


def steps_of(path: Path, tasks: int, end: TaskState | None, job: Callable[[JournalSession], object]) -> Steps:
    with closing(older_journal(path / str(tasks), tasks, end)) as journal:
        steps = Steps(journal)
        job(session_of(journal, steps))
        steps.end()
        return steps


def test_a_completed_task_is_found_by_its_key_without_reading_all_that_had_it(
    tmp_path: Path, paths: DataPaths
) -> None:
    def job(session: JournalSession) -> None:
        task, is_new = enqueue_task(session, paths, "default", RUN_SPEC)
        assert (task.state, is_new) == (TaskState.COMPLETED, False)

    few, many = (steps_of(tmp_path, tasks, TaskState.COMPLETED, job) for tasks in (FEW, MANY))
    assert sum(many.each) <= 2 * sum(few.each)


@pytest.mark.parametrize(
    ("end", "run_spec"),
    [(TaskState.FAILED, RUN_SPEC), (None, OTHER_KEY)],
    ids=["none has completed", "all are open, with another key"],
)
def test_a_key_whose_tasks_must_be_read_is_looked_for_in_steps(
    tmp_path: Path, paths: DataPaths, end: TaskState | None, run_spec: RunSpec
) -> None:
    def job(session: JournalSession) -> None:
        task, is_new = enqueue_task(session, paths, "default", run_spec)
        assert (task.attempt, is_new) == (2 if end else 1, True)

    many = assert_bounded(lambda tasks: steps_of(tmp_path, tasks, end, job))
    assert len(many.each) >= MANY / 10


def test_open_tasks_are_listed_without_reading_those_that_have_ended(tmp_path: Path) -> None:
    def job(session: JournalSession) -> None:
        for query in (TaskQuery(state="running"), TaskQuery(state="queued", name="train", key="k")):
            assert session.journal.task_ids(query, scan_limit=3) == ([], None)

    few, many = (steps_of(tmp_path, tasks, TaskState.COMPLETED, job) for tasks in (FEW, MANY))
    assert sum(many.each) <= 2 * sum(few.each)


def test_a_page_of_open_tasks_does_not_read_all_that_are_open(tmp_path: Path) -> None:
    def job(session: JournalSession) -> None:
        found = session.journal.open_tasks(after=task_id(7), limit=3)
        assert [task.id for task in found] == [task_id(8), task_id(9), task_id(10)]

    assert_bounded(lambda tasks: steps_of(tmp_path, tasks, None, job))


def test_one_step_in_the_tasks_of_a_cell_does_not_read_all_that_have_a_key(tmp_path: Path) -> None:
    def job(session: JournalSession) -> None:
        here = [CellLocation(None, None)]
        assert session.journal.task_ids(TaskQuery(key="k"), locations=here, scan_limit=30).before is not None

    assert_bounded(lambda tasks: steps_of(tmp_path, tasks, TaskState.FAILED, job))


@pytest.mark.parametrize("after_steps", [1, 3, 5])
def test_a_task_that_is_retried_during_the_search_is_returned_and_not_queued_once_more(
    tmp_path: Path, paths: DataPaths, after_steps: int
) -> None:
    with closing(older_journal(tmp_path / "journal", FEW, TaskState.FAILED)) as journal:
        left = [after_steps]

        def between() -> None:
            left[0] -= 1
            if not left[0]:
                again = State(TaskState.QUEUED, about=About("train", key="k"), producer="W" * 26)
                journal.append([HolderEvent(task_id(FEW), 2, "state", again)], 2.0)

        session = JournalSession(journal, lambda _stored, _seconds: None, between)
        task, is_new = enqueue_task(session, paths, "default", RUN_SPEC)
        assert left[0] <= 0
        assert (task.id, task.attempt, is_new) == (task_id(FEW), 2, False)


def test_a_task_that_is_deleted_during_the_search_is_not_returned(tmp_path: Path, paths: DataPaths) -> None:
    with closing(older_journal(tmp_path / "journal", FEW, TaskState.FAILED)) as journal:

        def between() -> None:
            journal.forget([task_id(number + 1) for number in range(FEW)])

        session = JournalSession(journal, lambda _stored, _seconds: None, between)
        task, is_new = enqueue_task(session, paths, "default", RUN_SPEC)
        assert (task.attempt, is_new) == (1, True)


class Feed:
    """Does each job at once, and notes how urgent it was."""

    def __init__(self, journal: SQLiteJournal) -> None:
        self.holder = SimpleNamespace(slot=SimpleNamespace(name="default"))
        self.urgencies: list[Urgency] = []
        self._journal = journal

    async def call(self, job: Callable[[JournalSession], Any]) -> Any:
        self.urgencies.append(job.urgency if isinstance(job, PreemptibleJob) else Urgency.REQUEST)
        return job(JournalSession(self._journal, lambda _stored, _seconds: None))


def test_a_server_serves_others_while_it_looks_for_a_key(tmp_path: Path, paths: DataPaths) -> None:
    async def nothing() -> None: ...

    with closing(older_journal(tmp_path / "journal", FEW, TaskState.FAILED)) as journal:
        feed = Feed(journal)
        services = SimpleNamespace(
            feed=feed,
            paths=paths,
            find_places=nothing,
            supervisor=SimpleNamespace(wake=lambda: None),
            annotated=lambda tasks: tasks,
        )
        without_key = RunSpec(CommandTarget(["true"]), About("beat"), "/usr/bin/python3", "/", {})
        for run_spec in (RUN_SPEC, without_key):
            _, is_new = asyncio.run(enqueue(cast("Services", services), run_spec))
            assert is_new
    assert feed.urgencies == [Urgency.LOOKUP, Urgency.REQUEST]
