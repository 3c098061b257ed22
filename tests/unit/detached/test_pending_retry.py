"""A worker whose attempt failed, in the moment before it queues the next one."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest
from msgspec.structs import replace

import jupyter_agent as ja
from jupyter_agent.core.events import About, TaskState
from jupyter_agent.core.task import Task
from jupyter_agent.detached.run_spec import RunSpec, save_run_spec
from jupyter_agent.detached.work_queue import (
    claim_work_item,
    enqueue_work_item,
)
from jupyter_agent.errors import NotNow
from jupyter_agent.journal.base import TaskIds
from jupyter_agent.journal.operations.detached_tasks import enqueue_task, requeue_task
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.notebook import idempotency, remote_task
from jupyter_agent.notebook.remote_task import RemoteTask
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK
from tests.support.detached import run_spec, work_item
from tests.support.runtime import own_producer  # noqa: F401


@pytest.fixture
def failed(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    monkeypatch.setattr(remote_task, "SNAPSHOT_AGE", 60.0)
    one = work_item(attempt=2)
    enqueue_work_item(paths, one)
    spool = Spool.create(paths, header_for(one.producer, "default", 0.0))
    assert claim_work_item(paths, one.producer) is not None
    yield Task(TASK, attempt=2, key="k", state=TaskState.FAILED, producer=one.producer)
    spool.close()


def with_retries(paths: DataPaths, retries: int) -> RunSpec:
    one = replace(run_spec("/bin/false"), retries=retries, about=About("work", key="k"))
    save_run_spec(paths, TASK, one)
    return one


def session(task: Task) -> JournalSession:
    journal = SimpleNamespace(
        task_ids=lambda *_, **__: TaskIds([task.id], None),
        tasks_of=lambda ids: [task for one in ids if one == task.id],
    )
    return cast(JournalSession, SimpleNamespace(journal=journal))


def test_a_retry_by_hand_is_refused(paths: DataPaths, failed: Task) -> None:
    with_retries(paths, 1)
    with pytest.raises(NotNow, match="is about to be retried automatically"):
        requeue_task(session(failed), paths, "default", failed, "somebody")


def test_its_key_finds_the_attempt_to_come(paths: DataPaths, failed: Task) -> None:
    wanted = with_retries(paths, 1)
    assert enqueue_task(session(failed), paths, "default", wanted) == (failed, False)


def test_its_key_finds_it_in_a_notebook_too(
    paths: DataPaths, failed: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_retries(paths, 1)
    monkeypatch.setattr(idempotency, "list_tasks", lambda *_, **__: [failed])
    with idempotency.reserve_key(current_producer(), "k") as found:
        assert isinstance(found, ja.TaskHandle)


def test_a_wait_goes_on(paths: DataPaths, failed: Task) -> None:
    with_retries(paths, 1)
    assert not RemoteTask(current_producer(), TASK, failed).wait(0.0)


@pytest.mark.parametrize("why", ["last attempt", "cancelled", "other end", "worker gone"])
def test_otherwise_a_wait_is_over(paths: DataPaths, failed: Task, why: str) -> None:
    with_retries(paths, 0 if why == "last attempt" else 1)
    failed.cancel_requested = why == "cancelled"
    if why == "other end":
        failed.state = TaskState.INTERRUPTED
    if why == "worker gone":
        failed.producer = new_id()
    assert RemoteTask(current_producer(), TASK, failed).wait(0.0)
