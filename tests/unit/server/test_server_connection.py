"""A connection of the server: what it owns ends with its socket, whenever that closes."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jupyter_agent.protocol.messages import Limits, Right
from jupyter_agent.server.delivery.connections import Connection, Registry
from jupyter_agent.server.limits import Timing
from jupyter_agent.server.services import Services
from jupyter_agent.server.sessions.connection import Peer, ServerConnection
from jupyter_agent.server.sessions.subscriber import SubscriberSession
from tests.support.builders import PRODUCER

HELLO = f'{{"type":"hello","versions":[1],"role":"producer","client":"test/1","producer":"{PRODUCER}"}}'


class SlowAuthorizer:
    """A socket whose user's rights are known when the test says so."""

    log = logging.getLogger("jupyter_agent.test")
    user_name = "ada"

    def __init__(self) -> None:
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def rights(self) -> list[Right]:
        return ["read"]

    async def is_allowed(self, _action: str) -> bool:
        self.asked.set()
        await self.answer.wait()
        return True

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class FakeSession:
    """A session that registers nothing of its own."""

    def __init__(self, connection: Connection, services: Services, *_: object) -> None:
        self._connection, self._registry = connection, services.registry

    async def start(self) -> None:
        """Nothing to start."""

    def close(self, code: int | None) -> None:
        self._registry.remove(self._connection, code)


@pytest.mark.asyncio
@pytest.mark.parametrize("closes", [True, False])
async def test_a_socket_that_closes_during_the_hello_is_no_connection(closes: bool) -> None:
    peer = SlowAuthorizer()
    registry = Registry(peer.log)
    feed = SimpleNamespace(cursor=lambda: "e:0", head=0)
    services = SimpleNamespace(
        feed=feed, registry=registry, timing=Timing(), clock=lambda: 0.0, limits=Limits(1, 1, 1, 1, 1)
    )
    connection = ServerConnection(cast(Peer, peer), cast(Services, services))
    connection.session_types = {"producer": cast(type[SubscriberSession], FakeSession)}
    hello = asyncio.create_task(connection.receive(HELLO))
    await peer.asked.wait()
    if closes:
        connection.close(1001)
    peer.answer.set()
    await asyncio.wait_for(hello, 10)
    assert len(registry) == (0 if closes else 1)
    connection.close(1001)
    assert len(registry) == 0
