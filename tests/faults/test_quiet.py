"""Ten thousand people who refresh, close the lid or lose the wifi are normal life: no line in the log.

``FAULTS_DISCONNECTS`` says how many; beside them somebody reads a live task, and misses nothing.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable

import psutil
import pytest

from tests.faults.vandals import Place, come_and_go
from tests.soak.census import Census, census, census_options
from tests.support.builders import until
from tests.support.servers import Server, Servers, loud
from tests.support.wire import Applied, Story, Wire, producer, subscriber

pytestmark = pytest.mark.timeout(300)
DISCONNECTS = int(os.environ.get("FAULTS_DISCONNECTS", "10000"))
WARM_UP = DISCONNECTS * 2 // 5
"""How many of them come before the first count: what a server sets up once, it sets up there."""

HISTORY = 1000
SOCKET = "jupyter_agent.server.handlers.websocket.AgentSocket"
ROOM = {"objects": 40}
RSS_ROOM = 12 << 20


async def _stream(writer: Wire, story: Story, over: asyncio.Event) -> None:
    """About 50 events a second until *over*."""
    while not over.is_set():
        await writer.published([story.event()])
        await asyncio.sleep(0.02)


async def _read(applied: Applied, over: asyncio.Event, story: Story) -> None:
    """Apply until everything that was published is there."""
    while not over.is_set() or len(applied.events) < story.n - HISTORY:
        await applied.step()


async def _rest(server: Server, before: Census | None = None) -> Census:
    """The count once the crowd is gone and, if given, it is like the one *before*."""
    there: list[str] = []

    def settled() -> Census | None:
        now = census(server)
        left = now.objects[SOCKET] - 2  # the two of this test
        there[:] = (
            [f"{left} connections are still there"] if left else now.above(before, ROOM) if before else []
        )
        return None if there else now

    try:
        return await asyncio.to_thread(until, settled, 30)
    except AssertionError:
        raise AssertionError(", ".join(there)) from None


@pytest.mark.asyncio
async def test_ten_thousand_ways_to_leave_say_nothing_and_leave_nothing_behind(fresh: Servers) -> None:
    server, story = fresh.start(**census_options("--JupyterAgent.heartbeat_seconds=0.5")), Story()
    before_anybody = server.log_text()
    async with producer(server, story.producer) as writer, subscriber(server) as healthy:
        start = (await healthy.subscribe(7))["cursor"]
        await writer.published(story.start())
        await writer.published(story.logs(HISTORY - 2))
        here = (await healthy.subscribe(1, [story.task]))["cursor"]
        applied, over = Applied(healthy, here), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(_stream(writer, story, over))
            group.create_task(_read(applied, over, story))
            grown = await _finally(_crowd(server, Place(server, story.task, start)), over)
        assert [event["n"] for event in applied.events] == list(range(HISTORY + 1, story.n + 1))
    print(grown)
    assert not loud(server.log_text().removeprefix(before_anybody))
    assert server.stop() == 0
    assert not loud(server.log_text().removeprefix(before_anybody))


async def _crowd(server: Server, place: Place) -> str:
    process, started = psutil.Process(server.pid), time.monotonic()
    await asyncio.to_thread(come_and_go, place, range(WARM_UP))
    before = await _rest(server)
    await asyncio.to_thread(come_and_go, place, range(WARM_UP, DISCONNECTS))
    after = await _rest(server, before)
    took, busy = time.monotonic() - started, process.cpu_times().user
    assert after.rss - before.rss < RSS_ROOM
    return (
        f"{DISCONNECTS} in {took:.1f} s, {busy:.1f} s of the server's processor; RSS {before.rss >> 20} MiB, "
        f"then {(after.rss - before.rss) >> 10} KiB more; {before.totals}, then {after.totals}"
    )


async def _finally(work: Awaitable[str], over: asyncio.Event) -> str:
    try:
        return await work
    finally:
        over.set()
