"""The worker supervisor: what counts as overdue, whatever clocks say."""

from __future__ import annotations

import logging
import signal

import pytest

from jupyter_agent.core.events import About, TaskState
from jupyter_agent.core.snapshots import StoppingSnapshot
from jupyter_agent.core.task import Task
from jupyter_agent.detached.run_spec import RunSpec, save_run_spec
from jupyter_agent.detached.targets import CommandTarget
from jupyter_agent.server.background.worker_supervisor import WorkerSupervisor
from jupyter_agent.server.delivery.feed import Feed
from jupyter_agent.system.graces import NOTICE_DELAY, OVERTIME
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import PRODUCER, TASK

TIMEOUT = 60.0
GRACE = 20.0


class Supervisor(WorkerSupervisor):
    """Sends no signal; ``sent`` are those that it would have sent. Its clocks are set by the test."""

    def __init__(self, paths: DataPaths) -> None:
        self.wall, self.ticks = 1_700_000_000.0, 500.0
        self.sent: list[signal.Signals] = []
        super().__init__(
            Feed(), paths, logging.getLogger(), clock=lambda: self.wall, monotonic=lambda: self.ticks
        )

    async def _stop_worker(self, task: Task, number: signal.Signals) -> None:
        self.sent.append(number)

    async def look(self, task: Task) -> list[signal.Signals]:
        """Return what one look at *task* sends."""
        self.sent.clear()
        await self._stop_overdue([task])
        return list(self.sent)


@pytest.fixture
def supervisor(paths: DataPaths) -> Supervisor:
    spec = RunSpec(
        CommandTarget(["true"]), About("x"), python="python", cwd="/", env={}, timeout=TIMEOUT, grace=GRACE
    )
    save_run_spec(paths, TASK, spec)
    return Supervisor(paths)


def running(supervisor: Supervisor, *, cancel: bool = False) -> Task:
    return Task(
        TASK,
        state=TaskState.RUNNING,
        producer=PRODUCER,
        started=supervisor.wall,
        cancel_requested=cancel,
    )


@pytest.mark.asyncio
class TestClocks:
    @pytest.mark.parametrize("jump", [40 * 86_400.0, 3600.0, -3600.0, -1_700_000_000.0])
    async def test_a_clock_that_was_set_stops_no_worker_and_keeps_none(
        self, supervisor: Supervisor, jump: float
    ) -> None:
        task = running(supervisor)
        assert await supervisor.look(task) == []
        supervisor.wall += jump
        supervisor.ticks += TIMEOUT - 1
        assert await supervisor.look(task) == []
        supervisor.ticks += 2
        assert await supervisor.look(task) == []
        supervisor.ticks += NOTICE_DELAY + 0.5
        assert await supervisor.look(task) == [signal.SIGTERM]

    async def test_a_worker_on_a_machine_with_another_clock_has_its_time(
        self, supervisor: Supervisor
    ) -> None:
        task = running(supervisor)
        task.started = supervisor.wall - 86_400
        assert await supervisor.look(task) == []
        supervisor.ticks += TIMEOUT - 1
        assert await supervisor.look(task) == []

    async def test_a_cancelled_worker_has_its_grace_when_the_clock_is_set_in_between(
        self, supervisor: Supervisor
    ) -> None:
        task = running(supervisor, cancel=True)
        await supervisor.look(task)
        supervisor.wall += 40 * 86_400
        supervisor.ticks += NOTICE_DELAY + 0.5
        assert await supervisor.look(task) == [signal.SIGTERM]
        assert await supervisor.look(task) == []
        supervisor.wall -= 80 * 86_400
        supervisor.ticks += GRACE + OVERTIME - NOTICE_DELAY
        assert await supervisor.look(task) == [signal.SIGKILL]

    async def test_the_next_attempt_has_its_own_time(self, supervisor: Supervisor) -> None:
        task = running(supervisor)
        await supervisor.look(task)
        supervisor.ticks += TIMEOUT + OVERTIME
        task.attempt = 2
        assert await supervisor.look(task) == []

    async def test_a_worker_that_says_that_it_stops_gets_no_signal_in_its_grace(
        self, supervisor: Supervisor
    ) -> None:
        task = running(supervisor, cancel=True)
        task.stopping = StoppingSnapshot(supervisor.wall, confirmed=True)
        await supervisor.look(task)
        supervisor.ticks += GRACE + OVERTIME
        assert await supervisor.look(task) == []
        supervisor.ticks += 0.5
        assert await supervisor.look(task) == [signal.SIGKILL]

    async def test_a_second_cancel_ends_the_grace_of_a_worker_that_is_stuck(
        self, supervisor: Supervisor
    ) -> None:
        task = running(supervisor, cancel=True)
        task.stopping = StoppingSnapshot(supervisor.wall, confirmed=True)
        await supervisor.look(task)
        task.stopping = StoppingSnapshot(supervisor.wall, confirmed=True, again=True)
        assert await supervisor.look(task) == []
        supervisor.ticks += OVERTIME + 0.5
        assert await supervisor.look(task) == [signal.SIGKILL]
