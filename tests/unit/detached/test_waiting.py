"""What queued tasks wait for, as a view says it."""

from __future__ import annotations

from jupyter_agent.core.events import TaskState
from jupyter_agent.core.snapshots import WaitingSnapshot
from jupyter_agent.core.task import Task
from jupyter_agent.detached.observed.task_process import process_of
from jupyter_agent.detached.observed.waiting import WorkerSlots, WorkersStatus, waiting_for, workers_status
from jupyter_agent.detached.work_queue import WorkItem, enqueue_work_item
from jupyter_agent.detached.worker_slots import WorkerLimits, acquire_worker_slot, save_limits
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.locks import FileLock
from jupyter_agent.system.paths import DataPaths

NOW = 1_800_000_000.0


def queued(paths: DataPaths, *, not_before: float = 0.0, after: str | None = None) -> Task:
    worker = new_id()
    task = Task(new_id(), on="detached", producer=worker, reason="retry 2 of 3 in 30s: ValueError")
    enqueue_work_item(paths, WorkItem(task.id, 1, worker, "default", NOW, not_before=not_before, after=after))
    return task


def test_a_detached_task_waits_for_a_worker_while_all_are_busy(paths: DataPaths) -> None:
    save_limits(paths, WorkerLimits(2))
    task = queued(paths)
    first = acquire_worker_slot(paths)
    assert waiting_for(paths, task, NOW) is None
    assert workers_status(paths) == WorkersStatus(1, 2, 1)
    second = acquire_worker_slot(paths)
    assert first is not None
    assert second is not None
    expected = WaitingSnapshot("workers", "waits for a worker: all 2 workers are busy")
    assert waiting_for(paths, task, NOW) == expected
    assert workers_status(paths) == WorkersStatus(2, 2, 1)
    slots = WorkerSlots(paths)
    assert waiting_for(paths, task, NOW, slots) == expected
    second.release()
    assert waiting_for(paths, queued(paths), NOW, slots) == expected, "one look serves many"
    assert waiting_for(paths, task, NOW) is None
    first.release()


def test_a_retry_waits_for_its_time(paths: DataPaths) -> None:
    task = queued(paths, not_before=NOW + 30)
    assert waiting_for(paths, task, NOW) == WaitingSnapshot("retry", task.reason or "", NOW + 30)
    assert waiting_for(paths, task, NOW + 31) is None


def test_an_attempt_waits_for_the_one_before_it(paths: DataPaths) -> None:
    before = new_id()
    folder = paths.spools / before
    folder.mkdir(parents=True)
    lock = FileLock.acquire(folder / "lock")
    assert lock is not None
    task = queued(paths, after=before)
    found = waiting_for(paths, task, NOW)
    assert found is not None
    assert found.why == "attempt"
    lock.release()
    assert waiting_for(paths, task, NOW) is None


def test_other_tasks_wait_for_their_retry_or_their_executor(paths: DataPaths) -> None:
    retry = Task("x", on="thread", reason="retry 2 of 3 in 30s: ValueError")
    assert waiting_for(paths, retry, NOW) == WaitingSnapshot("retry", retry.reason or "")
    executor = Task("x", on="ThreadPoolExecutor")
    text = "waits for a free place in its ThreadPoolExecutor"
    assert waiting_for(paths, executor, NOW) == WaitingSnapshot("executor", text)
    assert waiting_for(paths, Task("x", on="thread"), NOW) is None
    assert waiting_for(paths, Task("x"), NOW) is None
    assert waiting_for(paths, Task("x", on="Pool", state=TaskState.RUNNING), NOW) is None


def test_a_producer_that_is_no_id_is_no_file(paths: DataPaths) -> None:
    for name in ("../x", "\0", "x" * 5000):
        assert waiting_for(paths, Task(new_id(), on="detached", producer=name), NOW) is None
        running = Task(new_id(), state=TaskState.RUNNING, on="detached", producer=name)
        assert process_of(paths, running) is None
