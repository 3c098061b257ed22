"""The program that a kernel without a server asks: requests and answers as JSON."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from jupyter_agent.core.events import Event, TaskState
from jupyter_agent.core.query import EventQuery, TaskQuery
from jupyter_agent.core.task import Task
from jupyter_agent.journal.one_shot.all_journals import AllJournals
from jupyter_agent.journal.one_shot.journal import OneShotJournal
from jupyter_agent.protocol.one_shot import ListTasks, ReadEvents, Request, SendCommand, ShowTask
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.problem import read_problem
from tests.support.builders import PACKAGE_ROOT, TASK, story, until
from tests.support.cli import Writer
from tests.support.fake_server import FakeHolder


@pytest.fixture
def writer(paths: DataPaths) -> Iterator[Writer]:
    writer = Writer(paths)
    yield writer
    writer.die()


def ask(request: Request) -> tuple[int, bytes]:
    """The exit status and the output."""
    program = [sys.executable, "-W", "error", "-m", "jupyter_agent.journal.one_shot"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    done = subprocess.run(
        program, input=msgspec.json.encode(request), capture_output=True, env=environment, timeout=60
    )
    assert done.stderr == b""
    return done.returncode, done.stdout


def test_tasks_and_events_come_as_json(writer: Writer) -> None:
    writer.say("hello\n")
    status, answer = ask(ListTasks(TaskQuery(name="train")))
    assert status == 0
    assert [task.id for task in msgspec.json.decode(answer, type=list[Task])] == [writer.task]
    assert msgspec.json.decode(ask(ListTasks(TaskQuery(state="failed")))[1]) == []
    status, answer = ask(ShowTask(writer.task))
    assert (status, msgspec.json.decode(answer, type=Task).state) == (0, TaskState.RUNNING)
    status, answer = ask(ReadEvents(writer.task))
    assert [event.n for event in msgspec.json.decode(answer, type=list[Event])] == [1, 2, 3]


def test_events_after_a_cursor_are_the_later_ones(paths: DataPaths, writer: Writer) -> None:
    writer.say("hello\n")
    page = OneShotJournal(paths, "default").events(writer.task, EventQuery(limit=2))
    _, answer = ask(ReadEvents(writer.task, page.cursor))
    assert [event.n for event in msgspec.json.decode(answer, type=list[Event])] == [3]


@pytest.mark.parametrize("command", ["cancel", "input", "retry"])
def test_a_refusal_is_a_problem_with_its_code(writer: Writer, command: str) -> None:
    status, answer = ask(SendCommand(writer.task, command))
    assert (status, read_problem(answer).code) == (1, "not_now")
    status, answer = ask(SendCommand(unknown := new_id(), command))
    problem = read_problem(answer)
    assert (status, problem.code, problem.detail) == (1, "unknown_task", f"there is no task {unknown}")


def test_a_journal_that_a_server_holds_is_asked_over_http(paths: DataPaths, writer: Writer) -> None:
    holder = FakeHolder(paths, "default-2")
    with holder as fake:
        holder.append(story(end=False))
        until(lambda: fake.journal.task(TASK))
        journals = AllJournals(paths)
        assert [task.id for task in journals.tasks(TaskQuery())] == [writer.task, TASK]
        assert len(journals.events(TASK, None)) == len(story(end=False))
        journals.command(TASK, "cancel", {})
        assert fake.commands == [(TASK, "cancel", {})]
