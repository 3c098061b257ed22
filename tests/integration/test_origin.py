"""Pages behind a proxy that changes ``Host``: a refusal says what to set, and that helps."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_agent.protocol.messages import SUBPROTOCOL
from tests.security.endpoints import Visitor, with_cookie
from tests.support.servers import Answer, Server, Servers, assert_problem, loud

PAGE = "https://Jupyter.example.org:8443"
SETTING = 'c.ServerApp.allow_origin = "https://jupyter.example.org:8443"'


def refusal(server: Server, origin: str) -> str | None:
    """What health says to a page of this server about one at *origin*."""
    answer = with_cookie(server, None).ask(server, "GET", f"health?origin={quote(origin)}")
    assert answer.status == 200
    found: str | None = answer.json.get("origin_refusal")
    return found


def posted(server: Server, origin: str) -> Answer:
    """The answer to a page at *origin* that wants to run nothing."""
    return with_cookie(server, origin, xsrf="").ask(server, "POST", "tasks")


def opens(server: Server, origin: str) -> bool:
    """Whether the page's WebSocket is opened."""

    async def connect() -> bool:
        url = f"ws{server.url.removeprefix('http')}jupyter-agent/ws"
        request = HTTPRequest(url, headers=with_cookie(server, origin).headers)
        try:
            (await websocket_connect(request, subprotocols=[SUBPROTOCOL])).close()
        except HTTPClientError:
            return False
        return True

    return asyncio.run(connect())


def test_a_page_at_another_address_is_told_what_to_set(shared: Server) -> None:
    said = refusal(shared, PAGE)
    assert said is not None
    assert f"This page is at {PAGE}, but its requests arrive for 127.0.0.1:" in said
    assert said.endswith(SETTING)
    answer = posted(shared, PAGE)
    assert_problem(answer, 404)
    assert answer.json["detail"] == said
    assert not opens(shared, PAGE)


def test_with_that_setting_nothing_is_refused(fresh: Servers) -> None:
    server = fresh.start(config=SETTING)
    assert refusal(server, PAGE) is None
    assert posted(server, PAGE).json["code"] == "bad_request"
    assert opens(server, PAGE)


def test_a_page_at_the_servers_own_address_is_not_refused(shared: Server) -> None:
    assert refusal(shared, shared.url.removesuffix("/x/")) is None


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "javascript:1",
        "https://a/path",
        "https://a\n[E] forged",
        "http://[",
        "http://[a]",
        f"https://{'x' * 300}",
    ],
)
def test_what_is_no_origin_is_not_repeated(shared: Server, origin: str) -> None:
    assert refusal(shared, origin) is None
    assert not any("forged" in line for line in loud(shared.log_text()))


def test_without_a_login_nothing_is_said_of_it(shared: Server) -> None:
    assert shared.ask(f"health?origin={quote(PAGE)}", token=None).json == {"status": "ok"}
    answer = Visitor({"Origin": PAGE}).ask(shared, "POST", "tasks")
    assert_problem(answer, 404)
    assert "127.0.0.1" not in answer.body.decode()
