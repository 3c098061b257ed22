"""What subscribers are told about the server's health."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from jupyter_agent.journal.health import JournalHealth
from jupyter_agent.server.background.health_notices import HealthNotices, health_sentences
from jupyter_agent.server.delivery.connections import Connection, Registry
from jupyter_agent.server.delivery.feed import Feed
from jupyter_agent.server.delivery.writer import ConnectionWriter
from tests.support.builders import PRODUCER

log = logging.getLogger("jupyter_agent.test")


class Outbox:
    """A writer that keeps what is posted."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def post(self, item: bytes) -> None:
        self.sent.append(msgspec.json.decode(item))


@pytest.mark.asyncio
async def test_every_change_is_told_to_every_subscriber_once_and_to_no_producer() -> None:
    health = JournalHealth()
    registry = Registry(log)
    view, producer = Outbox(), Outbox()
    registry.add(Connection("v", "ada", "subscriber", "", cast(ConnectionWriter, view)))
    registry.add(Connection("p", "ada", "producer", "", cast(ConnectionWriter, producer), PRODUCER))
    notices = HealthNotices(
        cast(Feed, SimpleNamespace(holder=SimpleNamespace(health=health))), registry, log, lambda: 5.0
    )
    await notices.tick()
    for health.notices, health.trouble in (
        ([], "full"),
        ([], "full"),
        (["deleted"], "full"),
        (["deleted"], None),
    ):
        await notices.tick()
    said = [["full"], ["deleted", "full"], ["deleted"]]
    assert view.sent == [{"type": "heartbeat", "now": 5.0, "cursors": {}, "trouble": one} for one in said]
    assert producer.sent == []


def test_trouble_of_spools_is_said_while_their_processes_are_connected_and_three_are_named() -> None:
    health, registry = JournalHealth(), Registry(log)
    health.failed("full")
    writer = cast(ConnectionWriter, Outbox())
    connections = [Connection(f"c{n}", "ada", "producer", "", writer, f"p{n}") for n in range(6)]
    for n, connection in enumerate(connections):
        registry.add(connection)
        connection.spool_trouble = f"spool {n}" if n else ""
    more = "2 more processes cannot write their spools; each says so on stderr"
    assert health_sentences(health, registry) == ["spool 1", "spool 2", "spool 3", more, "full"]
    for connection in connections[1:5]:
        registry.remove(connection, 1000)
    assert health_sentences(health, registry) == ["spool 5", "full"]
    connections[5].spool_trouble = ""
    assert health_sentences(health, registry) == ["full"]
