"""Commands reach a producer in the order in which they were stored, whenever it comes back."""

from __future__ import annotations

import logging
from typing import Any, cast

import msgspec

from jupyter_agent.core.events import Command
from jupyter_agent.journal.base import PendingCommand
from jupyter_agent.server.commands import dispatch_commands, flush_backlog
from jupyter_agent.server.delivery.connections import Connection, Registry
from jupyter_agent.server.delivery.writer import ConnectionWriter
from tests.support.builders import PRODUCER, event


class Outbox:
    """A writer that keeps what is posted."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def post(self, item: bytes) -> None:
        self.sent.append(msgspec.json.decode(item))

    @property
    def offsets(self) -> list[int]:
        return [message["offset"] for message in self.sent]


def waiting(offset: int) -> PendingCommand:
    return PendingCommand(offset, PRODUCER, event(offset, "command", Command("input", {"text": str(offset)})))


def connected() -> tuple[Registry, Connection, Outbox]:
    registry, outbox = Registry(logging.getLogger("tests")), Outbox()
    connection = Connection("c", "ada", "producer", "test/1", cast(ConnectionWriter, outbox), PRODUCER)
    registry.add(connection)
    return registry, connection, outbox


def test_a_command_that_comes_while_older_ones_are_looked_up_waits_for_its_turn() -> None:
    registry, connection, outbox = connected()
    dispatch_commands(registry, [waiting(30)])
    assert outbox.offsets == []
    flush_backlog(connection, [waiting(10), waiting(20)])
    assert outbox.offsets == [10, 20, 30]
    dispatch_commands(registry, [waiting(40)])
    assert outbox.offsets == [10, 20, 30, 40]


def test_one_that_was_looked_up_too_is_sent_once() -> None:
    registry, connection, outbox = connected()
    dispatch_commands(registry, [waiting(20)])
    flush_backlog(connection, [waiting(10), waiting(20)])
    assert outbox.offsets == [10, 20]


def test_a_command_of_a_disconnected_producer_is_not_sent() -> None:
    registry, connection, outbox = connected()
    registry.remove(connection, 1000)
    dispatch_commands(registry, [waiting(10)])
    assert outbox.offsets == []
