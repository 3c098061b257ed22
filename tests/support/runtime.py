"""A producer of the test's own for tests of the notebook side, and the events it emitted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.core.events import Event, Log, State, TaskState, decode_data, decode_event
from jupyter_agent.journal.one_shot.session import run_in_session
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.producer.producer import existing_producer
from jupyter_agent.producer.spool_folder import read_spool
from jupyter_agent.runtime.local_task import LocalTask, local_tasks
from jupyter_agent.runtime.outcome import Outcome
from jupyter_agent.system.paths import DataPaths
from tests.support.producers import close_current


@pytest.fixture(autouse=True)
def own_producer(own_environment: Path) -> Iterator[None]:
    """A producer for this test alone."""
    yield
    for task in local_tasks.abandon_all():
        interrupt(task, "the test ended")
    local_tasks.reset()
    close_current()


def interrupt(task: LocalTask | None, reason: str = "for the test") -> None:
    """End the present attempt of *task*, as if its process had ended."""
    assert task is not None
    task.give_up()
    if task.attempt is not None:
        task.complete(task.attempt, Outcome(TaskState.INTERRUPTED, reason=reason))


def emitted(task_id: str | None = None, kind: str | None = None) -> list[Event]:
    """Every event that this process has emitted, of one task and one type if given."""
    producer = existing_producer()
    assert producer is not None
    events = [decode_event(body) for _, body in read_spool(producer.spool.folder)[1]]
    return [e for e in events if task_id in (None, e.task) and kind in (None, e.type)]


def states(task_id: str) -> list[str]:
    """The states of a task, in order."""
    found = []
    for event in emitted(task_id, "state"):
        data = decode_data(event)
        assert isinstance(data, State)
        found.append(data.state.value)
    return found


def logs(task_id: str) -> list[Log]:
    """The log events of a task."""
    found = []
    for event in emitted(task_id, "log"):
        data = decode_data(event)
        assert isinstance(data, Log)
        found.append(data)
    return found


def until(condition: Callable[[], object], timeout: float = 20.0) -> None:
    """Wait for *condition*."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def run_script(folder: Path, text: str, *, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run *text* as a script in a process of its own, warnings as errors."""
    script = folder / "script.py"
    script.write_text(text)
    return subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def spooled(folder: Path) -> list[Event]:
    """The events in all spools below the agent folder of a test."""
    events: list[Event] = []
    for spool in sorted((folder / "agent" / "spools").glob("[!.]*")):
        events += [decode_event(body) for _, body in read_spool(spool)[1]]
    return events


def recovered(folder: Path, task: str | None = None) -> list[dict[str, Any]]:
    """The events below the agent folder of a test, of one task if given, as the next holder has them."""

    def job(session: JournalSession) -> list[dict[str, Any]]:
        stored, after = list[dict[str, Any]](), 0
        while page := session.journal.read(after, 1000):
            stored += [json.loads(event.encoded) for event in page]
            after = page[-1].offset
        return stored

    events = run_in_session(DataPaths(folder / "agent"), "default", job)
    return [event for event in events if task in (None, event["task"])]
