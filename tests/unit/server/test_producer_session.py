"""A producer's session: how many batches may wait for their commit, and what ends the wait."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from jupyter_agent.core.events import Log
from jupyter_agent.journal.base import AppendResult, Batch
from jupyter_agent.journal.holder import Holder
from jupyter_agent.protocol.messages import Publish, SpoolTrouble
from jupyter_agent.protocol.server import ServerSide
from jupyter_agent.server.delivery.connections import Connection, Registry
from jupyter_agent.server.delivery.feed import Feed
from jupyter_agent.server.delivery.writer import ConnectionWriter
from jupyter_agent.server.services import Services
from jupyter_agent.server.sessions.producer import MAX_NOTICE, MAX_UNCOMMITTED, ProducerSession
from tests.support.builders import PRODUCER, event


class Outbox:
    """A writer that keeps what is posted."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def post(self, item: bytes) -> None:
        self.sent.append(msgspec.json.decode(item))


class Scene:
    """A session whose journal commits when the test says so."""

    def __init__(self) -> None:
        self.appended: list[Future[AppendResult]] = []
        self.checks = 0
        self.outbox = Outbox()
        holder = SimpleNamespace(append=self._append)
        registry = Registry(logging.getLogger("jupyter_agent.test"))
        liveness = SimpleNamespace(check_soon=self._check_soon)
        feed = Feed()
        feed.attach(cast(Holder, holder))
        services = SimpleNamespace(feed=feed, registry=registry, liveness=liveness)
        writer = cast(ConnectionWriter, self.outbox)
        connection = Connection("c", "ada", "producer", "test/1", writer, PRODUCER)
        registry.add(connection)
        self.registry, self.connection = registry, connection
        self.session = ProducerSession(connection, cast(Services, services), ServerSide(), self._is_allowed)

    async def _is_allowed(self, _action: str) -> bool:
        return True

    def _append(self, _batch: Batch) -> Future[AppendResult]:
        self.appended.append(Future())
        return self.appended[-1]

    def _check_soon(self) -> None:
        self.checks += 1

    async def publish(self, n: int) -> None:
        await self.session.handle(Publish(1, n, [event(n, "log", Log("stdout", "x"))]), 100)

    async def fill(self) -> asyncio.Task[None]:
        """Publish until a batch waits; the task that waits."""
        for n in range(1, MAX_UNCOMMITTED):
            await asyncio.wait_for(self.publish(n), 10)
        waiting = asyncio.create_task(self.publish(MAX_UNCOMMITTED))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert len(self.appended) == MAX_UNCOMMITTED, "the batch that fills the window is stored, too"
        return waiting


@pytest.mark.asyncio
async def test_with_a_full_window_the_next_frame_waits_for_one_commit() -> None:
    scene = Scene()
    waiting = await scene.fill()
    scene.appended[0].set_result(AppendResult(1))
    await asyncio.wait_for(waiting, 10)
    assert [message["type"] for message in scene.outbox.sent] == ["ack"]
    again = asyncio.create_task(scene.publish(MAX_UNCOMMITTED + 1))
    await asyncio.sleep(0.01)
    assert not again.done()
    scene.appended[1].set_exception(RuntimeError("no disk"))
    await asyncio.wait_for(again, 10)
    assert scene.outbox.sent[-1]["code"] == "not_stored"


@pytest.mark.asyncio
async def test_a_close_ends_the_wait_and_has_the_producer_checked() -> None:
    scene = Scene()
    waiting = await scene.fill()
    scene.session.close(1006)
    await asyncio.wait_for(waiting, 10)
    assert len(scene.registry) == 0
    assert scene.checks == 1


@pytest.mark.asyncio
async def test_a_refused_batch_takes_no_place() -> None:
    scene = Scene()
    for _ in range(2 * MAX_UNCOMMITTED):
        await asyncio.wait_for(
            scene.session.handle(Publish(1, 7, [event(1, "log", Log("stdout", "x"))]), 1), 10
        )
    assert {message["code"] for message in scene.outbox.sent} == {"bad_message"}
    assert scene.appended == []


@pytest.mark.asyncio
async def test_trouble_of_the_spool_is_kept_on_one_line_with_its_host_until_it_is_over() -> None:
    scene = Scene()
    scene.connection.host = "node7"
    await scene.session.handle(SpoolTrouble("the disk\x1b[31m is\nfull " + "x" * 10_000), 100)
    (sentence,) = scene.registry.spool_troubles()
    assert sentence.startswith(f"a process on node7 ({PRODUCER}): the disk")
    assert sentence.isprintable()
    assert len(sentence) <= MAX_NOTICE
    await scene.session.handle(SpoolTrouble(), 100)
    assert scene.registry.spool_troubles() == []
