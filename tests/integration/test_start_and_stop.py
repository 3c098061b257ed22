"""A server comes and goes without a trace of trouble; two of one user share nothing and lose nothing."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.simple_httpclient import HTTPStreamClosedError

from jupyter_agent.core.events import About, Display, Log, State, TaskState
from jupyter_agent.producer.producer import Producer
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.locks import is_locked
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import until
from tests.support.kernels import assert_story, script, stream_in_kernel
from tests.support.servers import COLLABORATION, Server, Servers, loud
from tests.support.wire import Story, producer, subscriber

pytestmark = pytest.mark.timeout(60)


def _publish(server: Server, story: Story, count: int = 5) -> None:
    async def publish() -> None:
        async with producer(server, story.producer) as writer:
            await writer.published([*story.start(), *story.logs(count)])

    asyncio.run(publish())


def test_a_server_that_stops_leaves_nothing_behind_and_says_nothing_loud(fresh: Servers) -> None:
    server = fresh.start()
    _publish(server, Story())
    slot = server.agent / "journals" / "default"
    assert is_locked(slot / "lock")
    assert server.stop() == 0
    assert not is_locked(slot / "lock")
    assert sorted(path.name for path in slot.iterdir()) == ["journal.sqlite", "journal.sqlite-closed", "lock"]
    assert not loud(server.log_text())


def test_a_server_stops_quietly_under_readers_producers_and_streams(fresh: Servers) -> None:
    server, story = fresh.start(), Story()

    async def stop_under_load() -> None:
        url = f"{server.url}jupyter-agent/tasks/{story.task}/events"
        headers = {"Authorization": f"token {server.token}", "Accept": "text/event-stream"}
        async with producer(server, story.producer) as writer, subscriber(server) as peer:
            await writer.published(story.start())
            await peer.subscribe()
            got = asyncio.Event()
            stream = asyncio.ensure_future(
                AsyncHTTPClient(force_instance=True).fetch(
                    HTTPRequest(
                        url, headers=headers, streaming_callback=lambda _: got.set(), request_timeout=20
                    ),
                    raise_error=False,
                )
            )
            await got.wait()
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            while not stopping.done():
                try:
                    await writer.publish(story.logs(50))
                except Exception:  # the socket closes somewhere in here
                    break
                await asyncio.sleep(0.001)
            assert await stopping == 0
            with contextlib.suppress(HTTPStreamClosedError):
                await stream

    asyncio.run(stop_under_load())
    assert not loud(server.log_text())


def test_what_was_acknowledged_before_a_stop_is_there_after_it(fresh: Servers) -> None:
    server, story = fresh.start(), Story()

    async def publish() -> int:
        acked = 0
        async with producer(server, story.producer) as writer:
            await writer.published(story.start())
            for _ in range(40):
                await writer.publish(story.logs(200))
            while not acked:
                message = await writer.frame()
                acked = message["upto"] if message and message["type"] == "ack" else acked
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            while (message := await writer.frame()) is not None:
                acked = message["upto"] if message["type"] == "ack" else acked
            assert await stopping == 0
        return acked

    acked = asyncio.run(publish())
    server.restart()
    numbers = [e["n"] for e in server.events(story.task) if e["producer"] == story.producer]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= acked > 0


def test_stopping_the_extension_leaves_no_asyncio_task_and_no_thread(tmp_path: Path) -> None:
    from jupyter_server.serverapp import ServerApp

    async def life() -> None:
        before = set(threading.enumerate())
        app = ServerApp(
            ip="127.0.0.1",
            port=0,
            token="t",
            allow_root=True,
            open_browser=False,
            root_dir=str(tmp_path),
            jpserver_extensions={"jupyter_agent": True, **dict.fromkeys(COLLABORATION, False)},
        )
        app.initialize(argv=[], new_httpserver=False)
        tasks = set(asyncio.all_tasks())
        extension = app.extension_manager.extension_apps["jupyter_agent"].pop()
        await extension._start_jupyter_server_extension(app)
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert "jupyter-agent-liveness" in names
        assert any(thread.name == "jupyter-agent-journal" for thread in threading.enumerate())
        await extension.stop_extension()
        await extension.stop_extension()
        left = {task.get_name() for task in set(asyncio.all_tasks()) - tasks}
        assert not [name for name in left if "jupyter-agent" in name]
        threads = set(threading.enumerate()) - before
        assert not [thread.name for thread in threads if thread.name.startswith("jupyter-agent")]
        await app._cleanup()

    asyncio.run(life())


def test_two_servers_of_one_user_hold_a_journal_each_and_one_alone_later_has_all(fresh: Servers) -> None:
    first, second = fresh.start(), fresh.start()
    assert (first.slot, second.slot) == ("default", "default-2")
    one, two = Story(), Story()
    _publish(first, one)
    _publish(second, two)
    assert first.task(two.task) is None
    assert second.task(one.task) is None
    second.stop()
    until(lambda: first.task(two.task), 10)
    until(lambda: not (first.agent / "journals" / "default-2").exists())
    for story in (one, two):
        numbers = [e["n"] for e in first.events(story.task) if e["producer"] == story.producer]
        assert numbers == list(range(1, 8))
    assert not loud(first.log_text())
    assert not loud(second.log_text())


def test_two_servers_that_are_both_killed_come_back_as_one_with_everything(fresh: Servers) -> None:
    first, second = fresh.start(), fresh.start()
    one, two = Story(), Story()
    _publish(first, one)
    _publish(second, two)
    first.kill()
    second.kill()
    second.restart()
    assert second.slot == "default"
    until(lambda: second.task(two.task), 10)
    for story in (one, two):
        numbers = [e["n"] for e in second.events(story.task) if e["producer"] == story.producer]
        assert numbers == list(range(1, 8))


def test_a_kernel_finds_its_own_server_of_two(fresh: Servers, tmp_path: Path) -> None:
    servers = [fresh.start(), fresh.start()]
    written = [
        stream_in_kernel(server, server.start_kernel(), tmp_path / server.name, count=50)
        for server in servers
    ]
    for server, stream in zip(servers, written, strict=True):
        until(partial(getattr, stream, "ended"), 20)
        assert stream.journal == server.slot
        assert_story(server, stream, "completed")
    assert servers[0].task(written[1].task) is None


def test_a_script_of_the_second_journal_goes_on_with_the_first_when_its_server_stops(
    fresh: Servers, tmp_path: Path
) -> None:
    first, second = fresh.start(), fresh.start()
    env = {"JUPYTER_AGENT_JOURNAL": "default-2"}
    with script(second, tmp_path / "lines", env, count=2500) as (process, written):
        written.wait()
        assert written.journal == "default-2"
        until(lambda: second.task(written.task))
        second.stop()
        assert process.wait(30) == 0
    assert_story(first, written, "completed")


def test_a_display_too_deep_to_be_read_is_refused_where_it_is_made(fresh: Servers) -> None:
    server, task = fresh.start(), new_id()
    nested: dict[str, Any] = {}
    writer = Producer(server.paths)
    try:
        writer.emit(task, 1, "state", State(TaskState.QUEUED, about=About("deep")))
        for depth in range(1, 1200):
            nested = {"a": nested}
            if depth in (150, 190):
                writer.emit(task, 1, "display", Display({"application/json": nested}))
            elif depth in (300, 900, 980, 1199):
                with pytest.raises((ValueError, RecursionError)):
                    writer.emit(task, 1, "display", Display({"application/json": nested}))
        assert writer.flush(10)
        assert len(server.events(task, "display")) == 2
    finally:
        writer.close()


def test_a_producer_that_starts_before_any_server_is_found_by_the_first_one(fresh: Servers) -> None:
    fresh.home.joinpath("agent").mkdir(mode=0o700)
    writer = Producer(DataPaths(fresh.home / "agent"))
    try:
        task = new_id()
        writer.emit(task, 1, "state", State(TaskState.QUEUED, about=About("early")))
        for number in range(100):
            writer.emit(task, 1, "log", Log("stdout", f"line {number}\n"))
        server = fresh.start()
        assert writer.flush(10)
        assert len(server.lines(task)) == 100
        assert server.task(task)["state"] == "queued"
    finally:
        writer.close()
    until(lambda: server.task(task)["state"] == "interrupted", 5)
