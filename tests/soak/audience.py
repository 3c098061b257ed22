"""Subscribers of a soak: some stay, some come and go, some stop reading, one sends commands."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_agent.client.async_client import AgentClient
from jupyter_agent.errors import AgentError
from jupyter_agent.protocol.subscriber import Apply
from jupyter_agent.system.ids import new_id
from jupyter_agent.transport.discovery import Address
from tests.faults.vandals import HELLO, Place, come_and_go, frame, with_a_reset
from tests.support.servers import Server


def address(server: Server) -> Address:
    """Where *server* is, with its token."""
    return Address(server.url, {"Authorization": f"token {server.token}"})


class Auditor:
    """Follows everything from a cursor on and keeps the offset of each event it was given, in order."""

    def __init__(self, server: Server, cursor: str) -> None:
        self._client = AgentClient(address(server))
        self.cursor = cursor
        self.offsets: list[int] = []
        self.restarts = 0

    async def stay(self) -> None:
        """Follow until cancelled."""
        async with aclosing(self._client.follow(after=self.cursor)) as items:
            async for item in items:
                self._take(item)

    async def come_and_go(self, chance: random.Random) -> None:
        """Follow for some seconds, leave, come back where it left; until cancelled."""
        while True:
            try:
                async with asyncio.timeout(2 + chance.random() * 8):
                    await self.stay()
            except TimeoutError:
                await asyncio.sleep(chance.random() * 4)

    async def catch_up(self, offset: int) -> None:
        """Follow until everything up to *offset* is here or was superseded."""
        async with aclosing(self._client.follow(after=self.cursor)) as items:
            while self.offset < offset:
                self._take(await anext(items))

    @property
    def offset(self) -> int:
        """Return the position it has reached."""
        return int(self.cursor.split(":")[1])

    def _take(self, item: object) -> None:
        if isinstance(item, Apply):
            self.offsets += [event.offset for event in item.events]
            self.cursor = item.cursor or self.cursor
        else:
            self.restarts += 1


async def press_buttons(server: Server, chance: random.Random) -> None:
    """Once a second cancel what waits, answer what asks, retry some of what failed; until cancelled."""
    client = AgentClient(address(server))
    while True:
        await asyncio.sleep(1)
        for task in await client.tasks(state="running"):
            if task.name == "waits" and chance.random() < 0.3:
                await _command(client, task.id, "cancel", {})
            elif task.prompt is not None:
                answer: dict[str, object] = {"text": "yes", "prompt_id": task.prompt.prompt_id}
                await _command(client, task.id, "input", answer)
        for task in await client.tasks(state="failed", limit=3):
            if chance.random() < 0.1:
                await _command(client, task.id, "retry", {})


async def _command(client: AgentClient, task: str, command: str, args: dict[str, object]) -> None:
    try:
        await client.command(task, command, args)
    except AgentError:  # it has ended meanwhile, or its kernel was restarted
        return


async def stall(place: Place) -> None:
    """Five readers at a time subscribe, never read, and leave after 45 s; until cancelled."""
    stalled: list[socket.socket] = []
    try:
        while True:
            fresh = await asyncio.to_thread(_five_that_stall, place)
            stalled += fresh
            await asyncio.sleep(15)
            while len(stalled) > 15:
                with_a_reset(stalled.pop(0))
    finally:
        for raw in stalled:
            with_a_reset(raw)


def _five_that_stall(place: Place) -> list[socket.socket]:
    sockets = [place.connect() for _ in range(5)]
    for raw in sockets:
        raw.sendall(place.upgrade + frame(HELLO) + place.subscribe(None))
    return sockets


async def be_rude(place: Place, pace: float = 3.0) -> None:
    """About ten disconnects of every kind in *pace* seconds; until cancelled."""
    turn = 0
    while True:
        await asyncio.to_thread(come_and_go, place, range(turn, turn + 10), 2)
        turn += 10
        await asyncio.sleep(pace)


class Page:
    """A notebook's page: the socket to one kernel, refreshed now and then; what comes is read."""

    def __init__(self, server: Server, kernel: str, chance: random.Random) -> None:
        self._server = server
        self._kernel = kernel
        self._chance = chance
        self._session = new_id()

    async def run(self, code: str) -> None:
        """Ask the kernel to run *code*, then stay on the page; until cancelled."""
        async with self._socket() as first:
            await first.write_message(self._request(code))
            await self._look(first)
        while True:
            async with self._socket() as again:
                await self._look(again)

    async def _look(self, page: WebSocketClientConnection) -> None:
        """Read for 10 to 40 s, or until the kernel's socket closes."""
        try:
            async with asyncio.timeout(10 + self._chance.random() * 30):
                while await page.read_message() is not None:
                    continue
        except TimeoutError:
            return

    @asynccontextmanager
    async def _socket(self) -> AsyncIterator[WebSocketClientConnection]:
        server = self._server
        url = f"ws{server.url.removeprefix('http')}api/kernels/{self._kernel}/channels"
        request = HTTPRequest(
            f"{url}?session_id={self._session}", headers={"Authorization": f"token {server.token}"}
        )
        page = await websocket_connect(request)
        try:
            yield page
        finally:
            page.close()
            while await page.read_message() is not None:
                continue

    def _request(self, code: str) -> str:
        header = {"msg_id": new_id(), "msg_type": "execute_request", "username": "soak"}
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        message = {
            "header": header | {"session": self._session, "version": "5.3"},
            "parent_header": {},
            "metadata": {},
            "content": content | {"user_expressions": {}},
            "channel": "shell",
            "buffers": [],
        }
        return json.dumps(message)
