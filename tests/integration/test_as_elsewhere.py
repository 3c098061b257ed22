"""What clients expect of every HTTP server: preflights of other origins, HEAD, ids that are known at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.ids import new_id
from tests.support.builders import task_id
from tests.support.servers import Server, Servers

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


def unpublished(server: Server) -> str:
    """A task of a living producer whose connection has not come yet; its id."""
    producer, task = new_id(), new_id()
    spool = Spool.create(server.paths, header_for(producer, server.slot or "", time.time()))
    _kept.append(spool)
    spool.append(task, 1, "state", State(TaskState.QUEUED, about=About("young")))
    return task


_kept: list[Spool] = []
"""Their locks are held until this process ends."""


def test_an_id_that_submit_returned_is_known_before_its_event_is_published(shared: Server) -> None:
    assert shared.ask(f"tasks/{unpublished(shared)}").json["name"] == "young"
    assert shared.ask(f"tasks/{unpublished(shared)}/events").json["events"][0]["type"] == "state"
    command = {"command": "cancel"}
    assert shared.ask(f"tasks/{unpublished(shared)}/commands", method="POST", body=command).status == 202


def test_unknown_event_types_are_refused_by_name(shared: Server) -> None:
    task = unpublished(shared)
    answer = shared.ask(f"tasks/{task}/events?types=log,sate")
    assert answer.status == 400
    assert answer.json["detail"].startswith("there is no event type 'sate'; use state, progress, log")
    assert shared.ask(f"tasks/{task}/events?types=log,state").status == 200
