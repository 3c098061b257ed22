"""What the server's log says of requests that were refused."""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from jupyter_agent.errors import RequestRefused
from jupyter_agent.server.handlers.base import AgentHandler

pytestmark = pytest.mark.asyncio
ANSWERS: dict[str, Exception] = {
    "stopping": RequestRefused("the server stops", status=503, code="unavailable"),
    "unknown": RequestRefused("there is no such task", status=404, code="unknown"),
    "fault": ZeroDivisionError("a fault of ours"),
    "disk": OSError(errno.EIO, "Input/output error", "/home/somebody/agent"),
    "late": TimeoutError("a fault of ours, too"),
}


class Refusing(AgentHandler):
    """Answers each request with one of `ANSWERS`."""

    async def prepare(self) -> None:  # type: ignore[override]
        raise ANSWERS[self.request.path.strip("/")]


Ask = Callable[[str], Awaitable[int]]


@pytest_asyncio.fixture
async def ask() -> AsyncIterator[Ask]:
    application = Application([(r"/.*", Refusing, {"services": lambda: None})])
    server = HTTPServer(application)
    listening, port = bind_unused_port()
    server.add_sockets([listening])
    client = AsyncHTTPClient(force_instance=True)

    async def status(path: str) -> int:
        return (await client.fetch(f"http://127.0.0.1:{port}/{path}", raise_error=False)).code

    yield status
    client.close()
    server.stop()


@pytest.mark.parametrize(
    ("path", "status", "level"),
    [
        ("stopping", 503, "INFO"),
        ("unknown", 404, "WARNING"),
        ("fault", 500, "ERROR"),
        ("late", 500, "ERROR"),
        ("disk", 503, "INFO"),
    ],
)
async def test_only_a_fault_is_an_error(
    ask: Ask, caplog: pytest.LogCaptureFixture, path: str, status: int, level: str
) -> None:
    caplog.set_level(logging.INFO)
    assert await ask(path) == status
    assert caplog.records[-1].levelname == level
    assert str(status) in caplog.records[-1].getMessage()
