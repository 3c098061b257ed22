"""A small server that speaks the HTTP and WebSocket contract over an in-memory journal."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import msgspec
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_agent.core.events import Event, TaskState, decode_event
from jupyter_agent.core.ids import Cursor, ulid
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.errors import BadCursor
from jupyter_agent.journal.base import TAIL_TYPES, Batch, BatchOrigin, StoredEvent
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.slots import try_slot
from jupyter_agent.protocol.actions import encode
from jupyter_agent.protocol.messages import (
    SUBPROTOCOL,
    ErrorMessage,
    Events,
    Hello,
    Limits,
    Subscribe,
    Subscribed,
    Welcome,
)
from jupyter_agent.protocol.server import ServerSide
from jupyter_agent.system.host import host
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import KEY_HEADER, Address, HolderFile
from tests.support.builders import Origin, event, state, task_id

KEY = "Authorization"


class FakeServer:
    """``commands`` are those received, ``submitted`` the bodies of POST tasks; ``subscribed_after`` the
    cursors that subscriptions began with."""

    token = "secret"

    def __init__(self, *, page: int = 1000) -> None:
        self.page = page
        self.journal = MemoryJournal(ulid(1, b"holder...."), "epoch1")
        self.commands: list[tuple[str, str, dict[str, Any]]] = []
        self.submitted: list[dict[str, Any]] = []
        self.subscribed_after: list[str | None] = []
        self.sockets: set[_Socket] = set()
        self._sockets_changed = asyncio.Condition()
        self._server: HTTPServer | None = None
        self.url = ""

    @property
    def address(self) -> Address:
        return Address(self.url, {KEY: f"token {self.token}"})

    def append(self, events: Sequence[Event]) -> None:
        """Store events of one producer and send them to every subscriber."""
        batch = Batch(events[0].producer, 1, events, BatchOrigin.SPOOLED)
        self.journal.append([batch], 2000.0)
        for socket in list(self.sockets):
            socket.send_new_events()

    def journal_story(self, number: int, *, end: TaskState = TaskState.COMPLETED) -> str:
        """A whole task of a producer of its own; its id."""
        origin = Origin(task=task_id(number), producer=ulid(1_650_000_000 + number, b"producer.."))
        events = [state(1, TaskState.QUEUED, about="train", **origin), state(2, TaskState.RUNNING, **origin)]
        self.append([*events, event(3, **origin), state(4, end, **origin)])
        return origin["task"]

    def replace_journal(self, events: Sequence[Event]) -> None:
        """Start a new epoch with these events, as after a merge of journals, and drop every connection."""
        self.journal = MemoryJournal(ulid(1, b"holder...."), "epoch2")
        for socket in list(self.sockets):
            socket.subscription = None
            socket.drop()
        self.append(events)

    async def start(self) -> None:
        app = Application(
            [
                (r"/jupyter-agent/health", _Health, {"fake": self}),
                (r"/jupyter-agent/tasks", _Tasks, {"fake": self}),
                (r"/jupyter-agent/tasks/(\w+)", _Task, {"fake": self}),
                (r"/jupyter-agent/tasks/(\w+)/events", _Events, {"fake": self}),
                (r"/jupyter-agent/tasks/(\w+)/commands", _Commands, {"fake": self}),
                (r"/jupyter-agent/ws", _Socket, {"fake": self}),
            ],
            log_function=lambda _: None,
        )
        sockets = bind_sockets(0, "127.0.0.1")
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/"
        self._server = HTTPServer(app)
        self._server.add_sockets(sockets)

    async def stop(self) -> None:
        """Stop listening and drop every connection. Idempotent."""
        if self._server is not None:
            server, self._server = self._server, None
            server.stop()
            await self.drop_sockets()
            await server.close_all_connections()

    async def drop_sockets(self) -> None:
        """Drop every connection without a close frame, as a lost network does."""
        for socket in list(self.sockets):
            socket.drop()
        await self.until(lambda: not self.sockets)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that a socket's coming or going makes true."""
        async with self._sockets_changed, asyncio.timeout(10):
            await self._sockets_changed.wait_for(condition)

    async def changed(self) -> None:
        async with self._sockets_changed:
            self._sockets_changed.notify_all()


class FakeHolder:
    """A fake server on a thread of its own, that holds a journal's slot as a real one does."""

    def __init__(self, paths: DataPaths, slot: str = "default") -> None:
        self._paths, self._name = paths, slot

    def __enter__(self) -> FakeServer:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        self._thread.start()
        assert ready.wait(10)
        return self.fake

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def append(self, events: Sequence[Event]) -> None:
        """From any thread."""
        self.loop.call_soon_threadsafe(self.fake.append, events)

    async def _serve(self, ready: threading.Event) -> None:
        async with running_fake() as self.fake:
            self.loop, self._over = asyncio.get_running_loop(), asyncio.Event()
            slot = try_slot(self._paths, self._name)
            assert slot is not None
            slot.announce(HolderFile("server", os.getpid(), host(), self.fake.url, self.fake.token))
            ready.set()
            await self._over.wait()
            slot.release()


@asynccontextmanager
async def running_fake(**options: Any) -> AsyncIterator[FakeServer]:
    """A fake server while the block runs."""
    fake = FakeServer(**options)
    await fake.start()
    try:
        yield fake
    finally:
        await fake.stop()


class _Handler(RequestHandler):
    def initialize(self, fake: FakeServer) -> None:
        self.fake = fake

    def prepare(self) -> None:
        given = (self.request.headers.get(KEY), self.request.headers.get(KEY_HEADER))
        if given[0] != f"token {self.fake.token}" and given[1] != self.fake.token:
            self.problem(403, "forbidden", "Forbidden")

    def problem(self, status: int, code: str, detail: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/problem+json")
        self.finish(json.dumps({"type": "about:blank", "status": status, "detail": detail, "code": code}))

    def reply(self, value: object) -> None:
        self.finish(msgspec.json.encode(value))

    def known(self, ident: str) -> bool:
        if self.fake.journal.task(ident) is None:
            self.problem(404, "unknown_task", f"there is no task {ident!r}")
            return False
        return True


class _Health(_Handler):
    def get(self) -> None:
        self.reply({"status": "ok", "journal": {"slot": "default"}})


class _Tasks(_Handler):
    def get(self) -> None:
        limit = min(self.fake.page, int(self.get_argument("limit", "50")))
        query = TaskQuery(
            state=self.get_argument("state", None),
            name=self.get_argument("name", None),
            key=self.get_argument("key", None),
            before=self.get_argument("before", None),
            limit=limit + 1,
        )
        found = self.fake.journal.tasks(query)
        self.reply({"tasks": found[:limit], "more": len(found) > limit, "cursor": "epoch1:0"})

    def post(self) -> None:
        """Takes everything for the newest task, which a submission with a key attaches to."""
        body = json.loads(self.request.body)
        if body["target"] == "nonsense":
            self.problem(400, "bad_request", "'nonsense' cannot be run")
            return
        self.fake.submitted.append(body)
        self.set_status(200 if body.get("key") else 201)
        self.reply(self.fake.journal.tasks(TaskQuery(limit=1))[0])


class _Task(_Handler):
    def get(self, ident: str) -> None:
        if self.known(ident):
            self.reply(self.fake.journal.task(ident))

    def delete(self, ident: str) -> None:
        if not self.known(ident):
            return
        task = self.fake.journal.task(ident)
        if task is None or not task.state.ended:
            self.problem(409, "not_now", f"task {ident} is running; cancel it first")
            return
        self.fake.journal.forget([ident])
        self.set_status(204)


class _Events(_Handler):
    def get(self, ident: str) -> None:
        if not self.known(ident):
            return
        after = self.get_argument("after", None)
        limit = int(self.get_argument("limit", "1000"))
        types = self.get_argument("types", None)
        start = Cursor.parse(after).offset if after else 0
        found = self.fake.journal.read(
            start, limit + 1, tasks=[ident], types=types.split(",") if types else None
        )
        page = found[:limit]
        last = page[-1].offset if len(found) > limit else self.fake.journal.head
        events = [decode_event(stored.encoded) for stored in page]
        self.reply(
            {"events": events, "cursor": f"{self.fake.journal.epoch}:{last}", "more": len(found) > limit}
        )


class _Commands(_Handler):
    def post(self, ident: str) -> None:
        if not self.known(ident):
            return
        body = json.loads(self.request.body)
        if body["command"] not in ("cancel", "retry", "input"):
            self.problem(400, "bad_request", f"there is no command {body['command']!r}")
            return
        task, named = self.fake.journal.task(ident), body["args"].get("prompt_id")
        if named and task is not None and (task.prompt is None or task.prompt.prompt_id != named):
            self.problem(409, "not_now", "that question has been answered by bob")
            return
        self.fake.commands.append((ident, body["command"], body["args"]))
        self.set_status(202)


class _Socket(WebSocketHandler):
    def initialize(self, fake: FakeServer) -> None:
        self.fake = fake
        self.side = ServerSide()
        self.subscription: Subscribe | None = None
        self.at = 0

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    async def open(self) -> None:
        self.fake.sockets.add(self)
        await self.fake.changed()

    def drop(self) -> None:
        """Close the TCP connection without a close frame."""
        assert self.ws_connection is not None
        assert self.ws_connection.stream is not None
        self.ws_connection.stream.close()

    def on_close(self) -> None:
        self.fake.sockets.discard(self)
        asyncio.get_running_loop().create_task(self.fake.changed())

    async def on_message(self, message: str | bytes) -> None:
        for request in self.side.receive(message):
            match request:
                case Hello():
                    limits = Limits(1 << 20, 1 << 20, 200, 1 << 16, 16)
                    welcome = Welcome(1, "c1", "tester", self.cursor(), 2000.0, 25.0, limits)
                    await self.write_message(encode(welcome))
                case Subscribe():
                    self.subscribe(request)

    def subscribe(self, request: Subscribe) -> None:
        self.fake.subscribed_after.append(request.after)
        try:
            after = Cursor.parse(request.after) if request.after else None
        except BadCursor as error:
            self.send(encode(ErrorMessage("bad_cursor", str(error), False, request.id)))
            return
        self.subscription = request
        tasks = None
        known_here = after is not None and after.epoch == self.fake.journal.epoch
        self.at = after.offset if after is not None and known_here else self.fake.journal.head
        if not known_here:
            known = self.fake.journal.tasks(TaskQuery(limit=200))
            tasks = [task for task in known if request.tasks == "*" or task.id in request.tasks]
            for task in tasks:
                task.cursor = self.cursor()
        last = [] if request.after is not None else self.tail(request)
        cursors = [f"{self.fake.journal.epoch}:{stored.offset - 1}" for stored in last] + [self.cursor()]
        self.send(encode(Subscribed(request.id, tasks is None, cursors[0], tasks)))
        for stored, (prev, cursor) in zip(last, pairwise(cursors), strict=True):  # a frame each, as if long
            self.send(encode(Events(request.id, prev, cursor, [decode_event(stored.encoded)])))
        self.send_new_events()

    def tail(self, request: Subscribe) -> list[StoredEvent]:
        """Return the tail, as a server does: the last log, message and display events of named tasks."""
        if not request.tail or request.tasks == "*":
            return []
        found = [self.fake.journal.tail(name, request.tail, TAIL_TYPES) for name in request.tasks]
        return sorted(event for part in found for event in part)

    def send_new_events(self) -> None:
        request = self.subscription
        if request is None:
            return
        named = None if request.tasks == "*" else request.tasks
        found = self.fake.journal.read(self.at, 1000, tasks=named, types=request.types)
        if found:
            events = [decode_event(stored.encoded) for stored in found]
            prev, self.at = self.cursor(), found[-1].offset
            self.send(encode(Events(request.id, prev, self.cursor(), events)))

    def send(self, frame: bytes) -> None:
        """In the order of the calls, without waiting: nothing can come in between."""
        asyncio.get_running_loop().create_task(self._send(frame))

    async def _send(self, frame: bytes) -> None:
        try:
            await self.write_message(frame)
        except WebSocketClosedError:
            return

    def cursor(self) -> str:
        return f"{self.fake.journal.epoch}:{self.at}"
