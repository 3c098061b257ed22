"""A cell that takes too long: it has the grace of the task to clean up, and no further cell begins."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import jupyter_agent as ja
from jupyter_agent.core.events import Stopping, decode_data
from jupyter_agent.detached.targets import NotebookTarget
from jupyter_agent.runtime.local_task import local_tasks
from jupyter_agent.runtime.stopping.cancellation import Cancellation
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.worker.notebooks.client import ReportingNotebookClient
from jupyter_agent.worker.notebooks.notebook import run
from tests.support.runtime import own_producer, spooled, until  # noqa: F401
from tests.support.workers import no_workers_left

NEXT = "open('next', 'w').close()"
SAVES = "try:\n    time.sleep(600)\nfinally:\n    time.sleep(1.5)\n    open('saved', 'w').close()"
FORGIVES = (
    "try:\n    open('begun', 'w').close()\n    time.sleep(600)\n"
    "except KeyboardInterrupt:\n    open('saved', 'w').close()"
)
IGNORES = (
    "while True:\n"
    "    try:\n"
    "        time.sleep(0.1)\n"
    "    except KeyboardInterrupt:\n"
    "        open('ignored', 'w').close()"
)


@pytest.fixture(autouse=True)
def workers_end(paths: DataPaths) -> Iterator[None]:
    with no_workers_left(paths):
        yield


def run_notebook(path: str, cell_timeout: float | None) -> None:
    run(NotebookTarget(path, cell_timeout=cell_timeout), ja.current())


def notebook_of(folder: Path, cell: str) -> Path:
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell("import time"), new_code_cell(cell), new_code_cell(NEXT)]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": spec})
    nbformat.write(notebook, folder / "slow.ipynb")
    return folder / "slow.ipynb"


def begin(folder: Path, cell: str, *, on: Any = "process", grace: float = 60.0) -> ja.TaskHandle:
    task = ja.task(run_notebook, on=on, grace=grace, show=False)
    return task.submit(str(notebook_of(folder, cell)), 1.0)


def failure_of(handle: ja.TaskHandle) -> str:
    error = handle.exception(60)
    assert isinstance(error, ja.TaskFailed)
    assert error.type == "CellTimeoutError"
    return str(error)


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_cell_that_takes_too_long_fails_after_its_clean_up(on: Any, tmp_path: Path) -> None:
    assert failure_of(begin(tmp_path, SAVES, on=on)).endswith(
        "in cell 2: it ran longer than its timeout of 1 s"
    )
    assert (tmp_path / "saved").exists()
    assert not (tmp_path / "next").exists()


def run_until_it_is_late(path: str) -> None:
    """Run a notebook whose task has run too long once its cell has begun."""
    task = local_tasks.get(ja.current().id)
    assert task is not None
    assert task.attempt is not None
    attempt = task.attempt

    def be_late() -> None:
        until(Path(path).with_name("begun").exists, 60)
        attempt.started = time.monotonic() - 2000

    threading.Thread(target=be_late).start()
    run_notebook(path, None)


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_notebook_that_takes_too_long_as_a_whole_fails_after_its_clean_up(on: Any, tmp_path: Path) -> None:
    path = notebook_of(tmp_path, f"open('begun', 'w').close()\n{SAVES}")
    task = ja.task(run_until_it_is_late, on=on, timeout=1000, grace=60, show=False)
    error = task.submit(str(path)).exception(60)
    assert isinstance(error, ja.TaskTimeout)
    assert (tmp_path / "saved").exists()
    assert not (tmp_path / "next").exists()


def test_views_say_meanwhile_which_cell_was_too_slow_and_what_is_left(tmp_path: Path) -> None:
    handle = begin(tmp_path, SAVES, grace=60)
    failure_of(handle)
    said = [decode_data(event) for event in spooled(tmp_path) if event.type == "stopping"]
    assert said
    first = said[0]
    assert isinstance(first, Stopping)
    assert (first.why, first.note) == ("timeout", "in cell 2: it ran longer than its timeout of 1 s")
    assert first.seconds is not None
    assert first.seconds > 30


def test_no_cell_follows_one_that_forgives_the_interrupt(tmp_path: Path) -> None:
    failure_of(begin(tmp_path, FORGIVES))
    assert (tmp_path / "saved").exists()
    assert not (tmp_path / "next").exists()


def test_a_cell_that_ignores_the_interrupt_is_killed_after_the_grace(tmp_path: Path) -> None:
    message = failure_of(begin(tmp_path, IGNORES, grace=2.0))
    assert message.endswith("longer than its timeout of 1 s and did not stop in 2 s, killed")
    assert (tmp_path / "ignored").exists()


def test_a_cancel_ends_the_clean_up_of_a_cell_that_is_too_slow_at_once(tmp_path: Path) -> None:
    handle = begin(tmp_path, IGNORES, grace=600)
    until((tmp_path / "ignored").exists, 60)
    handle.cancel()
    assert failure_of(handle).endswith("killed by a second cancel")


def test_no_cell_follows_one_that_forgives_a_cancel(tmp_path: Path) -> None:
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    later = new_code_cell("open('next', 'w').close()\ntime.sleep(600)")
    cells = [new_code_cell("import time"), new_code_cell(FORGIVES), later]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), tmp_path / "long.ipynb")
    task = ja.task(run_notebook, on="process", grace=600, show=False)
    handle = task.submit(str(tmp_path / "long.ipynb"), None)
    until((tmp_path / "begun").exists, 60)
    handle.cancel()
    assert isinstance(handle.exception(60), ja.TaskCancelled)
    assert (tmp_path / "saved").exists()
    assert not (tmp_path / "next").exists()


@pytest.mark.asyncio
@pytest.mark.parametrize("stopping", [True, False])
async def test_a_cell_that_cleans_up_after_a_cancel_is_not_too_slow(stopping: bool) -> None:
    context = SimpleNamespace(cancellation=Cancellation("a task"))
    client = ReportingNotebookClient(new_notebook(), cast(Any, context), lambda: None)
    client.stopping = stopping
    client._watch = asyncio.get_running_loop().create_future()
    await client._async_handle_timeout(1)
    assert (context.cancellation.overdue is None) is stopping
