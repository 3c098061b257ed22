"""Every endpoint of a server, and every kind of credentials."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_agent.core.events import Event
from jupyter_agent.protocol.messages import SUBPROTOCOL
from tests.support.servers import Answer, Server
from tests.support.wire import Story, Wire, producer

ENDPOINTS = [
    ("GET", "tasks"),
    ("GET", "tasks?notebook=a.ipynb&cells=x"),
    ("GET", "tasks/{id}"),
    ("GET", "tasks/{id}/events"),
    ("HTML", "tasks/{id}"),
    ("STREAM", "tasks/{id}/events"),
    ("POST", "tasks/{id}/commands"),
    ("DELETE", "tasks/{id}"),
    ("GET", "schedules"),
    ("GET", "forwards"),
]
"""The endpoints that answer with problem details, beside `MAKING`, the page, health and the WebSocket."""

MAKING = [("POST", "tasks"), ("POST", "schedules"), ("POST", "forwards")]
"""The endpoints that run code, or make the server connect to a peer."""

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
        elif method == "POST":
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
