"""A page with nothing but task views, and a scripted server behind it."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from typing import Any

import msgspec
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketHandler

from jupyter_agent.core.events import TaskState
from jupyter_agent.core.task import Task
from jupyter_agent.notebook.display.widget import STATIC
from jupyter_agent.protocol.messages import SUBPROTOCOL

TESTING = STATIC.parent / "frontend" / "lib" / "testing.js"
"""The front-end's parts by name, as its build leaves them."""

TIMEOUT = 30.0
TASK = "01JTASK00000000000000000AA"
PRODUCER = "01JPRODUCER00000000000000A"
LIMITS = {"message": 1 << 20, "event": 1 << 20, "snapshots": 100, "frame": 65536, "window": 8}
GREETING = {
    "type": "welcome",
    "version": 1,
    "connection": "c",
    "user": "u",
    "cursor": "e:2",
    "limits": LIMITS,
}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>stage</title>
<script id="jupyter-config-data" type="application/json">{config}</script></head><body></body></html>"""


def snapshot(**fields: Any) -> dict[str, Any]:
    """A snapshot as the wire has it: a running task called ``train`` unless *fields* say otherwise."""
    times = {"created": 1000.0, "queued": 1000.0, "started": 1000.0, "updated": 1000.0}
    task = Task(TASK, name="train", state=TaskState.RUNNING, producer=PRODUCER, cursor="e:2", events=2)
    return {**msgspec.to_builtins(task), **times, **fields}


def event(offset: int, kind: str, data: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    """An event as the wire has it."""
    who = {"task": TASK, "attempt": 1, "producer": PRODUCER, "n": offset, "time": 1000.0}
    return {"offset": offset, **who, "type": kind, "data": data, **envelope}


class _SocketHandler(WebSocketHandler):
    def initialize(self, stage: Stage) -> None:
        self.stage = stage

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def open(self) -> None:
        self.stage.opened(self)

    def on_message(self, message: str | bytes) -> None:
        self.stage.received.put(json.loads(message))

    def on_close(self) -> None:
        self.stage.closed.put(self.close_code)


class _Text(RequestHandler):
    def initialize(self, text: str, kind: str) -> None:
        self.text, self.kind = text, kind

    def get(self) -> None:
        self.set_header("Content-Type", f"{self.kind}; charset=utf-8")
        self.write(self.text)


class _History(RequestHandler):
    """``tasks/{id}/events``: what the stage's ``history`` has, by offset."""

    def initialize(self, stage: Stage) -> None:
        self.stage = stage

    def get(self, _: str) -> None:
        types = self.get_query_argument("types", "log").split(",")
        limit = int(self.get_query_argument("limit"))
        events = [one for one in self.stage.history if one["type"] in types]
        looked = len(events)
        if text := self.get_query_argument("grep", "").lower():
            events = [one for one in events if text in one["data"]["text"].lower()]
        before, after = (self.get_query_argument(name, None) for name in ("before", "after"))
        if before is not None:
            events = [one for one in events if one["offset"] <= offset(before)]
            page = events[-limit:]
            cursor = page[0]["offset"] - 1 if page else offset(before)
        else:
            events = [one for one in events if one["offset"] > offset(after or "e:0")]
            page = events[:limit]
            cursor = page[-1]["offset"] if page else offset(after or "e:0")
        more = len(page) < len(events)
        self.finish({"events": page, "cursor": f"e:{cursor}", "more": more, "looked": looked})


def offset(cursor: str) -> int:
    return int(cursor.rpartition(":")[2])


class Stage:
    """A scripted server in a thread of its own; `close` ends both. ``history`` is what HTTP tells."""

    def __init__(self) -> None:
        self.history: list[dict[str, Any]] = []
        self.received: queue.Queue[dict[str, Any]] = queue.Queue()
        self.closed: queue.Queue[int | None] = queue.Queue()
        self.connections = 0
        self._socket: _SocketHandler | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="stage")
        self._thread.start()
        assert self._ready.wait(TIMEOUT)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def opened(self, socket: _SocketHandler) -> None:
        self.connections += 1
        self._socket = socket

    def expect(self, kind: str) -> dict[str, Any]:
        """The next frame from the page, which must be of this type."""
        frame = self.received.get(timeout=TIMEOUT)
        assert frame["type"] == kind, frame
        return frame

    def send(self, **frame: Any) -> None:
        """Send one frame."""
        self.send_text(json.dumps(frame))

    def send_text(self, text: str) -> None:
        """Send *text* as a frame, valid or not."""
        self._call(lambda socket: socket.write_message(text))

    def hang_up(self, code: int, reason: str = "") -> None:
        """Close the socket with this code."""
        self._call(lambda socket: socket.close(code, reason))

    def welcome(self, *, heartbeat: float = 25.0, now: float = 1000.0) -> int:
        """Greet the page; returns the id of the subscription that it then asks for."""
        self.expect("hello")
        self.send(**GREETING, now=now, heartbeat=heartbeat)
        return int(self.expect("subscribe")["id"])

    def answer(self, ident: int, *tasks: dict[str, Any], cursor: str = "e:2") -> None:
        """Answer a subscription from the start with these snapshots."""
        answer = {"type": "subscribed", "id": ident, "recovered": False, "cursor": cursor}
        self.send(**answer, tasks=list(tasks), reason="initial")

    def tell(self, ident: int, *events: dict[str, Any], prev: str = "e:2", cursor: str | None = None) -> None:
        """Send events; the cursor is that of the last one unless given."""
        cursor = cursor or f"e:{events[-1]['offset']}"
        self.send(type="events", id=ident, prev=prev, cursor=cursor, events=list(events))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _call(self, job: Any) -> None:
        async def run() -> None:
            assert self._socket is not None
            sent = job(self._socket)
            if sent is not None:
                await sent

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(TIMEOUT)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        [socket] = bind_sockets(0, "127.0.0.1")
        self.port = socket.getsockname()[1]
        server = HTTPServer(self._app())
        server.add_socket(socket)
        self._ready.set()
        await self._end.wait()
        server.stop()
        await server.close_all_connections()

    def _app(self) -> Application:
        page = PAGE.replace("{config}", json.dumps({"baseUrl": "/", "wsUrl": "", "token": "secret"}))
        return Application(
            [
                ("/", _Text, {"text": page, "kind": "text/html"}),
                ("/task.mjs", _Text, {"text": TESTING.read_text("utf-8"), "kind": "text/javascript"}),
                ("/jupyter-agent/static/(.*)", StaticFileHandler, {"path": STATIC}),
                ("/jupyter-agent/tasks/([^/]*)/events", _History, {"stage": self}),
                ("/jupyter-agent/ws", _SocketHandler, {"stage": self}),
            ]
        )
