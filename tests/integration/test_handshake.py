"""The WebSocket's handshake: the first frames of a connection, and how it closes."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError

from jupyter_agent.protocol.messages import SUBPROTOCOL
from jupyter_agent.system.ids import new_id
from tests.support.servers import Server, Servers, loud
from tests.support.wire import Story, Wire, producer, subscriber, wire

pytestmark = pytest.mark.asyncio
HELLO = {"type": "hello", "versions": [1]}


async def _code_after(server: Server, frame: str | bytes, *, binary: bool = False) -> int | None:
    async with wire(server) as peer:
        await peer.say(frame, binary=binary)
        return await peer.closed()


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"subscribe","id":1,"tasks":"*"}',
        '{"type":"never heard of"}',
        "{}",
        "no json",
        "",
        "[]",
        "7",
        "[" * 5000,
        '{"type":"hello"}',
        '{"type":"hello","versions":"1"}',
        '{"type":"hello","versions":[1],"role":"king"}',
        '{"type":"hello","versions":[1],"role":"producer"}',
        '{"type":"hello","versions":[1],"role":"producer","producer":"../../../../../etc/passwd"}',
        '{"type":"hello","versions":[1],"role":"producer","producer":"aaaaaaaaaaaaaaaaaaaaaaaaaa"}',
    ],
)
async def test_what_is_no_readable_hello_closes_with_4500(shared: Server, frame: str) -> None:
    assert await _code_after(shared, frame) == 4500


async def test_a_binary_frame_before_hello_closes_with_4500(shared: Server) -> None:
    assert await _code_after(shared, b"\xff\xfe", binary=True) == 4500


@pytest.mark.parametrize("frame", ["no json", "[1]", "null", '"text"', "{" * 3000])
async def test_a_frame_that_is_no_object_closes_with_4500_after_hello_too(shared: Server, frame: str) -> None:
    async with subscriber(shared) as peer:
        await peer.say(frame)
        assert await peer.closed() == 4500


async def test_no_common_version_closes_with_4506(shared: Server) -> None:
    assert await _code_after(shared, '{"type":"hello","versions":[2,3]}') == 4506
    assert await _code_after(shared, '{"type":"hello","versions":[]}') == 4506


async def test_a_newer_client_that_also_speaks_version_1_is_welcome(shared: Server) -> None:
    async with wire(shared) as peer:
        await peer.say({"type": "hello", "versions": [2, 1], "something_new": {"x": [1]}})
        assert (await peer.get("welcome"))["version"] == 1


async def test_no_hello_in_time_closes_with_4508(shared: Server) -> None:
    async with wire(shared) as peer:
        assert await peer.closed() == 4508
        assert peer.seen == []


async def test_a_hello_in_time_keeps_the_connection(shared: Server) -> None:
    async with subscriber(shared) as peer:
        await peer.get("heartbeat")
        await peer.get("heartbeat")
        assert (await peer.subscribe())["type"] == "subscribed"


async def test_nothing_is_sent_before_hello(shared: Server) -> None:
    story = Story()
    async with wire(shared) as silent, producer(shared, story.producer) as writer:
        await writer.published(story.start())
        assert await silent.closed() == 4508
        assert silent.seen == []


async def test_the_welcome_tells_who_where_and_how_much(shared: Server) -> None:
    async with wire(shared) as peer:
        welcome = await peer.hello()
    assert welcome["version"] == 1
    assert welcome["heartbeat"] == 0.5
    assert welcome["user"]
    assert welcome["connection"]
    assert ":" in welcome["cursor"]
    assert set(welcome["limits"]) == {"message", "event", "snapshots", "frame", "window"}


async def test_the_subprotocol_is_negotiated_and_compression_is_not(shared: Server) -> None:
    async with wire(shared, subprotocols=["something.else", SUBPROTOCOL], compression_options={}) as peer:
        assert peer.socket.selected_subprotocol == SUBPROTOCOL
        assert peer.socket.headers is not None
        assert "permessage-deflate" not in peer.socket.headers.get("Sec-WebSocket-Extensions", "")


async def test_a_client_without_the_subprotocol_is_served_without_one(shared: Server) -> None:
    async with wire(shared, subprotocols=["something.else"]) as peer:
        assert peer.socket.selected_subprotocol is None
        assert (await peer.hello())["version"] == 1


async def test_a_second_hello_is_an_error_and_the_connection_stays(shared: Server) -> None:
    async with subscriber(shared) as peer:
        await peer.say(HELLO)
        assert (await peer.get("error"))["code"] == "bad_message"
        await peer.subscribe()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "dance", "id": 7}, "unknown_type"),
        ({"type": ["hello"], "id": 7}, "unknown_type"),
        ({"id": 7}, "unknown_type"),
        ({"type": "subscribe", "id": 7}, "bad_message"),
        ({"type": "subscribe", "id": 7, "tasks": "all"}, "bad_message"),
        ({"type": "subscribe", "id": 7, "tasks": [1]}, "bad_message"),
        ({"type": "subscribe", "id": 7, "tasks": "*", "tail": -1}, "bad_message"),
        ({"type": "command", "id": 7, "task": "x", "command": "cancel", "attempt": 0}, "bad_message"),
        ({"type": "publish", "id": 7, "base": 1, "first": 1, "events": []}, "not_a_producer"),
        ({"type": "handled", "id": 7, "offset": 1}, "not_a_producer"),
    ],
)
async def test_a_message_that_cannot_be_served_is_answered_by_its_id(
    shared: Server, frame: dict[str, object], code: str
) -> None:
    async with subscriber(shared) as peer:
        await peer.say(frame)
        error = await peer.get("error")
        assert (error["code"], error["temporary"]) == (code, False)
        assert error.get("id") in (7, None)
        await peer.subscribe(7)


async def test_a_producer_that_connects_again_replaces_its_old_connection_with_4011(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as old, producer(shared, story.producer) as new:
        assert await old.closed() == 4011
        await new.published(story.start())


async def test_too_big_a_message_closes_with_1009(shared: Server) -> None:
    async with subscriber(shared) as peer:
        limit = 8 << 20
        await peer.say(json.dumps({"type": "dance", "pad": "x" * limit}))
        assert await peer.closed() == 1009


async def test_far_too_big_a_message_ends_the_connection_quietly(shared: Server) -> None:
    before = len(shared.log_text())
    async with subscriber(shared) as peer:
        with contextlib.suppress(WebSocketClosedError):
            await peer.say(json.dumps({"type": "dance", "pad": "x" * (40 << 20)}))
        assert await peer.closed() in (1009, None)
    async with subscriber(shared) as after:
        await after.subscribe()
    assert not loud(shared.log_text()[before:])


async def test_a_server_that_stops_says_bye_and_closes_with_4001(fresh: Servers) -> None:
    running = fresh.start()
    async with (
        subscriber(running) as idle,
        wire(running) as unwelcomed,
        producer(running, new_id()) as writer,
    ):
        await idle.subscribe()
        stopping = asyncio.create_task(asyncio.to_thread(running.stop))
        for peer in (idle, writer):
            bye = await peer.get("bye")
            assert bye["reconnect"] is True
            assert bye["retry_ms"] >= 0
            assert await peer.closed() == 4001
        assert await unwelcomed.closed() in (4001, None, 1001, 1006)
        assert unwelcomed.seen == []
        assert await stopping == 0


async def test_requests_without_a_right_are_refused_before_the_upgrade(shared: Server) -> None:
    for token in (None, "wrong"):
        with pytest.raises(HTTPClientError) as refused:
            async with wire(shared, token=token):
                pass
        assert refused.value.code == 403


async def test_five_hundred_frames_at_once_are_answered_in_order(shared: Server) -> None:
    async with subscriber(shared) as peer:
        for number in range(500):
            await peer.say({"type": "dance", "id": number})
        assert [(await peer.get("error"))["id"] for _ in range(500)] == list(range(500))


async def test_frames_that_follow_a_fatal_one_are_not_answered(shared: Server) -> None:
    async with wire(shared) as peer:
        await peer.say("no json")
        await _say_if_open(peer)
        assert await peer.closed() == 4500
        assert peer.seen == []


async def _say_if_open(peer: Wire) -> None:
    with contextlib.suppress(WebSocketClosedError):
        for _ in range(3):
            await peer.say(HELLO)
