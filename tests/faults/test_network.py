"""Cuts, stalls and torn frames between a server and those who talk to it."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from contextlib import suppress

import psutil
import pytest

from tests.faults.network import network
from tests.faults.schedules import KINDS, draw
from tests.faults.test_kills import SEED, assert_whole
from tests.faults.vandals import HELLO, Place, frame
from tests.support.servers import Servers, loud
from tests.support.wire import subscriber

pytestmark = pytest.mark.timeout(120)
SCHEDULES = 30


def test_whatever_the_lines_go_through_everybody_has_everything_once_and_in_order(fresh: Servers) -> None:
    tally = network(fresh.start(), list(range(SEED, SEED + SCHEDULES)), print)
    assert_whole(tally)
    assert tally.runs == SCHEDULES
    assert set(tally.faults) == {*KINDS, "command"}
    assert tally.faults["command"] > SCHEDULES


def test_a_seed_is_one_schedule() -> None:
    assert draw(7) == draw(7)
    assert len({str(draw(seed)) for seed in range(100)}) == 100
    assert all(draw(seed).seconds < 1 for seed in range(1000))


@pytest.mark.asyncio
async def test_somebody_who_asks_without_reading_the_answers_is_slowed_not_stored(fresh: Servers) -> None:
    server = fresh.start()
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    place = Place(server, "", "")
    with place.connect() as raw:
        raw.settimeout(0.5)
        raw.sendall(place.upgrade + frame(HELLO))
        many = frame(b'{"type":"dance","id":1,"pad":"%s"}' % (b"x" * 60)) * 1000
        sent = 0
        with suppress(TimeoutError):
            while sent < 200 << 20:
                sent += raw.send(many)
        assert sent < 200 << 20
        assert process.memory_info().rss - before < 30 << 20
        async with subscriber(server) as healthy:
            await healthy.subscribe()
    assert not loud(server.log_text())


def test_a_disconnect_while_a_slow_authorizer_thinks_is_no_error(fresh: Servers) -> None:
    config = """
import asyncio
from jupyter_server.auth import Authorizer

class Slow(Authorizer):
    async def is_authorized(self, handler, user, action, resource):
        await asyncio.sleep(0.2)
        return True

c.ServerApp.authorizer_class = Slow
"""
    server = fresh.start(config=config)
    place = Place(server, "", "")
    for _ in range(10):
        with place.connect() as raw:
            raw.sendall(place.upgrade)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(0.02)

    async def look() -> None:
        async with subscriber(server) as peer:
            assert (await peer.subscribe())["recovered"] is False

    asyncio.run(look())
    assert not loud(server.log_text())
