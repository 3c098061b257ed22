"""Events of a task read backwards, from any place, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyter_agent.core.events import Log, Progress
from jupyter_agent.system.ids import new_id
from tests.support.builders import task_id
from tests.support.servers import Server, assert_problem
from tests.support.wire import Story, producer


@pytest.fixture(scope="module")
def task(shared: Server) -> str:
    """60 events: two states, then metrics with a log at every tenth, and another task's between them."""
    story, other = Story(), Story()

    async def publish() -> None:
        async with producer(shared, story.producer) as writer, producer(shared, other.producer) as stranger:
            await writer.published(story.start("long"))
            await stranger.published(other.start("other"))
            for _ in range(3, 61):
                await writer.published([story.event("log" if story.n % 10 == 9 else "metric")])
                await stranger.published([other.event()])

    asyncio.run(publish())
    return story.task


def back(server: Server, task: str, query: str) -> list[Any]:
    """Every event, page by page from the snapshot's place."""
    before = server.task(task)["cursor"]
    found: list[Any] = []
    while True:
        page = server.ask(f"tasks/{task}/events?before={before}&{query}").json
        assert set(page) == {"events", "cursor", "more"}
        found = page["events"] + found
        before = page["cursor"]
        if not page["more"]:
            assert server.ask(f"tasks/{task}/events?before={before}").json["events"] == []
            return found


@pytest.mark.parametrize("limit", [1, 7, 60, 1000])
def test_pages_from_the_end_are_the_same_events_as_from_the_beginning(
    shared: Server, task: str, limit: int
) -> None:
    assert back(shared, task, f"limit={limit}") == shared.events(task)


@pytest.mark.parametrize("types", ["log", "log,state", "display"])
def test_pages_of_some_types_leave_none_out(shared: Server, task: str, types: str) -> None:
    assert back(shared, task, f"limit=2&types={types}") == shared.events(task, types)


def test_what_lies_before_a_place_and_after_it_is_everything_once(shared: Server, task: str) -> None:
    whole = shared.events(task)
    for page_of in (1, 20, 59):
        place = shared.ask(f"tasks/{task}/events?limit={page_of}").json["cursor"]
        before = shared.ask(f"tasks/{task}/events?before={place}").json["events"]
        after = shared.ask(f"tasks/{task}/events?after={place}").json["events"]
        assert before + after == whole
        assert len(before) == page_of


def test_progress_that_is_superseded_is_left_out_of_a_page_back_too(shared: Server) -> None:
    story = Story()

    async def publish() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.published(
                [*story.start(), *(story.event("progress", Progress(n, 9)) for n in range(1, 10))]
            )

    asyncio.run(publish())
    events = back(shared, story.task, "limit=100")
    assert [e["data"]["done"] for e in events if e["type"] == "progress"] == [9]


def test_a_page_back_is_cut_by_its_bytes_and_goes_on_behind_them(shared: Server) -> None:
    story = Story()

    async def publish() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.published(story.start())
            for _ in range(12):
                await writer.published([story.event("log", Log("stdout", "x" * 900_000))])

    asyncio.run(publish())
    page = shared.ask(f"tasks/{story.task}/events?before={shared.task(story.task)['cursor']}").json
    assert 7 <= len(page["events"]) < 12
    assert page["more"] is True
    assert [e["n"] for e in back(shared, story.task, "limit=1000")] == list(range(1, 15))


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("before={c}&after={c}", 400, "bad_request"),
        ("before=nonsense", 400, "bad_cursor"),
        ("before=:", 400, "bad_cursor"),
        ("before={e}:-1", 400, "bad_cursor"),
        ("before={e}:999999999999", 410, "expired"),
        (f"before={task_id(404)}:3", 410, "expired"),
        ("before={c}&limit=0", 400, "bad_request"),
        ("before={c}&limit=10001", 400, "bad_request"),
        ("before=%ff", 400, None),
        ("before=%0d%0aX-Evil:1", 400, "bad_cursor"),
    ],
)
def test_a_place_that_is_none_is_refused(
    shared: Server, task: str, query: str, status: int, code: str | None
) -> None:
    cursor = shared.task(task)["cursor"]
    answer = shared.ask(f"tasks/{task}/events?{query.format(c=cursor, e=cursor.split(':')[0])}")
    assert_problem(answer, status, code)
    assert "X-Evil" not in answer.headers


def test_a_stream_goes_only_forward(shared: Server, task: str) -> None:
    cursor = shared.task(task)["cursor"]
    answer = shared.ask(f"tasks/{task}/events?before={cursor}", headers={"Accept": "text/event-stream"})
    assert_problem(answer, 400, "bad_request")


def test_no_events_come_before_the_first(shared: Server, task: str) -> None:
    cursor = shared.task(task)["cursor"]
    assert_problem(shared.ask(f"tasks/{new_id()}/events?before={cursor}"), 404, "unknown_task")
