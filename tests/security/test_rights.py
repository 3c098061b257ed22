"""Rights that the authorizer denies, one at a time, and rights lost while a connection is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from tornado.web import RequestHandler

from jupyter_agent.server.routes import ROUTES
from jupyter_agent.system.ids import new_id
from jupyter_agent.transport.discovery import KEY_HEADER
from tests.support.servers import Answer, Server, assert_problem
from tests.support.wire import Story, Wire, producer, subscriber, wire

from .conftest import Gate
from .endpoints import ENDPOINTS, OTHER_ROUTES, REQUESTS, Visitor, published


@pytest.fixture
def task(gate: Gate) -> str:
    return published(gate.server, ["queued", "running"])


@pytest.fixture
def visitor(gate: Gate) -> Visitor:
    return Visitor({"Authorization": f"token {gate.server.token}"})


@pytest.fixture
def ended(gate: Gate) -> str:
    return published(gate.server, ["queued", "running", "failed"])


@pytest.mark.parametrize("denied", ["read", "write", "execute"])
def test_a_right_that_is_denied_closes_its_endpoints_and_no_others(
    gate: Gate, task: str, ended: str, visitor: Visitor, denied: str
) -> None:
    gate.deny(denied)
    for method, path, right, status in ENDPOINTS:
        about = ended if method == "STREAM" else task
        answer = visitor.ask(gate.server, method, path.format(id=about))
        if right == denied:
            assert_problem(answer, 403, "forbidden")
        else:
            assert answer.status == status, (method, path)
    assert visitor.ask(gate.server, "GET", "").status == (403 if denied == "read" else 200)
    assert visitor.enter(gate.server) == (403 if denied == "read" else 101)
    told = visitor.ask(gate.server, "GET", "health").json
    assert ("journal" in told) is (denied != "read")
    rights = [right for right in ("read", "write", "execute") if right != denied]
    assert told.get("rights") == (None if denied == "read" else rights)


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        *((endpoint.method, endpoint.path, endpoint.right) for endpoint in ENDPOINTS),
        ("GET", "", "read"),
    ],
)
def test_each_endpoint_asks_for_its_own_right_and_no_other(
    gate: Gate, task: str, ended: str, visitor: Visitor, method: str, path: str, right: str
) -> None:
    gate.open()
    visitor.ask(gate.server, method, path.format(id=ended if method == "STREAM" else task))
    assert gate.asked == {right}


def test_health_asks_for_every_right_that_it_names(gate: Gate, visitor: Visitor) -> None:
    gate.open()
    visitor.ask(gate.server, "GET", "health")
    assert gate.asked == {"read", "write", "execute"}


def test_every_route_and_method_is_in_the_list_of_endpoints() -> None:
    served = {
        (method, route)
        for route, handler in ROUTES
        for method in RequestHandler.SUPPORTED_METHODS
        if route not in OTHER_ROUTES and _implements(handler, method.lower())
    }
    listed = {
        (_HTTP_METHOD.get(method, method), path.partition("?")[0].replace("{id}", "([^/]+)"))
        for method, path in REQUESTS
    }
    # HEAD is GET without its body, and a browser's preflight (OPTIONS) needs no rights.
    heads = {("HEAD", route) for method, route in listed if method == "GET"}
    preflights = {("OPTIONS", route) for _, route in listed}
    assert served == listed | heads | preflights
    gets = [handler for route, handler in ROUTES if ("GET", route) in listed]
    assert all(handler.head is handler.get for handler in gets)
    assert {route for route, _ in ROUTES} > OTHER_ROUTES


_HTTP_METHOD = {"HTML": "GET", "STREAM": "GET"}


def _implements(handler: type[RequestHandler], name: str) -> bool:
    return getattr(handler, name) is not getattr(RequestHandler, name)


@pytest.mark.parametrize("denied", ["write", "execute"])
def test_running_a_schedule_now_needs_the_right_to_execute_too(gate: Gate, denied: str) -> None:
    body = {"target": ["true"], "schedule": {"at": "2999-01-01"}}
    ident = gate.server.ask("schedules", method="POST", body=body).json["id"]
    gate.deny(denied)
    path = f"schedules/{ident}/commands"
    assert_problem(gate.server.ask(path, method="POST", body={"command": "run"}), 403, "forbidden")
    paused = gate.server.ask(path, method="POST", body={"command": "pause"})
    assert paused.status == (403 if denied == "write" else 202)
    assert gate.server.ask(f"schedules/{ident}").json["last"] is None, "nothing has run"


async def _command(peer: Wire, task: str, ident: int = 1) -> None:
    await peer.say({"type": "command", "id": ident, "task": task, "command": "cancel", "args": {}})


def test_commands_and_publishing_over_a_socket_need_write(gate: Gate, task: str) -> None:
    gate.deny("write")
    story = Story()

    async def check() -> None:
        async with subscriber(gate.server) as peer:
            await peer.subscribe()
            await _command(peer, task)
            reply = await peer.get("reply")
            assert (reply["ok"], reply["code"]) == (False, "forbidden")
        async with wire(gate.server) as peer:
            await peer.say({"type": "hello", "versions": [1], "role": "producer", "producer": story.producer})
            assert await peer.closed() == 4503

    asyncio.run(check())
    assert gate.server.task(task)["cancel_requested"] is False


def test_the_right_to_command_may_be_lost_and_found_on_an_open_socket(gate: Gate, task: str) -> None:
    async def check() -> None:
        async with subscriber(gate.server) as peer:
            for ident, denied in enumerate((False, True, False)):
                gate.open()
                if denied:
                    gate.deny("write")
                await _command(peer, task, ident)
                assert (await peer.get("reply", id=ident))["ok"] is not denied

    asyncio.run(check())


async def _nothing_more(peer: Wire, story: Story, server: Server, code: int) -> None:
    """The socket is closed with *code*, and what is published from here on does not come."""
    key = {KEY_HEADER: server.key}
    async with producer(server, story.producer, token=None, headers=key) as writer:
        before = len(peer.seen)
        assert await peer.closed() == code
        await writer.published([story.state("completed")])
        assert all(message["type"] != "events" for message in peer.seen[before:])


LOSSES: dict[str, tuple[Callable[[Gate], None], int]] = {
    "the right to read": (lambda gate: gate.deny("read"), 4503),
    "the login": (lambda gate: gate.log_everybody_out(), 4501),
}


@pytest.mark.parametrize(("lose", "code"), LOSSES.values(), ids=LOSSES)
def test_within_a_heartbeat_a_socket_is_closed_that_lost(
    gate: Gate, lose: Callable[[Gate], None], code: int
) -> None:
    story = Story()
    published(gate.server, ["queued", "running"], story=story)

    async def check() -> None:
        async with subscriber(gate.server) as peer:
            await peer.subscribe()
            await peer.get("heartbeat")
            lose(gate)
            async with asyncio.timeout(10):
                await _nothing_more(peer, story, gate.server, code)

    asyncio.run(check())


@pytest.mark.parametrize(("lose", "code"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("request_of", ["command", "subscribe"])
def test_the_next_request_closes_a_socket_that_lost(
    gate: Gate, task: str, lose: Callable[[Gate], None], code: int, request_of: str
) -> None:
    story = Story()
    published(gate.server, ["queued", "running"], story=story)

    async def check() -> None:
        async with subscriber(gate.server) as peer:
            await peer.subscribe()
            lose(gate)
            if request_of == "command":
                await _command(peer, task)
            else:
                await peer.say({"type": "subscribe", "id": 2, "tasks": "*"})
            async with asyncio.timeout(10):
                await _nothing_more(peer, story, gate.server, code)
            assert not [m for m in peer.seen if m["type"] == "reply" or m.get("id") == 2]

    asyncio.run(check())
    gate.open()
    assert gate.server.task(task)["cancel_requested"] is False


@pytest.mark.parametrize(("denied", "code"), [("write", 4503), ("read", 4503), ("gone", 4501)])
def test_a_producer_that_may_no_longer_publish_is_closed(gate: Gate, denied: str, code: int) -> None:
    story = Story()

    async def check() -> None:
        async with producer(gate.server, story.producer) as writer:
            await writer.published(story.start())
            gate.log_everybody_out() if denied == "gone" else gate.deny(denied)
            async with asyncio.timeout(10):
                assert await writer.closed() == code

    asyncio.run(check())


def test_the_holders_key_outlives_every_login(gate: Gate) -> None:
    story = Story()
    gate.log_everybody_out()
    gate.deny("read", "write")

    async def check() -> None:
        key = {KEY_HEADER: gate.server.key}
        async with producer(gate.server, story.producer, token=None, headers=key) as writer:
            await writer.get("heartbeat")
            await writer.published(story.start())

    asyncio.run(check())


def test_a_login_that_lasts_is_asked_for_again_without_a_word(gate: Gate) -> None:
    before = len(gate.server.log_text())

    async def check() -> None:
        async with subscriber(gate.server) as peer:
            await peer.subscribe()
            for _ in range(3):
                await peer.get("heartbeat")

    asyncio.run(check())
    assert "\n[W" not in gate.server.log_text()[before:]
    assert "\n[E" not in gate.server.log_text()[before:]


@pytest.mark.parametrize("lose", [lose for lose, _ in LOSSES.values()], ids=LOSSES)
def test_a_stream_ends_when_its_reader_lost(gate: Gate, lose: Callable[[Gate], None]) -> None:
    story = Story()
    task = published(gate.server, ["queued", "running"], story=story)
    headers = {"Authorization": f"token {gate.server.token}", "Accept": "text/event-stream"}

    def stream() -> Answer:
        return gate.server.ask(f"tasks/{task}/events?until=end", token=None, headers=headers)

    async def check() -> Answer:
        reading = asyncio.create_task(asyncio.to_thread(stream))
        try:
            async with subscriber(gate.server) as peer:
                await peer.get("heartbeat")
                lose(gate)
                async with asyncio.timeout(10):
                    return await asyncio.shield(reading)
        finally:  # one that goes on all the same ends here
            gate.open()
            async with producer(gate.server, story.producer) as writer:
                await writer.published([story.state("completed")])

    answer = asyncio.run(check())
    assert answer.status == 200
    assert answer.body.count(b"event: state") == 2


def test_a_cursor_is_no_capability(gate: Gate, task: str, visitor: Visitor) -> None:
    cursor = gate.server.ask(f"tasks/{task}/events").json["cursor"]
    nobody = Visitor()
    assert_problem(nobody.ask(gate.server, "GET", f"tasks/{task}/events?after={cursor}"), 403)
    gate.deny("read")
    for path in (
        *(f"tasks/{task}/events?{way}={cursor}" for way in ("after", "before")),
        f"tasks?before={task}",
    ):
        assert_problem(visitor.ask(gate.server, "GET", path), 403)
    resumed = Visitor(visitor.headers | {"Last-Event-ID": cursor})
    assert_problem(resumed.ask(gate.server, "STREAM", f"tasks/{task}/events"), 403)


def test_a_cursor_of_another_journal_gives_nothing_of_this_one(gate: Gate, task: str) -> None:
    offset = gate.server.ask(f"tasks/{task}/events").json["cursor"].split(":")[1]
    foreign = f"{new_id()}:{offset}"
    assert_problem(gate.server.ask(f"tasks/{task}/events?after={foreign}"), 410, "expired")
    ahead = gate.server.ask("health").json["journal"]["epoch"] + ":999999999"
    assert_problem(gate.server.ask(f"tasks/{task}/events?after={ahead}"), 410, "expired")
    for place in (foreign, ahead):
        assert_problem(gate.server.ask(f"tasks/{task}/events?before={place}"), 410, "expired")

    async def check() -> None:
        async with subscriber(gate.server) as peer:
            for ident, (after, reason) in enumerate(((foreign, "epoch"), (ahead, "expired"))):
                answer = await peer.subscribe(ident, [task], after)
                assert (answer["recovered"], answer["reason"]) == (False, reason)
                assert [t["id"] for t in answer["tasks"]] == [task]

    asyncio.run(check())


def test_what_a_refusal_says_is_the_same_whether_the_task_is_there_or_not(
    gate: Gate, task: str, visitor: Visitor
) -> None:
    gate.deny("read", "write", "execute")
    for method, path in REQUESTS:
        there, nowhere = (
            visitor.ask(gate.server, method, path.format(id=ident)) for ident in (task, new_id())
        )
        assert json.loads(there.body) == json.loads(nowhere.body)


def test_the_name_of_a_user_is_one_line_of_the_log(gate: Gate, visitor: Visitor) -> None:
    assert visitor.enter(gate.server) == 101

    async def check() -> None:
        async with subscriber(gate.server):
            pass

    asyncio.run(check())
    log = gate.server.log_text()
    assert "Eve [E 2026-01-01] forged connected" in log
    assert "\n[E 2026" not in log
    assert "\x1b" not in log
