"""The scheduler of a server: when it looks, what it finishes first, whose schedules it looks after."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jupyter_agent.core.events import About
from jupyter_agent.core.trigger_parser import Overlap, ScheduleSpec
from jupyter_agent.core.triggers import At, Every
from jupyter_agent.detached.run_spec import RunSpec
from jupyter_agent.detached.targets import CommandTarget
from jupyter_agent.detached.work_queue import waiting_work_items
from jupyter_agent.errors import JournalError, JournalHeld
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.one_shot import session as one_shot_session
from jupyter_agent.journal.operations.schedules import Schedule, add_schedule, all_schedules
from jupyter_agent.journal.records import Firing
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.slots import take_slot_briefly, try_slot
from jupyter_agent.server.background import scheduler as scheduler_module
from jupyter_agent.server.background.scheduler import ABSENCE_PERIOD, PERIOD, WAITING_PERIOD, Scheduler
from jupyter_agent.server.delivery.feed import Feed
from jupyter_agent.system.host import host
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.system.timezone import local_zone
from jupyter_agent.transport.discovery import HolderFile

START = 1_800_000_000.0
CALL = RunSpec(CommandTarget(["true"]), About("beat"), "/usr/bin/python3", "/", {})
log = logging.getLogger("jupyter_agent.test")


@dataclass
class Clocked:
    """A server's scheduler with a clock that is set by hand."""

    paths: DataPaths
    slot: str = "default"
    now: float = START
    launched: int = 0
    recovered: int = 0
    feed: Feed = field(default_factory=Feed)

    def __post_init__(self) -> None:
        slot = try_slot(self.paths, self.slot)
        assert slot is not None
        self.holder = Holder(slot)
        self.feed.attach(self.holder)
        self.scheduler = Scheduler(
            self.feed, self.paths, log, recover=self.recover, launch=self.launch, clock=lambda: self.now
        )

    async def recover(self) -> None:
        self.recovered += 1

    def launch(self) -> None:
        self.launched += 1

    async def add(self, seconds: float = 60.0, overlap: Overlap = "allow") -> str:
        def job(session: JournalSession) -> Schedule:
            when = ScheduleSpec(Every(seconds, self.now), "UTC", overlap)
            return add_schedule(session, CALL, when, ident=new_id(), now=self.now)

        return (await self.scheduler.call(job)).id

    async def firings(self, ident: str) -> list[Firing]:
        return await self.scheduler.read(lambda session: session.journal.firings(ident))


@pytest.fixture
def close() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def server(paths: DataPaths, close: ExitStack) -> Clocked:
    server = Clocked(paths)
    close.callback(server.holder.close)
    return server


@pytest.mark.asyncio
async def test_it_sleeps_until_the_next_due_but_not_for_long(server: Clocked) -> None:
    assert await server.scheduler.tick() == PERIOD
    await server.add(60.0)
    assert await server.scheduler.tick() == PERIOD, "a clock may be set meanwhile"
    server.now = START + 57.5
    assert await server.scheduler.tick() == 2.5
    server.now = START + 60
    server.launched = 0
    assert await server.scheduler.tick() == PERIOD
    assert server.launched == 1
    assert len(list(waiting_work_items(server.paths))) == 1


@pytest.mark.asyncio
async def test_it_looks_often_while_a_run_waits_for_another(server: Clocked) -> None:
    await server.add(60.0, "queue")
    for server.now, pause in [(START + 60, PERIOD), (START + 120, WAITING_PERIOD)]:
        assert await server.scheduler.tick() == pause


@pytest.mark.asyncio
async def test_a_change_is_looked_at_at_once(server: Clocked) -> None:
    looks: asyncio.Queue[float] = asyncio.Queue()
    look = server.scheduler.tick

    async def watched() -> float:
        looks.put_nowait(pause := await look())
        return pause

    server.scheduler.tick = watched  # type: ignore[method-assign]
    server.scheduler.start()
    try:
        assert await looks.get() == PERIOD
        assert server.recovered == 1, "what processes have left comes before what is due"
        ident = await server.add(60.0)
        await looks.get()
        server.now = START + 3600
        await server.scheduler.call(lambda session: None)
        await looks.get()
        assert [(f.due - START, f.missed) for f in await server.firings(ident)] == [(3600, 59)]
    finally:
        await server.scheduler.stop()
        await server.scheduler.stop()


@pytest.mark.asyncio
async def test_a_look_that_fails_is_not_the_last(
    server: Clocked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler_module, "PERIOD", 0.01)
    looks: asyncio.Queue[None] = asyncio.Queue()
    troubles = iter([JournalError("the disk is full"), RuntimeError("a bug")])

    async def failing() -> float:
        looks.put_nowait(None)
        raise next(troubles, JournalError("still"))

    server.scheduler.tick = failing  # type: ignore[method-assign]
    server.scheduler.start()
    for _ in range(3):
        await looks.get()
    await server.scheduler.stop()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == [
        "scheduler: a bug; will try again"
    ]


@pytest.mark.asyncio
async def test_what_was_claimed_before_is_finished_first(server: Clocked) -> None:
    ident = await server.add()
    claim = Firing(ident, START + 60, START + 60, "claimed", new_id(), new_id())
    await server.scheduler.read(lambda session: session.journal.claim(claim))
    await server.scheduler.finish_claimed()
    assert [order.task for order in waiting_work_items(server.paths)] == [claim.task]
    assert [f.outcome for f in await server.firings(ident)] == ["queued"]


class TestTheSecondServer:
    @pytest.mark.asyncio
    async def test_it_leaves_the_schedules_to_their_holder(
        self, server: Clocked, paths: DataPaths, close: ExitStack
    ) -> None:
        await server.add()
        second = Clocked(paths, "default-2", now=START + 60)
        close.callback(second.holder.close)
        server.holder.slot.announce(HolderFile("server", 1, host(), "http://127.0.0.1:1/", "key"))
        assert await second.scheduler.tick() == ABSENCE_PERIOD
        await second.scheduler.finish_claimed()
        assert list(waiting_work_items(paths)) == []
        address = second.scheduler.remote_address()
        assert address is not None
        assert address.url == "http://127.0.0.1:1/"
        assert server.scheduler.remote_address() is None
        with pytest.raises(JournalHeld):
            await second.scheduler.read(all_schedules)

    @pytest.mark.asyncio
    async def test_it_looks_after_them_where_there_is_no_holder(
        self, server: Clocked, paths: DataPaths, close: ExitStack
    ) -> None:
        ident = await server.add()
        server.holder.close()
        second = Clocked(paths, "default-2", now=START + 61)
        close.callback(second.holder.close)
        assert second.scheduler.remote_address() is None
        assert await second.scheduler.tick() == PERIOD
        assert second.launched == 1
        assert [f.outcome for f in await second.firings(ident)] == ["queued"]
        assert [order.journal for order in waiting_work_items(paths)] == ["default"]
        first = Clocked(paths, now=START + 62)
        close.callback(first.holder.close)
        assert await first.scheduler.tick() == PERIOD
        assert len(await first.firings(ident)) == 1

    @pytest.mark.asyncio
    async def test_it_waits_for_a_command_that_has_them_for_a_moment(
        self, server: Clocked, paths: DataPaths, close: ExitStack
    ) -> None:
        ident = await server.add()
        server.holder.close()
        second = Clocked(paths, "default-2", now=START + 61)
        close.callback(second.holder.close)
        command = take_slot_briefly(paths)
        look = asyncio.create_task(second.scheduler.tick())
        await asyncio.sleep(0)
        command.release()
        assert await look == PERIOD
        assert [f.outcome for f in await second.firings(ident)] == ["queued"]

    @pytest.mark.asyncio
    async def test_it_comes_again_when_a_server_has_taken_them_meanwhile(
        self, server: Clocked, paths: DataPaths, close: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        second = Clocked(paths, "default-2", now=START + 61)
        close.callback(second.holder.close)
        monkeypatch.setattr(one_shot_session, "ACQUIRE_TIMEOUT", 0.0)
        assert await second.scheduler.tick() == ABSENCE_PERIOD, "held by a process of unknown kind"

    @pytest.mark.asyncio
    async def test_it_has_its_turn_however_often_others_ask(
        self, server: Clocked, paths: DataPaths, close: ExitStack
    ) -> None:
        await server.add()
        server.holder.close()
        second = Clocked(paths, "default-2", now=START + 61)
        close.callback(second.holder.close)
        reads: asyncio.Queue[None] = asyncio.Queue()

        async def ask_for_ever() -> None:
            while True:
                await second.scheduler.read(all_schedules)
                reads.put_nowait(None)

        asking = [asyncio.create_task(ask_for_ever()) for _ in range(3)]
        await reads.get()
        before = reads.qsize()
        assert await second.scheduler.tick() == PERIOD
        assert reads.qsize() - before <= len(asking), "each of those that were there before it"
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    @pytest.mark.asyncio
    async def test_it_makes_no_journal_where_there_are_no_schedules(
        self, paths: DataPaths, close: ExitStack
    ) -> None:
        second = Clocked(paths, "default-2")
        close.callback(second.holder.close)
        assert await second.scheduler.tick() == ABSENCE_PERIOD
        assert not (paths.journals / "default").exists()


class TestLocalZone:
    def test_tz_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for said in ("Asia/Tokyo", ":Asia/Tokyo"):
            monkeypatch.setenv("TZ", said)
            assert local_zone() == "Asia/Tokyo"

    def test_then_the_machines_own_settings(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        link, file = tmp_path / "localtime", tmp_path / "timezone"
        assert local_zone(link=link, file=file) == "UTC"
        file.write_text("Europe/Berlin\n")
        assert local_zone(link=link, file=file) == "Europe/Berlin"
        link.symlink_to("/usr/share/zoneinfo/America/New_York")
        assert local_zone(link=link, file=file) == "America/New_York"


def test_a_due_once_in_the_past_is_over(server: Clocked) -> None:
    async def job() -> float:
        when = ScheduleSpec(At(START - 1, "UTC"), "UTC")
        await server.scheduler.call(
            lambda session: add_schedule(session, CALL, when, ident=new_id(), now=START)
        )
        return await server.scheduler.tick()

    assert asyncio.run(job()) == PERIOD
    assert list(waiting_work_items(server.paths)) == []
