"""Access to every endpoint with every kind of credentials, and the answers to the others."""

from __future__ import annotations

import pytest

from jupyter_agent.transport.discovery import KEY_HEADER
from tests.support.servers import TOKEN, Server, Servers, assert_problem

from .endpoints import ENDPOINTS, REQUESTS, Visitor, cookie_header, login, origin_of, with_cookie

NOT_LET_IN = {
    "nobody": Visitor(),
    "a wrong token": Visitor({"Authorization": "token wrong"}),
    "half a token": Visitor({"Authorization": f"token {TOKEN[:-1]}"}),
    "a token and more": Visitor({"Authorization": f"token {TOKEN}x"}),
    "an empty token": Visitor({"Authorization": "token "}),
    "a wrong bearer": Visitor({"Authorization": "Bearer wrong"}),
    "the token as a password": Visitor({"Authorization": f"Basic {TOKEN}"}),
    "a wrong token in the query": Visitor(query="token=wrong"),
    "an empty token in the query": Visitor(query="token="),
    "an empty key": Visitor({KEY_HEADER: ""}),
    "a wrong key": Visitor({KEY_HEADER: "wrong"}),
    "the token as a key": Visitor({KEY_HEADER: TOKEN}),
    "a key that is no ASCII": Visitor({KEY_HEADER: "\xfc"}),
    "a key in the query": Visitor(query=f"{KEY_HEADER}=x"),
    "a cookie of its own making": Visitor({"Cookie": "username-127-0-0-1=2|1:0|; _xsrf=1"}),
}
LET_IN = {
    "the token": Visitor({"Authorization": f"token {TOKEN}"}),
    "the token as a bearer's": Visitor({"Authorization": f"Bearer {TOKEN}"}),
    "the token in the query": Visitor(query=f"token={TOKEN}"),
    "the token, from a foreign origin": Visitor(
        {"Authorization": f"token {TOKEN}", "Origin": "http://evil.example"}
    ),
}


@pytest.mark.parametrize("visitor", NOT_LET_IN.values(), ids=NOT_LET_IN)
def test_every_endpoint_is_closed_to(shared: Server, running_task: str, visitor: Visitor) -> None:
    for method, path in REQUESTS:
        assert_problem(visitor.ask(shared, method, path.format(id=running_task)), 403)
    assert visitor.enter(shared) == 403
    page = visitor.ask(shared, "GET", "")
    assert page.status == 302
    assert "/login?next=" in page.headers["Location"]
    assert visitor.ask(shared, "GET", "health").json == {"status": "ok"}
    assert visitor.ask(shared, "GET", "metrics", root="").status in (302, 403)
    assert shared.task(running_task)["cancel_requested"] is False


@pytest.mark.parametrize("visitor", LET_IN.values(), ids=LET_IN)
def test_every_endpoint_is_open_to(
    shared: Server, running_task: str, ended_task: str, visitor: Visitor
) -> None:
    for method, path, _, status in ENDPOINTS:
        task = ended_task if method == "STREAM" else running_task
        assert visitor.ask(shared, method, path.format(id=task)).status == status, (method, path)
    assert visitor.enter(shared) == 101
    assert visitor.ask(shared, "GET", "").status == 200
    assert "journal" in visitor.ask(shared, "GET", "health").json
    assert visitor.ask(shared, "GET", "metrics", root="").status == 200


def test_every_endpoint_is_open_to_the_holders_key_and_no_endpoint_of_jupyters(
    shared: Server, running_task: str
) -> None:
    visitor = Visitor({KEY_HEADER: shared.key})
    for method, path, _, status in ENDPOINTS:
        if method != "STREAM":
            assert visitor.ask(shared, method, path.format(id=running_task)).status == status, (method, path)
    assert visitor.enter(shared) == 101
    assert "journal" in visitor.ask(shared, "GET", "health").json
    for path in ("api/contents", "api/kernels", "api/sessions", "metrics"):
        assert visitor.ask(shared, "GET", path, root="").status in (302, 403), path


def test_a_cookie_opens_every_endpoint_to_the_servers_own_pages(shared: Server, running_task: str) -> None:
    visitor = with_cookie(shared, origin_of(shared), xsrf="")
    for method, path, _, status in ENDPOINTS:
        if method != "STREAM":
            assert visitor.ask(shared, method, path.format(id=running_task)).status == status, (method, path)
    assert visitor.enter(shared) == 101
    assert visitor.ask(shared, "GET", "").status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "own.evil.example", "https://own"]
)
def test_a_cookie_opens_nothing_to_a_page_from_elsewhere(
    shared: Server, running_task: str, origin: str
) -> None:
    own = origin_of(shared)
    origin = origin.replace("https://own", own.replace("//", "//www.")).replace("own", own)
    visitor = with_cookie(shared, origin, xsrf="")
    for method, path in REQUESTS:
        answer = visitor.ask(shared, method, path.format(id=running_task))
        assert answer.status in ((403, 404) if method in ("POST", "PATCH", "DELETE") else (403,)), (
            method,
            path,
        )
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["code"] in ("forbidden", "not_found")
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert visitor.enter(shared) == 403
    assert visitor.ask(shared, "GET", "").status == 403
    assert visitor.ask(shared, "GET", "health").json == {"status": "ok"}


def test_a_cookie_without_an_origin_reads_but_opens_no_websocket(shared: Server, running_task: str) -> None:
    visitor = with_cookie(shared, None)
    assert visitor.ask(shared, "GET", f"tasks/{running_task}").status == 200
    assert visitor.enter(shared) == 403


@pytest.mark.parametrize("xsrf", [None, "wrong", "2|00000000|00000000000000000000000000000000|1"])
@pytest.mark.parametrize("origin", ["own", None])
def test_a_cookie_without_the_right_xsrf_token_changes_nothing(
    shared: Server, ended_task: str, xsrf: str | None, origin: str | None
) -> None:
    visitor = with_cookie(shared, origin and origin_of(shared), xsrf)
    for method, path in REQUESTS:
        if method in ("POST", "PATCH", "DELETE"):
            assert_problem(visitor.ask(shared, method, path.format(id=ended_task)), 403)
    assert shared.task(ended_task) is not None


def test_an_xsrf_token_alone_is_no_login(shared: Server, running_task: str) -> None:
    cookies = login(shared)
    visitor = Visitor(cookie_header({"_xsrf": cookies["_xsrf"]}) | {"X-XSRFToken": cookies["_xsrf"]})
    for method, path in REQUESTS:
        answer = visitor.ask(shared, method, path.format(id=running_task))
        assert_problem(answer, 403)
        assert answer.headers["Jupyter-Agent-Login"] == "required", (method, path)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8888", "127.0.0.1.evil.example"])
def test_a_name_that_was_bound_to_this_machine_from_outside_opens_nothing(shared: Server, host: str) -> None:
    visitor = Visitor({"Authorization": f"token {TOKEN}", "Host": host})
    for method, path in [*REQUESTS, ("GET", ""), ("GET", "health")]:
        assert visitor.ask(shared, method, path).status == 403, path
    assert visitor.enter(shared) == 403


def test_nothing_else_is_there_to_be_had(shared: Server) -> None:
    for path in ("static/", "static/task.js", "..%2f..%2fetc/passwd", "%2e%2e/api/kernels", "ws/", "nothing"):
        assert_problem(shared.ask(path), 404)
        assert_problem(shared.ask(path, token=None), 404)
    assert shared.ask("static/jupyter_agent/task.js", root="").status == 404


@pytest.mark.parametrize("visitor", NOT_LET_IN.values(), ids=NOT_LET_IN)
def test_the_front_ends_files_are_public_and_name_no_task(
    shared: Server, running_task: str, visitor: Visitor
) -> None:
    for method in ("GET", "HEAD"):
        answer = visitor.ask(shared, method, "static/page.js")
        assert answer.status in (200, 404)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert running_task.encode() not in answer.body
    assert visitor.ask(shared, "GET", f"static/../tasks/{running_task}").status == 404
    assert_problem(visitor.ask(shared, "POST", "static/page.js"), 403)


def test_a_password_only_server_opens_to_the_key_and_not_to_an_empty_token(fresh: Servers) -> None:
    config = (
        "from jupyter_server.auth import passwd\n"
        "c.PasswordIdentityProvider.hashed_password = passwd('secret', 'sha1')\n"
    )
    server = fresh.start(config=config, token="")
    for name in ("nobody", "an empty token", "an empty token in the query", "an empty key", "a wrong key"):
        assert_problem(NOT_LET_IN[name].ask(server, "GET", "tasks"), 403)
        assert NOT_LET_IN[name].enter(server) == 403
    key = Visitor({KEY_HEADER: server.key})
    assert key.ask(server, "GET", "tasks").status == 200
    assert key.ask(server, "DELETE", "tasks/x").status == 404
    assert key.enter(server) == 101
