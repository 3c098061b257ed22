"""Every endpoint of a server, and every kind of credentials."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_agent.core.events import Event
from jupyter_agent.protocol.messages import SUBPROTOCOL
from tests.support.servers import Answer, Server
from tests.support.wire import Story, Wire, producer


class Endpoint(NamedTuple):
    """One endpoint. ``status`` is the answer to a visitor who has the ``right``."""

    method: str
    """The method of the request; ``HTML`` and ``STREAM`` are GET with that ``Accept``."""
    path: str
    """The path below ``jupyter-agent/``; ``{id}`` is the id of a task."""
    right: str
    status: int


ENDPOINTS = [
    Endpoint("GET", "tasks", "read", 200),
    Endpoint("GET", "tasks?notebook=a.ipynb&cells=x", "read", 200),
    Endpoint("POST", "tasks", "execute", 400),
    Endpoint("GET", "tasks/{id}", "read", 200),
    Endpoint("HTML", "tasks/{id}", "read", 200),
    Endpoint("DELETE", "tasks/{id}", "write", 409),
    Endpoint("GET", "tasks/{id}/events", "read", 200),
    Endpoint("STREAM", "tasks/{id}/events", "read", 200),
    Endpoint("GET", "tasks/{id}/metrics", "read", 200),
    Endpoint("POST", "tasks/{id}/commands", "write", 400),
    Endpoint("GET", "tasks/{id}/notebook", "read", 404),
    Endpoint("GET", "tasks/{id}/resources", "read", 200),
    Endpoint("GET", "schedules", "read", 200),
    Endpoint("POST", "schedules", "execute", 400),
    Endpoint("GET", "schedules/{id}", "read", 404),
    Endpoint("PATCH", "schedules/{id}", "execute", 400),
    Endpoint("DELETE", "schedules/{id}", "write", 404),
    Endpoint("POST", "schedules/{id}/commands", "write", 400),
    Endpoint("GET", "schedules/{id}/firings", "read", 404),
    Endpoint("GET", "targets?target=no-such.ipynb", "execute", 400),
    Endpoint("GET", "triggers?every=30m", "read", 200),
    Endpoint("GET", "openapi.json", "read", 200),
    Endpoint("GET", "asyncapi.json", "read", 200),
    Endpoint("GET", "event.schema.json", "read", 200),
    Endpoint("GET", "forwards", "read", 200),
    Endpoint("POST", "forwards", "execute", 400),
    Endpoint("GET", "forwards/{id}", "read", 404),
    Endpoint("DELETE", "forwards/{id}", "write", 404),
]
"""Every endpoint that refuses with problem details: all routes except `OTHER_ROUTES`."""

REQUESTS = [(endpoint.method, endpoint.path) for endpoint in ENDPOINTS]
"""The method and the path of every endpoint."""

OTHER_ROUTES = {"ws", "health", "static/(.*)", "?", "(.*)"}
"""Routes that answer visitors without rights in a way of their own. `test_access` tests each by its name."""

COMMAND = {"command": "no such command"}


@dataclass(frozen=True)
class Visitor:
    """The credentials of a request: headers, and a query to add."""

    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""

    def ask(self, server: Server, method: str, path: str, *, root: str = "jupyter-agent/") -> Answer:
        """One request as this visitor."""
        headers, body = dict(self.headers), None
        if method == "STREAM":
            method, headers = "GET", headers | {"Accept": "text/event-stream"}
            path += "?until=end"
        elif method == "HTML":
            method, headers = "GET", headers | {"Accept": "text/html"}
        elif method in ("POST", "PATCH"):
            body = COMMAND
        if self.query:
            path += ("&" if "?" in path else "?") + self.query
        return server.ask(path, method=method, body=body, token=None, headers=headers, root=root)

    def enter(self, server: Server) -> int:
        """Open a WebSocket; return the status of the answer, 101 when it was opened."""
        return asyncio.run(self._enter(server))

    async def _enter(self, server: Server) -> int:
        url = "ws" + server.url.removeprefix("http") + "jupyter-agent/ws"
        request = HTTPRequest(url + (f"?{self.query}" if self.query else ""), headers=self.headers)
        try:
            opened = await websocket_connect(request, subprotocols=[SUBPROTOCOL])
        except HTTPClientError as error:
            return error.code
        await Wire(opened).close()
        return 101


def origin_of(server: Server) -> str:
    """The origin of the server's own pages."""
    return "http://" + urlsplit(server.url).netloc


def login(server: Server) -> dict[str, str]:
    """The cookies of a user who logged in in a browser, ``_xsrf`` among them."""
    set_cookies: list[str] = []
    for path in ("login", f"login?token={server.token}"):
        answer = server.ask(path, root="", token=None)
        set_cookies += answer.headers.get_all("Set-Cookie") or []
    return dict(re.findall(r"^([^=]+)=([^;]*)", "\n".join(set_cookies), re.MULTILINE))


def cookie_header(cookies: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def with_cookie(server: Server, origin: str | None, xsrf: str | None = None) -> Visitor:
    """A browser on a page of *origin*; *xsrf* is the token that it sends along (``""``: the right one)."""
    cookies = login(server)
    headers = cookie_header(cookies)
    if origin is not None:
        headers["Origin"] = origin
    if xsrf is not None:
        headers["X-XSRFToken"] = xsrf or cookies["_xsrf"]
    return Visitor(headers)


def published(server: Server, states: list[str], *more: Event, story: Story | None = None) -> str:
    """Publish one task as a producer that goes away again; its id."""
    story = story or Story()

    async def publish() -> None:
        async with producer(server, story.producer) as writer:
            first, *rest = states
            events = [story.state(first, "a task"), *(story.state(state) for state in rest), *more]
            await writer.published(events)

    asyncio.run(publish())
    return story.task


def raw(server: Server, request: bytes) -> bytes:
    """Return the server's answer to these bytes, which must ask it to close."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as peer:
        peer.sendall(request)
        answer = b""
        while chunk := peer.recv(1 << 16):
            answer += chunk
        return answer
