"""Who may do what: tokens, cookies, origins, the holder's key, the authorizer."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from servers import Answer, Server, Servers, assert_problem
from tornado.httpclient import HTTPClientError
from wire import Story, producer, subscriber, wire

from jupyter_agent.discovery import KEY_HEADER

EVERY_DOOR = [
    ("GET", "tasks"),
    ("GET", "tasks/x"),
    ("DELETE", "tasks/x"),
    ("GET", "tasks/x/events"),
    ("POST", "tasks/x/commands"),
]
DENIER = """
from jupyter_server.auth import Authorizer

class Denier(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "jupyter_agent" or action in {allowed!r}

c.ServerApp.authorizer_class = Denier
"""


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize(("method", "path"), EVERY_DOOR)
def test_without_a_good_token_every_door_is_closed(
    shared: Server, token: str | None, method: str, path: str
) -> None:
    assert_problem(shared.ask(path, method=method, token=token), 403)


@pytest.mark.parametrize("token", [None, "wrong"])
def test_the_tasks_page_asks_a_stranger_to_log_in(shared: Server, token: str | None) -> None:
    answer = shared.ask("", token=token)
    assert answer.status == 302
    assert "/login?next=" in answer.headers["Location"]


def test_the_key_of_the_address_file_opens_every_door_and_a_wrong_one_none(shared: Server) -> None:
    for path in ("tasks", "health", ""):
        assert shared.ask(path, token=None, headers={KEY_HEADER: shared.key}).status == 200
    for wrong in ("", "x", shared.key[:-1], "ü"):
        assert_problem(shared.ask("tasks", token=None, headers={KEY_HEADER: wrong}), 403)
    assert shared.api("status").status == 200
    assert shared.ask("contents", root="api/", token=None, headers={KEY_HEADER: shared.key}).status == 403


def test_a_password_only_server_opens_to_the_key_and_not_to_an_empty_token(fresh: Servers) -> None:
    config = (
        "from jupyter_server.auth import passwd\n"
        "c.PasswordIdentityProvider.hashed_password = passwd('secret', 'sha1')\n"
    )
    server = fresh.start(config=config, token="")
    assert_problem(server.ask("tasks", token=None), 403)
    assert_problem(server.ask("tasks", token=None, headers={"Authorization": "token "}), 403)
    key = {KEY_HEADER: server.key}
    assert server.ask("tasks", token=None, headers=key).status == 200
    assert server.ask("tasks/x", method="DELETE", token=None, headers=key).status == 404

    async def publish() -> None:
        story = Story()
        async with producer(server, story.producer, token=None, headers=key) as writer:
            await writer.published(story.start())

    asyncio.run(publish())


def _login(server: Server) -> dict[str, str]:
    """The cookies of somebody who logged in in a browser, and their XSRF token."""
    set_cookies = []
    for path in ("login", f"login?token={server.token}"):
        answer = server.ask(path, root="", token=None)
        set_cookies += answer.headers.get_all("Set-Cookie")
    pairs = re.findall(r"^([^=]+)=([^;]*)", "\n".join(set_cookies), re.MULTILINE)
    page = server.ask("api/status", root="", token=None, headers=_cookie(dict(pairs)))
    assert page.status == 200
    return dict(pairs)


def _cookie(cookies: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def _own_origin(server: Server) -> str:
    return "http://" + urlsplit(server.url).netloc


def _ask(server: Server, path: str, cookies: dict[str, str], origin: str | None, **more: object) -> Answer:
    headers = _cookie(cookies) | ({"Origin": origin} if origin else {}) | dict(more.pop("headers", {}))  # type: ignore[call-overload]
    return server.ask(path, token=None, headers=headers, **more)  # type: ignore[arg-type]


def test_a_foreign_origin_with_a_cookie_is_refused(shared: Server) -> None:
    cookies = _login(shared)
    assert _ask(shared, "tasks", cookies, _own_origin(shared)).status == 200
    for origin in (
        "http://evil.example",
        "null",
        "http://127.0.0.1:1",
        _own_origin(shared) + ".evil.example",
    ):
        assert_problem(_ask(shared, "tasks", cookies, origin), 403)


def test_a_cookie_needs_the_xsrf_token_to_change_anything(shared: Server) -> None:
    cookies = _login(shared)
    origin = _own_origin(shared)
    for method, path in (("POST", "tasks/x/commands"), ("DELETE", "tasks/x")):
        body = {"command": "cancel"} if method == "POST" else None
        assert_problem(_ask(shared, path, cookies, origin, method=method, body=body), 403)
        xsrf = {"X-XSRFToken": cookies["_xsrf"]}
        answer = _ask(shared, path, cookies, origin, method=method, body=body, headers=xsrf)
        assert_problem(answer, 404, "unknown_task")
        answer = _ask(shared, path, cookies, "http://evil.example", method=method, body=body, headers=xsrf)
        assert answer.json["code"] in ("forbidden", "not_found")  # and not `unknown_task`


async def _refused(server: Server, headers: dict[str, str], token: str | None = None) -> int | None:
    try:
        async with wire(server, token=token, headers=headers):
            return None
    except HTTPClientError as error:
        return error.code


def test_a_cookie_opens_the_websocket_only_from_our_own_origin(shared: Server) -> None:
    cookie = _cookie(_login(shared))

    async def check() -> None:
        assert await _refused(shared, cookie) == 403
        assert await _refused(shared, cookie | {"Origin": "http://evil.example"}) == 403
        assert await _refused(shared, cookie | {"Origin": "null"}) == 403
        assert await _refused(shared, cookie | {"Origin": _own_origin(shared)}) is None
        assert await _refused(shared, {"Origin": _own_origin(shared)}) == 403
        assert await _refused(shared, {KEY_HEADER: shared.key}) is None
        assert await _refused(shared, {KEY_HEADER: "wrong"}) == 403

    asyncio.run(check())


def test_an_authorizer_may_allow_reading_only(fresh: Servers) -> None:
    server = fresh.start(config=DENIER.format(allowed=("read",)))
    assert server.ask("tasks").status == 200
    assert "journal" in server.ask("health").json
    assert_problem(server.ask("tasks/x", method="DELETE"), 403)
    assert_problem(server.ask("tasks/x/commands", method="POST", body={"command": "cancel"}), 403)
    story = Story()

    async def check() -> None:
        key = {KEY_HEADER: server.key}
        async with producer(server, story.producer, token=None, headers=key) as writer:
            await writer.published(story.start())
            async with subscriber(server) as peer:
                await peer.subscribe()
                await peer.say({"type": "command", "id": 1, "task": story.task, "command": "cancel"})
                reply = await peer.get("reply")
                assert (reply["ok"], reply["code"]) == (False, "forbidden")
            async with wire(server) as peer:
                await peer.say(
                    {"type": "hello", "versions": [1], "role": "producer", "producer": Story().producer}
                )
                assert await peer.closed() == 4503

    asyncio.run(check())
    assert server.task(story.task)["cancel_requested"] is False


def test_an_authorizer_may_deny_reading(fresh: Servers) -> None:
    server = fresh.start(config=DENIER.format(allowed=("write",)))
    for method, path in EVERY_DOOR:
        answer = server.ask(path, method=method, body={"command": "cancel"} if method == "POST" else None)
        assert_problem(answer, 404 if method in ("DELETE", "POST") else 403)
    assert server.ask("").status == 403
    assert server.ask("health").json == {"status": "ok"}
    assert asyncio.run(_refused(server, {}, token="")) == 403


def test_a_right_that_is_lost_later_ends_the_connection(fresh: Servers) -> None:
    revoked = fresh.home / "revoked"
    config = f"""
from pathlib import Path
from jupyter_server.auth import Authorizer

class Revocable(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return not Path({str(revoked)!r}).exists()

c.ServerApp.authorizer_class = Revocable
"""
    server = fresh.start(["--JupyterAgent.heartbeat_seconds=0.2"], config=config)

    async def check() -> None:
        async with subscriber(server) as peer:
            await peer.subscribe()
            await peer.get("heartbeat")
            revoked.touch()
            assert await peer.closed() == 4503

    asyncio.run(check())
