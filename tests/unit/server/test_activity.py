"""Which tasks count as activity, of what, and when it is reported."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.kernelspec import NoSuchKernel

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.detached.run_spec import RunSpec, save_run_spec
from jupyter_agent.detached.targets import CommandTarget
from jupyter_agent.errors import JournalError
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.server.background.activity import PERIOD, SETTING, Activity
from jupyter_agent.server.delivery.feed import Feed
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK, event, state
from tests.support.journal import NowHolder, batches

log = logging.getLogger(__name__)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KERNEL = "a-kernel"
TIMEOUT = 3600.0


class Kernels(dict[str, Any]):
    """Kernels of a server, as Jupyter's kernel manager has them."""

    def get_kernel(self, kernel_id: str) -> Any:
        return self[kernel_id]


class Uninstalled:
    """A kernel whose kernelspec was removed while it runs."""

    last_activity = LONG_AGO

    @property
    def kernel_spec(self) -> Any:
        raise NoSuchKernel("gone")


def kernel(**metadata: Any) -> Any:
    return SimpleNamespace(kernel_spec=SimpleNamespace(metadata=metadata), last_activity=LONG_AGO)


class Scene:
    """A journal with a feed, and the service beside it. ``now`` is its clock."""

    def __init__(self, folder: Path, *, keep_alive: float = 100.0, **kernels: Any) -> None:
        self.journal = MemoryJournal("h", "E")
        self.feed = Feed()
        self.holder = NowHolder(self.feed, self.journal)
        self.feed.attach(self.holder)  # type: ignore[arg-type]
        self.feed.start(asyncio.get_running_loop(), 0)
        self.settings: dict[str, Any] = {}
        self.kernels = Kernels({KERNEL: kernels.get("own") or kernel()})
        self.now = 0.0
        self.paths = DataPaths(folder)
        self.activity = Activity(
            self.feed,
            self.settings,
            self.kernels,
            self.paths,
            keep_alive=keep_alive,
            timeouts=lambda: [TIMEOUT],
            log=log,
            clock=lambda: self.now,
        )

    async def start(self) -> None:
        """Start the service; returns after its first tick."""
        self.activity.start()
        await self.settle()

    async def settle(self) -> None:
        """Let the loop run a wake-up, a tick and its job."""
        for _ in range(8):
            await asyncio.sleep(0)

    async def start_task(self, kernel_id: str | None = KERNEL) -> None:
        """Commit a task's first events; returns when they have been delivered."""
        about = About("train", kernel=kernel_id)
        queued = event(1, "state", State(TaskState.QUEUED, about=about))
        await self.commit(queued, state(2, TaskState.RUNNING))

    async def commit(self, *events: Any) -> None:
        self.holder.call(lambda session: session.append(*batches(events)))
        await asyncio.sleep(0)

    @property
    def is_noted(self) -> bool:
        return SETTING in self.settings

    @property
    def is_kernel_kept(self) -> bool:
        return bool(self.kernels[KERNEL].last_activity > LONG_AGO)

    def forget(self) -> None:
        """Start anew with what is noted."""
        self.settings.clear()
        self.kernels[KERNEL] = kernel()


@pytest.mark.asyncio
async def test_a_task_that_starts_between_two_ticks_is_activity_at_once(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.start()
    await scene.start_task()
    assert scene.is_noted
    assert scene.is_kernel_kept
    await scene.activity.stop()
    scene.forget()
    await scene.commit(event(1, "state", State(TaskState.QUEUED, about=About("b")), task=TASK[:-1] + "1"))
    assert not scene.is_noted


@pytest.mark.asyncio
async def test_without_hours_the_start_of_a_task_is_none_either(tmp_path: Path) -> None:
    scene = Scene(tmp_path, keep_alive=0.0)
    await scene.start()
    await scene.start_task()
    await scene.activity.tick()
    await scene.activity.stop()
    assert not scene.is_noted
    assert not scene.is_kernel_kept


@pytest.mark.asyncio
async def test_logs_ends_and_what_cannot_be_read_are_no_activity(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.start_task()
    await scene.start()
    scene.forget()
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    unreadable = event(5, "state", b'{"state":"flying"}')
    await scene.commit(event(3), state(4, TaskState.COMPLETED), unreadable)
    await scene.activity.stop()
    assert not scene.is_noted
    assert faults == []


@pytest.mark.asyncio
async def test_the_shortest_timeout_is_that_of_the_kernel_itself_when_its_kernelspec_has_one(
    tmp_path: Path,
) -> None:
    for own, interval in [(kernel(cull_idle_timeout=9), 3.0), (kernel(), PERIOD), (Uninstalled(), PERIOD)]:
        scene = Scene(tmp_path, own=own)
        await scene.start_task()
        assert await scene.activity.tick() == interval


@pytest.mark.asyncio
async def test_a_kernel_with_a_timeout_of_its_own_makes_the_next_tick_due(tmp_path: Path) -> None:
    scene = Scene(tmp_path, own=kernel(cull_idle_timeout=9))
    await scene.start()
    await scene.start_task()
    await scene.settle()
    assert scene.activity.active_tasks == [TASK]
    await scene.activity.stop()


@pytest.mark.asyncio
async def test_the_kernel_that_submitted_a_detached_task_is_not_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    run_spec = RunSpec(CommandTarget(["true"]), About("train"), "python", "/", {}, 0, None)
    save_run_spec(scene.paths, TASK, run_spec)
    await scene.start_task()
    await scene.activity.tick()
    assert scene.is_noted
    assert scene.activity.active_tasks == [TASK]
    assert not scene.is_kernel_kept


@pytest.mark.asyncio
async def test_while_the_journal_is_unavailable_known_tasks_count_for_their_hours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path)
    await scene.start_task()
    await scene.activity.tick()
    monkeypatch.setattr(scene.holder, "call", _unavailable)
    scene.forget()
    scene.now = 99.0
    await scene.activity.tick()
    assert scene.is_noted
    assert scene.is_kernel_kept
    scene.forget()
    scene.now = 100.0
    await scene.activity.tick()
    assert SETTING not in scene.settings
    assert scene.activity.active_tasks == []


def _unavailable(_job: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(JournalError("the disk is full"))
    return future
