"""What clients expect of every HTTP server: preflights of other origins, HEAD, ids that are known at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from jupyter_agent.client import Restart, connect
from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.core.ids import ulid
from jupyter_agent.errors import RequestRefused
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.ids import new_id
from tests.support.builders import task_id
from tests.support.servers import Server, Servers, assert_problem
from tests.support.wire import subscriber

ORIGIN = "https://elsewhere.example"
PATHS = ("tasks", f"tasks/{task_id(404)}/commands", "schedules", "forwards", "health", "", "no-such-path")


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets pages of one other origin ask."""
    factory = Servers(tmp_path_factory.mktemp("open"))
    yield factory.start(extra_args=[f"--ServerApp.allow_origin={ORIGIN}"])
    factory.close()


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_of_an_allowed_origin_is_answered_without_a_login(open_server: Server, path: str) -> None:
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = open_server.ask(path, method="OPTIONS", token=None, headers={"Origin": ORIGIN} | wanted)
    assert answer.status == 204
    assert answer.body == b""
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert {"POST", "DELETE"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))


def test_a_preflight_gives_no_other_origin_leave(open_server: Server, shared: Server) -> None:
    other = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = open_server.ask("tasks", method="OPTIONS", token=None, headers=other)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    closed = shared.ask("tasks", method="OPTIONS", token=None, headers=other)
    assert closed.headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize("path", ["tasks", "schedules", "forwards", "health", "", "no-such-path"])
def test_head_is_answered_as_get_without_its_body(shared: Server, path: str) -> None:
    got, head = shared.ask(path), shared.ask(path, method="HEAD")
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


def test_head_needs_a_login_where_get_does(shared: Server) -> None:
    assert shared.ask("tasks", method="HEAD", token=None).status == 403
    assert shared.ask("health", method="HEAD", token=None).status == 200


def test_head_of_an_event_stream_ends(shared: Server) -> None:
    task = unpublished(shared)
    stream = {"Accept": "text/event-stream"}
    answer = shared.ask(f"tasks/{task}/events", method="HEAD", headers=stream)
    assert (answer.status, answer.body) == (200, b"")


def unpublished(server: Server, *, host: str = "", age: float = 0.0, alive: bool = True) -> str:
    """A task of a producer whose connection has not come yet; its id, which was made *age* seconds ago."""
    producer, task = new_id(), ulid(time.time() - age, os.urandom(10))
    header = header_for(producer, server.slot or "", time.time())
    elsewhere = msgspec.structs.replace(header, host=host, boot=host) if host else header
    spool = Spool.create(server.paths, elsewhere)
    _kept.append(spool)
    spool.append(task, 1, "state", State(TaskState.QUEUED, about=About("young")))
    if not alive:
        spool.close()
    return task


_kept: list[Spool] = []
"""Their locks are held until this process ends."""


WHERE = [{}, {"age": 86400.0}, {"age": -40 * 86400.0}, {"host": "elsewhere"}, {"alive": False}]
"""Alive and young; of a day before the server's start; of another clock; on another machine; just killed."""


@pytest.mark.parametrize("where", WHERE)
def test_an_id_that_submit_returned_is_known_before_its_event_is_published(
    shared: Server, where: dict[str, Any]
) -> None:
    assert shared.ask(f"tasks/{unpublished(shared, **where)}").json["name"] == "young"
    assert shared.ask(f"tasks/{unpublished(shared, **where)}/events").json["events"][0]["type"] == "state"
    command = {"command": "cancel"}
    task = unpublished(shared, **where)
    # 409 and 204 only if its process was killed and the server has found that out already.
    assert shared.ask(f"tasks/{task}/commands", method="POST", body=command).status in (202, 409)
    task = unpublished(shared, **where)
    assert shared.ask(f"tasks/{task}", method="DELETE").status in (204, 409)
    assert shared.ask(f"tasks/{unpublished(shared, **where)}/notebook").json["code"] == "no_notebook"


@pytest.mark.parametrize("where", WHERE)
def test_a_subscription_begins_with_a_task_that_is_not_published_yet(
    shared: Server, where: dict[str, Any]
) -> None:
    known, unknown = unpublished(shared, **where), new_id()
    with connect(shared.url, shared.token) as client:
        first = next(client.follow([known, unknown]))
        assert isinstance(first, Restart)
        assert [task.id for task in first.tasks] == [known]
        assert client.task(known).name == "young"


def test_what_has_no_spool_is_unknown(shared: Server) -> None:
    assert_problem(shared.ask(f"tasks/{new_id()}"), 404, "unknown_task")
    assert_problem(shared.ask("tasks/nonsense"), 404, "unknown_task")


def test_unknown_event_types_are_refused_by_name(shared: Server) -> None:
    task = unpublished(shared)
    answer = shared.ask(f"tasks/{task}/events?types=log,sate")
    assert answer.status == 400
    assert answer.json["detail"].startswith("there is no event type 'sate'; use state, progress, log")
    assert shared.ask(f"tasks/{task}/events?types=log,state").status == 200
    with connect(shared.url, shared.token) as client, pytest.raises(RequestRefused, match="'sate'"):
        next(client.follow([task], types=["sate"]))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("tasks?limt=5", "there is no parameter 'limt' here; there are state, name, key, limit, before"),
        ("tasks/{}?pretty=1", "there is no parameter 'pretty' here"),
        (
            "tasks/{}/events?typs=log&util=end",
            "'typs', 'util' here; there are after, before, grep, level, limit, line, types",
        ),
        ("tasks/{}/notebook?atempt=1", "'atempt'"),
        ("schedules?limit=1", "'limit'"),
        (f"schedules/{task_id(404)}/firings?limt=5", "'limt' here; there are limit, before"),
        ("forwards?x", "'x'"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_misspelt_parameters_are_refused_by_name(shared: Server, method: str, path: str, words: str) -> None:
    answer = shared.ask(path.format(unpublished(shared)), method=method)
    assert answer.status == 400
    if method == "GET":
        assert_problem(answer, 400, "bad_request")
        assert words in answer.json["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "tasks?name=crawl"), ("POST", "tasks/{}/commands?attempt=1"), ("DELETE", "tasks/{}?force=1")],
)
def test_what_belongs_into_a_body_is_refused_in_a_query(shared: Server, method: str, path: str) -> None:
    body = {"target": "-- true"} if path.startswith("tasks?") else {"command": "cancel"}
    path = path.format(unpublished(shared))
    answer = shared.ask(path, method=method, body=None if method == "DELETE" else body)
    assert_problem(answer, 400, "bad_request")
    assert repr(path.partition("?")[2].partition("=")[0]) in answer.json["detail"]


def test_a_query_is_looked_at_only_once_the_user_may_ask(shared: Server) -> None:
    assert shared.ask("tasks?limt=5", token=None).status == 403
    assert shared.ask("health?limt=5", token=None).status == 200


def test_a_stream_until_something_else_than_the_end_is_refused(shared: Server) -> None:
    stream = {"Accept": "text/event-stream"}
    answer = shared.ask(f"tasks/{unpublished(shared)}/events?until=ende", headers=stream)
    assert_problem(answer, 400, "bad_request")


def test_misspelt_input_is_refused_by_name_over_the_websocket_too(shared: Server) -> None:
    task = unpublished(shared)

    async def command() -> Any:
        async with subscriber(shared) as wire:
            args = {"text": "yes", "promt_id": "1"}
            await wire.say({"type": "command", "id": 1, "task": task, "command": "input", "args": args})
            return await wire.get("reply")

    reply = asyncio.run(command())
    assert (reply["ok"], reply["code"]) == (False, "bad_request")
    assert "'promt_id'" in reply["message"]
