"""Forwards that a real server runs: they outlive it, its sockets, and the process that added them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

import pytest

import jupyter_agent as ja
from jupyter_agent.cli.main import run
from tests.support.builders import until
from tests.support.runtime import own_producer  # noqa: F401
from tests.support.servers import Server, Servers, assert_problem, loud
from tests.support.websocket_peers import Peer
from tests.support.wire import Story, producer

pytestmark = pytest.mark.asyncio
SECRET = "a-password-of-the-peer"


def log_numbers(count: int) -> None:
    for n in range(count):
        ja.current().log(str(n))


async def publish(server: Server, story: Story, count: int) -> None:
    """So many events, committed."""
    async with producer(server, story.producer) as writer:
        events = story.logs(count) if story.n else [*story.start(), *story.logs(count - 2)]
        await writer.published(events)


def add(server: Server, url: str, **fields: object) -> dict[str, object]:
    answer = server.ask("forwards", method="POST", body={"url": url, **fields})
    assert answer.status in (200, 201), answer.body
    shown: dict[str, object] = answer.json
    return shown


def shown(server: Server, forward: dict[str, object]) -> dict[str, object]:
    answer: dict[str, object] = server.ask(f"forwards/{forward['id']}").json
    return answer


async def test_it_goes_on_whatever_becomes_of_the_peer_and_of_the_server(fresh: Servers) -> None:
    server, story = fresh.start(extra_args=["--log-level=DEBUG"]), Story()
    with Peer() as peer:
        await publish(server, Story(), 5)  # before it was added
        url = f"ws://me:{SECRET}-1@127.0.0.1:{peer.port}/events?token={SECRET}-2"
        forward = add(server, url, headers={"X-Key": f"{SECRET}-3"})
        await publish(server, story, 300)
        peer.has(300)
        peer.close()
        await publish(server, story, 100)
        until(lambda: "cannot be reached" in str(shown(server, forward)["error"]))
        assert shown(server, forward)["state"] == "waiting"
        server.stop()
        server.restart()
        await publish(server, story, 100)
        peer.hang_up_after = len(peer.got) + 50
        peer.open()
        peer.has(500)
        until(lambda: shown(server, forward)["lag"] == 0)
        server.kill()
        server.restart()
        await publish(server, story, 10)
        peer.has(510)
        listed = server.ask("forwards")
        assert server.ask(f"forwards/{forward['id']}", method="DELETE").status == 204
        assert_problem(server.ask(f"forwards/{forward['id']}"), 404, "unknown_forward")
        assert server.stop() == 0
    assert list(dict.fromkeys(peer.names())) == [(story.producer, n) for n in range(1, 511)]
    assert {head["X-Key"] for head in peer.headers} == {f"{SECRET}-3"}
    assert all(head["Authorization"].startswith("Basic ") for head in peer.headers)
    assert listed.json["forwards"][0]["url"] == f"ws://127.0.0.1:{peer.port}/events"
    assert listed.json["forwards"][0]["headers"] == ["X-Key"]
    log = server.log_text()
    assert SECRET not in listed.body.decode() + log
    assert "bWU6" not in log  # me: as the header has it
    assert not loud(log)


async def test_a_server_killed_before_it_saved_the_place_sends_again_and_loses_nothing(
    fresh: Servers,
) -> None:
    server, story = fresh.start(), Story()
    with Peer() as peer:
        forward = add(server, peer.url)
        await publish(server, story, 200)
        peer.has(200)
        server.kill()  # well within the second after which it stores the place
        server.restart()
        assert shown(server, forward)["created"] == forward["created"]
        await publish(server, story, 20)
        peer.has(220)
    assert list(dict.fromkeys(peer.names())) == [(story.producer, n) for n in range(1, 221)]


async def test_a_peer_that_refuses_is_shown_in_the_listing_and_delays_no_other(fresh: Servers) -> None:
    server, story = fresh.start(), Story()
    with Peer() as closed, Peer() as good, Peer() as strict:
        strict.refuse, closed.hang_up_after, closed.code = 403, 1, 1008
        forwards = {name: add(server, one.url) for name, one in (("strict", strict), ("closed", closed))}
        forwards["good"] = add(server, good.url, format="cloudevents", types=["state"])
        await publish(server, story, 50)
        good_got = until(lambda: len(good.got) == 2 and good.got)
        until(lambda: shown(server, forwards["strict"])["state"] == "refused")
        until(lambda: shown(server, forwards["closed"])["state"] == "refused")
        assert "HTTP 403" in str(shown(server, forwards["strict"])["error"])
        assert "1008" in str(shown(server, forwards["closed"])["error"])
        until(lambda: shown(server, forwards["good"])["state"] == "connected")
        assert good.subprotocols == ["cloudevents.json"]
    assert [event["id"] for event in good_got] == [f"{story.producer}/1", f"{story.producer}/2"]
    assert good_got[0]["type"] == "jupyter_agent.task.state"
    assert good_got[0]["subject"] == story.task
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", good_got[0]["time"])
    assert json.loads(json.dumps(good_got[0]["data"]))["state"] == "queued"


async def test_what_cannot_be_forwarded_is_one_sentence(shared: Server) -> None:
    for body, words in (
        ({}, "give the address"),
        ({"url": "http://127.0.0.1/"}, "ws://"),
        ({"url": "ws://127.0.0.1/", "headers": {"X": f"{SECRET}\n"}}, "header X"),
        ({"url": "ws://127.0.0.1/", "types": ["logs"]}, "'logs'"),
        ({"url": "ws://127.0.0.1/", "task": "x"}, "not a task id"),
        ({"url": "ws://127.0.0.1/", "header": {}}, "'header'"),
        ([], "JSON object"),
    ):
        answer = shared.ask("forwards", method="POST", body=body)
        assert_problem(answer, 400, "bad_request")
        assert words in answer.json["detail"]
        assert SECRET not in answer.json["detail"]


async def test_what_a_process_forwards_goes_on_without_it(
    server: Callable[[], Server], capsys: pytest.CaptureFixture[str]
) -> None:
    running = server()

    async def cli(*words: str) -> str:
        assert await asyncio.to_thread(run, ["forward", *words]) == 0
        return capsys.readouterr().out

    with Peer() as peer:
        handle = ja.submit(log_numbers, 20)
        assert handle.wait(10)
        forward = ja.forward_to(peer.url, task=handle, headers={"X-Key": SECRET})
        assert forward.wait(20)
        assert forward.delivered == len(peer.got) == 23
        again = ja.forward_to(peer.url, task=handle, headers={"X-Key": "another"})
        assert again.id == forward.id
        (listed,) = json.loads(await cli("list", "--json"))
        assert (listed["id"], listed["lag"], listed["headers"]) == (forward.id, 0, ["X-Key"])
        assert SECRET not in repr(forward)
        handle.retry()
        peer.has(46)
        assert forward.wait(20)
        assert [head["X-Key"] for head in peer.headers][-1] == "another"
        with again:
            pass
        forward.close()
        assert forward.delivered == 46
        assert not forward.wait(20)
        assert running.ask("forwards").json == {"forwards": []}
        assert "from the first event" in await cli("add", peer.url, "--task", handle.id)
        assert "There already" in await cli("add", peer.url, "--task", handle.id)
        peer.has(46)
        (listed,) = json.loads(await cli("list", "--json"))
        assert "Removed" in await cli("remove", listed["id"])
        assert await cli("list") == "No forwards.\n"
