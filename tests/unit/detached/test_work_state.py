"""The state of a work item, read from its files, through every step of its life."""

from __future__ import annotations

import shutil

from jupyter_agent.core.events import Log
from jupyter_agent.detached.work_queue import (
    WorkItem,
    ask_to_stop,
    claim_work_item,
    complete_work_item,
    enqueue_work_item,
    log_path,
    withdraw_work_item,
)
from jupyter_agent.detached.work_state import WorkState, state_of
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.files import make_private
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.locks import FileLock
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK


def test_from_enqueue_to_recovery(paths: DataPaths) -> None:
    worker = new_id()
    seen = [state_of(paths, worker)]
    enqueue_work_item(paths, WorkItem(TASK, 1, worker, "default", 0.0))
    seen.append(state_of(paths, worker))
    make_private(paths.workers)
    log = FileLock.acquire(log_path(paths, worker))
    assert log is not None
    seen.append(state_of(paths, worker))
    spool = Spool.create(paths, header_for(worker, "default", 0.0))
    seen.append(state_of(paths, worker))
    log.release()
    seen.append(state_of(paths, worker))
    assert claim_work_item(paths, worker) is not None
    seen.append(state_of(paths, worker))
    ask_to_stop(paths, worker)
    seen.append(state_of(paths, worker))
    spool.append(TASK, 1, "log", Log("stdout", "hello"))
    spool.close()
    seen.append(state_of(paths, worker))
    shutil.rmtree(paths.spools / worker)
    complete_work_item(paths, worker)
    seen.append(state_of(paths, worker))
    assert [state.name for state in seen] == [
        "GONE", "WAITING", "STARTING", "STARTING", "WAITING", "RUNNING", "STOPPING", "ENDED", "GONE",
    ]  # fmt: skip
    assert [state.is_open for state in seen] == [False, True, True, True, True, True, True, False, False]


def test_one_that_was_withdrawn_is_gone(paths: DataPaths) -> None:
    worker = new_id()
    enqueue_work_item(paths, WorkItem(TASK, 1, worker, "default", 0.0))
    assert withdraw_work_item(paths, worker)
    assert state_of(paths, worker) is WorkState.GONE
