"""The base of background services: when it ticks, what a crash in a tick does, how it stops."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from jupyter_agent.errors import JournalError
from jupyter_agent.server.background.periodic import PeriodicService

log = logging.getLogger("jupyter_agent.test")
Work = Callable[[], Awaitable[float]]


class Service(PeriodicService):
    """Ticks by running *work*, or asks for the next tick after *seconds*; counts its ticks."""

    name = "test service"

    def __init__(
        self, work: Work | None = None, *, seconds: float = math.inf, is_needed: bool = True
    ) -> None:
        super().__init__(log)
        self.ticks = 0
        self._work = work
        self._seconds = seconds
        self._is_needed = is_needed

    async def setup(self) -> bool:
        return self._is_needed

    async def tick(self) -> float:
        self.ticks += 1
        return self._seconds if self._work is None else await self._work()

    def interval(self) -> float:
        return 0.0

    async def ticked(self, count: int) -> None:
        async with asyncio.timeout(10):
            while self.ticks < count:
                await asyncio.sleep(0)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    service.start()
    try:
        yield service
    finally:
        await service.stop()


async def rest() -> None:
    """Let everything run that is ready."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.asyncio
class TestTicking:
    async def test_the_first_tick_is_at_once_and_the_next_when_the_last_one_said(self) -> None:
        async with running(Service(seconds=0.0)) as service:
            await service.ticked(3)

    async def test_infinity_is_until_it_is_woken(self) -> None:
        async with running(Service()) as service:
            await service.ticked(1)
            await rest()
            assert service.ticks == 1
            service.wake()
            await service.ticked(2)

    async def test_a_wake_during_a_tick_is_not_lost(self) -> None:
        go_on = asyncio.Event()

        async def work() -> float:
            await go_on.wait()
            return math.inf

        async with running(Service(work)) as service:
            await service.ticked(1)
            service.wake()
            go_on.set()
            await service.ticked(2)
            await rest()
            assert service.ticks == 2

    async def test_several_wakes_are_one_tick(self) -> None:
        async with running(Service()) as service:
            await service.ticked(1)
            await rest()
            service.wake()
            service.wake()
            await rest()
            assert service.ticks == 2

    async def test_the_task_is_named_after_the_service(self) -> None:
        async with running(Service()):
            assert "jupyter-agent-test-service" in {task.get_name() for task in asyncio.all_tasks()}

    async def test_a_service_that_is_not_needed_ends_before_its_first_tick(self) -> None:
        async with running(Service(is_needed=False)) as service:
            await rest()
            assert service.ticks == 0


@pytest.mark.asyncio
class TestCrashes:
    async def test_a_bug_in_one_tick_is_logged_and_does_not_stop_the_loop(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        crashes = iter([RuntimeError("a bug"), JournalError("the disk is full"), OSError("no such file")])

        async def work() -> float:
            if (error := next(crashes, None)) is not None:
                raise error
            return math.inf

        caplog.set_level(logging.DEBUG)
        async with running(Service(work)) as service:
            await service.ticked(4)
        assert [(r.levelname, r.getMessage()) for r in caplog.records if r.name == log.name] == [
            ("ERROR", "test service: a bug; will try again"),
            ("DEBUG", "test service: will try again: the disk is full"),
            ("DEBUG", "test service: will try again: no such file"),
        ]
        assert caplog.records[-3].exc_info is not None


@pytest.mark.asyncio
class TestStopping:
    async def test_stop_cancels_a_tick_in_progress_and_waits_for_it(self) -> None:
        cleaned = False

        async def work() -> float:
            nonlocal cleaned
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned = True
            return 0.0

        async with running(Service(work)) as service:
            await service.ticked(1)
            await service.stop()
            assert cleaned
            service.wake()
            await rest()
            assert service.ticks == 1

    async def test_stop_and_start_are_idempotent(self) -> None:
        service = Service()
        await service.stop()
        service.start()
        service.start()
        await service.ticked(1)
        await rest()
        assert service.ticks == 1
        await asyncio.gather(service.stop(), service.stop())
        await service.stop()

    async def test_it_can_be_started_again(self) -> None:
        async with running(Service()) as service:
            await service.ticked(1)
        async with running(service):
            await service.ticked(2)
