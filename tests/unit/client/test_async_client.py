"""The Python client against a small server that speaks the contract."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from jupyter_agent.client import Address, AgentClient, Apply, Restart, connect
from jupyter_agent.core.events import TaskState
from jupyter_agent.errors import AgentError, NotNow, RequestRefused, ServerUnreachable, UnknownTask
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK, event, state, story, until
from tests.support.fake_server import FakeHolder, FakeServer, running_fake


@asynccontextmanager
async def served(**options: object) -> AsyncIterator[tuple[FakeServer, AgentClient]]:
    async with running_fake(**options) as fake, AgentClient(fake.address) as client:
        yield fake, client


def test_tasks_are_asked_for_page_by_page_until_there_are_enough() -> None:
    async def scenario() -> None:
        async with served(page=2) as (fake, client):
            for number in range(5):
                fake.journal_story(number)
            assert len(await client.tasks(limit=3)) == 3
            every = await client.tasks(limit=None)
            assert len(every) == 5
            assert [task.id for task in every] == sorted((task.id for task in every), reverse=True)

    asyncio.run(scenario())


def test_a_task_and_its_events_come_as_typed_values() -> None:
    async def scenario() -> None:
        async with served() as (fake, client):
            fake.append(story())
            task = await client.task(TASK)
            assert (task.name, task.state) == ("train", TaskState.COMPLETED)
            first = await client.events(TASK, limit=2)
            rest = await client.events(TASK, after=first.cursor)
            assert first.more
            assert not rest.more
            assert [e.n for e in [*first.events, *rest.events]] == [1, 2, 3, 4, 5, 6]
            logs = await client.events(TASK, types=["log"])
            assert {e.type for e in logs.events} == {"log"}

    asyncio.run(scenario())


def test_refusals_become_errors_with_the_servers_sentence() -> None:
    async def scenario() -> None:
        async with served() as (fake, client):
            fake.append(story(end=False))
            with pytest.raises(UnknownTask, match="there is no task"):
                await client.task("0" * 26)
            with pytest.raises(NotNow, match="cancel it first"):
                await client.delete(TASK)
            with pytest.raises(RequestRefused, match="no command 'dance'") as refused:
                await client.command(TASK, "dance")
            assert (refused.value.status, refused.value.code) == (400, "bad_request")
            await client.command(TASK, "input", {"text": "yes"})
            assert fake.commands == [(TASK, "input", {"text": "yes"})]

    asyncio.run(scenario())


def test_a_wrong_token_and_a_server_without_the_extension_are_told_apart() -> None:
    async def scenario() -> None:
        async with running_fake() as fake:
            async with AgentClient(Address(fake.url, {"Authorization": "token wrong"})) as client:
                with pytest.raises(RequestRefused, match="wants a login"):
                    await client.tasks()
            async with AgentClient(Address(fake.url + "elsewhere/", fake.address.headers)) as client:
                with pytest.raises(RequestRefused, match="does not have the jupyter_agent extension"):
                    await client.tasks()

    asyncio.run(scenario())


def test_the_async_client_connects_by_url_and_to_the_users_own_server(paths: DataPaths) -> None:
    async def scenario() -> None:
        with pytest.raises(ServerUnreachable, match="no server answers"):
            await AgentClient.connect("http://127.0.0.1:9")
        with pytest.raises(ServerUnreachable):
            await AgentClient.connect()
        with FakeHolder(paths) as fake:
            with pytest.raises(RequestRefused, match="wants a login"):
                await AgentClient.connect(fake.url, "wrong")
            async with await AgentClient.connect(fake.url, fake.token) as client:
                assert await client.tasks() == []
            async with await AgentClient.connect() as client:
                assert (await client.health())["status"] == "ok"

    asyncio.run(scenario())


def test_both_clients_find_a_second_server_that_is_left(paths: DataPaths) -> None:
    async def scenario() -> None:
        async with await AgentClient.connect() as client:
            assert (await client.health())["status"] == "ok"

    with FakeHolder(paths, "default-2"):
        asyncio.run(scenario())
        with connect() as client:
            assert client.health()["status"] == "ok"


def test_a_missing_server_is_unreachable_with_its_url() -> None:
    async def scenario() -> None:
        async with AgentClient(Address("http://127.0.0.1:9/")) as client:
            with pytest.raises(ServerUnreachable, match=r"no server answers at http://127\.0\.0\.1:9/"):
                await client.tasks()
            with pytest.raises(ServerUnreachable):
                async with aclosing(client.follow()) as items:
                    await anext(items)

    asyncio.run(scenario())


def test_following_gives_snapshots_and_then_each_event_once() -> None:
    async def scenario() -> None:
        async with served() as (fake, client):
            fake.append(story(end=False)[:3])
            async with aclosing(client.follow([TASK])) as items:
                first = await anext(items)
                assert isinstance(first, Restart)
                assert [task.id for task in first.tasks] == [TASK]
                fake.append([event(4), event(5)])
                assert await numbers(items, 2) == [4, 5]

    asyncio.run(scenario())


def test_following_goes_on_where_it_was_after_the_connection_was_lost() -> None:
    async def scenario() -> None:
        async with served() as (fake, client):
            fake.append(story(end=False)[:3])
            async with aclosing(client.follow([TASK])) as items:
                await anext(items)
                fake.append([event(4)])
                assert await numbers(items, 1) == [4]
                await fake.drop_sockets()
                fake.append([event(5), event(6)])
                assert await numbers(items, 2) == [5, 6]
                assert fake.subscribed_after[-1] is not None

    asyncio.run(scenario())


def test_a_cursor_of_an_earlier_client_resumes_without_a_restart() -> None:
    async def scenario() -> None:
        async with served() as (fake, client):
            fake.append(story(end=False)[:3])
            async with aclosing(client.follow([TASK])) as items:
                cursor = (await anext(items)).cursor
            fake.append([event(4)])
            async with aclosing(client.follow([TASK], after=cursor)) as items:
                item = await anext(items)
                assert isinstance(item, Apply)
                assert [e.n for e in item.events] == [4]

    asyncio.run(scenario())


def test_patience_ends_following_with_one_sentence() -> None:
    async def scenario() -> None:
        async with served() as (fake, client), aclosing(client.follow(patience=0.3)) as items:
            await anext(items)
            await fake.stop()
            with pytest.raises(ServerUnreachable, match="is lost"):
                await anext(items)

    asyncio.run(scenario())


def test_closing_a_follow_closes_its_socket() -> None:
    async def scenario() -> None:
        async with served() as (fake, client):
            async with aclosing(client.follow()) as items:
                await anext(items)
                assert len(fake.sockets) == 1
            await fake.until(lambda: not fake.sockets)
            assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("jupyter-agent")]

    asyncio.run(scenario())


def test_a_subscription_that_the_server_refuses_raises_its_sentence() -> None:
    async def scenario() -> None:
        async with served() as (_, client), aclosing(client.follow(after="no cursor")) as items:
            with pytest.raises(RequestRefused, match="is not a cursor"):
                await anext(items)

    asyncio.run(scenario())


def test_the_sync_client_has_the_same_verbs_and_owns_its_thread(paths: DataPaths) -> None:
    server = FakeHolder(paths)
    with server as fake:
        with connect(fake.url, fake.token) as client:
            server.append(story())
            until(lambda: client.tasks())
            assert client.task(TASK).state is TaskState.COMPLETED
            assert len(client.events(TASK).events) == 6
            assert client.health()["status"] == "ok"
            client.delete(TASK)
            with pytest.raises(UnknownTask):
                client.task(TASK)
        client.close()
        assert not [t for t in threading.enumerate() if t.name == "jupyter-agent-client"]
        with pytest.raises(AgentError, match="closed"):
            client.tasks()


def test_the_sync_client_works_where_a_loop_runs_already(paths: DataPaths) -> None:
    with FakeHolder(paths) as fake:

        async def cell() -> int:
            with connect(fake.url, fake.token) as client:
                return len(client.tasks())

        assert asyncio.run(cell()) == 0


def test_the_sync_client_follows_and_closes_on_break(paths: DataPaths) -> None:
    server = FakeHolder(paths)
    with server as fake, connect(fake.url, fake.token) as client:
        server.append(story(end=False)[:3])
        until(lambda: client.tasks())
        for item in client.follow([TASK]):
            if isinstance(item, Restart):
                server.append([state(4, TaskState.COMPLETED)])
                continue
            assert isinstance(item, Apply)
            assert [e.n for e in item.events] == [4]
            break
        until(lambda: not fake.sockets)


def test_connecting_to_a_missing_server_raises_and_leaves_no_thread() -> None:
    with pytest.raises(ServerUnreachable):
        connect("http://127.0.0.1:9")
    with pytest.raises(ServerUnreachable, match="no Jupyter server"):
        connect()
    assert not [t for t in threading.enumerate() if t.name == "jupyter-agent-client"]


async def numbers(items: AsyncIterator[Restart | Apply], count: int) -> list[int]:
    """The numbers of the next *count* events."""
    found: list[int] = []
    while len(found) < count:
        item = await anext(items)
        assert isinstance(item, Apply)
        found += [e.n for e in item.events]
    return found
