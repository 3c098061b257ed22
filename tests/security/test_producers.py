"""The producers' endpoint: which producers it accepts, where the key goes, who gets commands."""

from __future__ import annotations

import asyncio
import hmac
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import pytest

from jupyter_agent.errors import JournalHeld
from jupyter_agent.journal.slots import take_slot_briefly, try_slot
from jupyter_agent.server.auth import AuthMixin
from jupyter_agent.system.host import host
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import KEY_HEADER, HolderFile, find_address, remote_address
from tests.support.servers import Server, Servers, environment
from tests.support.wire import Story, producer, subscriber, wire

FAR = "http://node7.cluster:8888/"
NEAR = "http://127.0.0.1:8888/"


def test_a_subscriber_may_neither_publish_nor_say_that_a_command_is_handled(shared: Server) -> None:
    story = Story()

    async def check() -> None:
        async with subscriber(shared) as peer:
            await peer.publish(story.start())
            assert (await peer.get("error"))["code"] == "not_a_producer"
            await peer.say({"type": "handled", "offset": 1})
            assert (await peer.get("error"))["code"] == "not_a_producer"

    asyncio.run(check())
    assert shared.task(story.task) is None


def test_a_producer_cannot_put_away_the_command_of_another(shared: Server, running_task: str) -> None:
    story, other = Story(), Story()

    async def check() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.published(story.start())
            shared.ask(f"tasks/{story.task}/commands", method="POST", body={"command": "cancel"})
            offset = (await writer.get("command"))["offset"]
            async with producer(shared, other.producer) as stranger:
                await stranger.say({"type": "handled", "offset": offset})
                await stranger.published(other.start())
        async with producer(shared, story.producer) as writer:
            assert (await writer.get("command"))["offset"] == offset
            await writer.say({"type": "handled", "offset": offset})
            await writer.published([story.event()])
        async with producer(shared, story.producer) as writer:
            await writer.published([story.event()])
            assert not [message for message in writer.seen if message["type"] == "command"]

    asyncio.run(check())


def test_a_producer_gets_no_command_of_another(shared: Server) -> None:
    story, other = Story(), Story()

    async def check() -> None:
        async with producer(shared, story.producer) as writer, producer(shared, other.producer) as stranger:
            await writer.published(story.start())
            await stranger.published(other.start())
            shared.ask(f"tasks/{story.task}/commands", method="POST", body={"command": "cancel"})
            await writer.get("command")
            await stranger.published([other.event()])
            assert not [message for message in stranger.seen if message["type"] == "command"]

    asyncio.run(check())


def test_the_key_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(given: bytes, kept: bytes) -> bool:
        compared.append((given, kept))
        return real(given, kept)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    handler: Any = cast("Any", AuthMixin)()
    handler.given = SimpleNamespace(key="the key")
    for given, right in (("the key", True), ("the ke", False), ("", False), ("\xff", False)):
        handler.request = SimpleNamespace(headers={KEY_HEADER: given})
        assert handler.has_key() is right
    assert [given for given, _ in compared] == [b"the key", b"the ke", b"", b"\xc3\xbf"]


@contextmanager
def _held(paths: DataPaths, told: HolderFile, *, alive: bool) -> Iterator[None]:
    slot = try_slot(paths, "default")
    assert slot is not None
    slot.announce(told)
    if not alive:
        slot._lock.release()
    yield
    slot.release()


@pytest.mark.parametrize(
    ("alive", "machine", "url", "found"),
    [
        (True, None, NEAR, True),
        (False, None, NEAR, False),
        (False, None, FAR, False),
        (True, "another", NEAR, False),
        (True, "another", "http://localhost:8888/", False),
        (True, "another", "http://[::1]:8888/", False),
        (True, "another", "http://127.1.2.3:8888/", False),
        (True, "another", FAR, True),
    ],
)
def test_only_an_address_whose_server_lives_and_is_reached_by_it_is_asked(
    paths: DataPaths, alive: bool, machine: str | None, url: str, found: bool
) -> None:
    told = HolderFile("server", os.getpid(), machine or host(), url, "the key")
    with _held(paths, told, alive=alive):
        address = find_address(paths, "default")
    assert (address is not None) is found
    assert "the key" not in repr(address)


def test_a_program_on_a_dead_servers_port_receives_nothing(fresh: Servers, tmp_path: Path) -> None:
    server = fresh.start()
    port = urlsplit(server.url).port
    server.kill()
    assert (server.agent / "journals" / "default" / "holder.json").exists()
    with socket.create_server(("127.0.0.1", port or 0)) as thief:
        env = environment(fresh.home, server.agent)
        for command in (
            ["-c", "import jupyter_agent as ja; print(ja.submit(lambda: 7).result())"],
            ["-m", "jupyter_agent.cli", "tasks", "list"],
            ["-m", "jupyter_agent.cli", "status"],
        ):
            done = subprocess.run(
                [sys.executable, *command], env=env, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr
        thief.settimeout(0.01)
        with pytest.raises(TimeoutError):
            thief.accept()


def test_the_refusal_of_a_held_journal_does_not_contain_the_key(paths: DataPaths) -> None:
    told = HolderFile("server", os.getpid(), host(), NEAR, "the key")
    with _held(paths, told, alive=True), pytest.raises(JournalHeld) as held:
        take_slot_briefly(paths)
    assert held.value.holder["url"] == NEAR
    assert "the key" not in str(held.value.holder)


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("http://h:1/?token=secret", None),
        ("http://h:1/base?token=secret&x=1", None),
        ("http://h:1", "secret"),
        ("http://h:1/?token=other", "secret"),
    ],
)
def test_a_token_in_a_servers_url_is_taken_out_of_it(url: str, token: str | None) -> None:
    address = remote_address(url, token)
    assert address.headers == {"Authorization": "token secret"}
    assert address.url in ("http://h:1/", "http://h:1/base/")
    assert "secret" not in repr(address)


def test_a_forward_does_not_show_the_query_of_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_agent.notebook.forward_to import Forward

    forward = object.__new__(Forward)
    forward.url = "wss://example.org/ws?token=secret"
    assert repr(forward) == "<Forward to wss://example.org/ws>"


def test_events_of_others_among_ones_own_are_refused_and_the_others_task_stays(
    shared: Server, running_task: str
) -> None:
    story = Story()
    theirs = [story.state("queued", "mine"), story.state("completed", task=running_task)]
    stranger = msgspec.structs.replace(theirs[1], task=running_task)

    async def check() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.publish([theirs[0], stranger])
            assert (await writer.get("error"))["code"] == "foreign_task"

    asyncio.run(check())
    assert shared.task(running_task)["state"] == "running"


ODD_IDS = [
    "../" * 8 + "xy",
    "/" + "A" * 25,
    "A" * 25 + "/",
    "\x00" * 26,
    "\uff21" * 26,
    "a" * 26,
    "' OR 1=1 -- " + "A" * 14,
]


@pytest.mark.parametrize("ident", ODD_IDS, ids=range(len(ODD_IDS)))
def test_a_producer_cannot_publish_a_task_with_an_invalid_id(shared: Server, ident: str) -> None:
    assert len(ident) == 26
    story = Story(task=ident)

    async def check() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.publish(story.start())
            assert (await writer.get("error"))["code"] == "foreign_task"
        async with wire(shared) as stranger:
            await stranger.say({"type": "hello", "versions": [1], "role": "producer", "producer": ident})
            assert await stranger.closed() == 4500

    asyncio.run(check())
    assert [task for task in shared.ask("tasks?limit=1000").json["tasks"] if task["id"] == ident] == []
