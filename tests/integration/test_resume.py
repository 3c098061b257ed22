"""Subscriptions: snapshots, tails, cursors, and going on after a cut."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from jupyter_agent.core.events import Message, Progress
from jupyter_agent.system.ids import new_id
from tests.support.servers import Server, Servers, loud
from tests.support.wire import Applied, Story, Wire, producer, subscriber

pytestmark = pytest.mark.asyncio


def _numbers(events: list[dict[str, object]], producer_id: str) -> list[object]:
    return [event["n"] for event in events if event["producer"] == producer_id]


async def test_a_first_subscription_brings_snapshots_then_what_is_new(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        await writer.published([*story.start("train"), *story.logs(3)])
        answer = await peer.subscribe(tasks=[story.task])
        assert (answer["recovered"], answer["reason"]) == (False, "initial")
        (snapshot,) = answer["tasks"]
        assert (snapshot["name"], snapshot["state"], snapshot["logs"]) == ("train", "running", 3)
        assert snapshot["cursor"] == answer["cursor"]
        more = story.logs(2)
        await writer.published(more)
        applied = await Applied(peer, answer["cursor"]).until(lambda events: len(events) >= 2)
        assert [event["n"] for event in applied] == [event.n for event in more]


async def test_a_tail_brings_the_last_lines_first_and_its_frames_lead_to_now(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        await writer.published([*story.start(), *story.logs(10)])
        await writer.published(
            [story.event("message", Message("assistant", "hi", "m")), story.event("metric")]
        )
        answer = await peer.subscribe(tasks=[story.task], tail=3)
        applied = Applied(peer, answer["cursor"])
        tail = await applied.until(lambda events: len(events) >= 3)
        assert [event["type"] for event in tail] == ["log", "log", "message"]
        await writer.published(story.logs(1))
        assert len(await applied.until(lambda events: len(events) >= 4)) == 4


async def test_a_long_tail_comes_in_frames_that_follow_each_other(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        await writer.published([*story.start(), *story.logs(3000)])
        answer = await peer.subscribe(tasks=[story.task], tail=2500)
        tail = await Applied(peer, answer["cursor"]).until(lambda events: len(events) >= 2500)
        assert _numbers(tail, story.producer) == list(range(503, 3003))


async def test_a_cursor_goes_on_exactly_where_it_was_while_events_keep_coming(shared: Server) -> None:
    story = Story()
    last = 2 + 40 * 50

    async def write(writer: Wire) -> None:
        await writer.published(story.start())
        for _ in range(40):
            await writer.published(story.logs(50))

    async with producer(shared, story.producer) as writer:
        start = shared.ask("tasks").json["cursor"]
        writing = asyncio.create_task(write(writer))
        cursor = start
        got: list[Any] = []
        while len(got) < last:
            async with subscriber(shared) as peer:
                answer = await peer.subscribe(tasks=[story.task], after=cursor)
                assert answer["recovered"] is True
                assert answer["cursor"] == cursor
                applied = Applied(peer, cursor)
                wanted = min(150, last - len(got))
                while len(applied.events) < wanted:
                    await applied.step()
                more = applied.events
                cursor, got = applied.cursor, got + more
                if len(got) % 2:
                    peer.reset()
        await writing
    assert _numbers(got, story.producer) == list(range(1, last + 1))


async def test_only_the_asked_types_come_and_the_cursor_moves_over_the_others(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        await writer.published(story.start())
        answer = await peer.subscribe(tasks=[story.task], types=["metric", "state"])
        await writer.published(
            [*story.logs(5), story.event("metric"), *story.logs(5), story.state("completed")]
        )
        applied = Applied(peer, answer["cursor"])
        got = await applied.until(lambda events: len(events) >= 2)
        assert [event["type"] for event in got] == ["metric", "state"]
        await writer.published(story.logs(4))
        head = shared.ask("tasks").json["cursor"]
        while applied.cursor != head:
            await applied.step()


async def test_no_types_means_no_events_but_cursors(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        answer = await peer.subscribe(tasks=[story.task], types=[])
        await writer.published([*story.start(), *story.logs(5)])
        applied = Applied(peer, answer["cursor"])
        head = shared.ask("tasks").json["cursor"]
        while applied.cursor != head:
            await applied.step()
        assert applied.events == []


async def test_a_star_brings_tasks_that_begin_later(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        answer = await peer.subscribe()
        await writer.published(story.start())
        got = await Applied(peer, answer["cursor"]).until(
            lambda events: len(_numbers(events, story.producer)) == 2
        )
        assert {event["task"] for event in got} == {story.task}


async def test_unknown_ids_bring_nothing_until_they_exist(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        answer = await peer.subscribe(tasks=[story.task, "../../etc/passwd", "'; DROP TABLE events;--", ""])
        assert answer["tasks"] == []
        await writer.published(story.start())
        await Applied(peer, answer["cursor"]).until(lambda events: len(events) == 2)


async def test_the_same_id_replaces_a_subscription(shared: Server) -> None:
    one, two = Story(), Story()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(producer(shared, one.producer))
        second = await stack.enter_async_context(producer(shared, two.producer))
        peer = await stack.enter_async_context(subscriber(shared))
        await peer.subscribe(1, [one.task])
        answer = await peer.subscribe(1, [two.task])
        await first.published(one.start())
        await second.published(two.start())
        got = await Applied(peer, answer["cursor"]).until(lambda events: len(events) >= 2)
        assert {event["task"] for event in got} == {two.task}


async def test_two_subscriptions_of_one_socket_go_their_own_ways(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        logs = Applied(peer, (await peer.subscribe(1, [story.task], types=["log"]))["cursor"], 1)
        states = (await peer.subscribe(2, [story.task], types=["state"]))["cursor"]
        await writer.published([*story.start(), *story.logs(3)])
        both = Applied(peer, states, 2)
        while len(logs.events) < 3 or len(both.events) < 2:
            frame = await peer.get("events")
            reader = logs if frame["id"] == 1 else both
            assert frame["prev"] == reader.cursor
            reader.cursor = frame["cursor"]
            reader.events += frame["events"]
        assert [event["type"] for event in both.events] == ["state", "state"]


async def test_after_unsubscribe_nothing_comes(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        await peer.subscribe(1, [story.task])
        await peer.say({"type": "unsubscribe", "id": 1})
        await peer.say({"type": "unsubscribe", "id": 99})
        await peer.subscribe(2, [])
        await writer.published(story.start())
        await peer.get("heartbeat")
        beat = await peer.get("heartbeat")
        assert "1" not in beat["cursors"]
        assert not [message for message in peer.seen if message["type"] == "events"]


@pytest.mark.parametrize("cursor", ["", "nonsense", "a:b", "x:-1", ":", "ü:1", "E:" + "9" * 19, "E:1\n"])
async def test_a_bad_cursor_is_answered_by_its_id_and_the_connection_stays(
    shared: Server, cursor: str
) -> None:
    async with subscriber(shared) as peer:
        await peer.say({"type": "subscribe", "id": 5, "tasks": "*", "after": cursor})
        error = await peer.get("error")
        assert (error["code"], error["id"], error["temporary"]) == ("bad_cursor", 5, False)
        await peer.subscribe(5)


async def test_a_cursor_of_another_journal_starts_over(shared: Server) -> None:
    async with subscriber(shared) as peer:
        answer = await peer.subscribe(after=f"{new_id()}:5")
        assert (answer["recovered"], answer["reason"]) == (False, "epoch")
        assert isinstance(answer["tasks"], list)


async def test_a_cursor_from_the_future_starts_over(shared: Server) -> None:
    epoch = shared.ask("tasks").json["cursor"].split(":")[0]
    async with subscriber(shared) as peer:
        answer = await peer.subscribe(after=f"{epoch}:{10**17}")
        assert (answer["recovered"], answer["reason"]) == (False, "expired")


async def test_a_cursor_before_a_deleted_task_is_expired_for_a_star_only(shared: Server) -> None:
    gone, stays = Story(), Story()
    start = shared.ask("tasks").json["cursor"]
    async with producer(shared, gone.producer) as one, producer(shared, stays.producer) as two:
        await two.published(stays.start())
        await one.published([*gone.start(), gone.state("completed")])
    assert shared.ask(f"tasks/{gone.task}", method="DELETE").status == 204
    async with subscriber(shared) as peer:
        answer = await peer.subscribe(1, "*", after=start)
        assert (answer["recovered"], answer["reason"]) == (False, "expired")
        assert gone.task not in {task["id"] for task in answer["tasks"]}
        answer = await peer.subscribe(2, [stays.task], after=start)
        assert answer["recovered"] is True


async def test_heartbeats_carry_the_cursor_of_each_subscription(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        await peer.subscribe(1, [new_id()])
        await peer.subscribe(2)
        await writer.published(story.start())
        head = shared.ask("tasks").json["cursor"]
        while (await peer.get("heartbeat"))["cursors"] != {"1": head, "2": head}:
            continue


async def test_superseded_progress_drops_out_of_a_replay_and_nothing_else(fresh: Servers) -> None:
    running, story = fresh.start(), Story()
    async with producer(running, story.producer) as writer:
        await writer.published(story.start())
        await writer.published([story.event("progress", Progress(done, 50)) for done in range(50)])
        await writer.published(story.logs(5))
    running.stop()
    running.restart()
    epoch = running.ask("tasks").json["cursor"].split(":")[0]
    async with subscriber(running) as peer:
        answer = await peer.subscribe(after=f"{epoch}:0")
        got = await Applied(peer, answer["cursor"]).until(
            lambda events: any(e["n"] == story.n for e in events if e["producer"] == story.producer)
        )
    mine = [event for event in got if event["producer"] == story.producer]
    assert [event["data"]["done"] for event in mine if event["type"] == "progress"] == [49]
    assert len([event for event in mine if event["type"] == "log"]) == 5


async def test_refreshing_in_the_middle_of_a_replay_harms_no_connection(fresh: Servers) -> None:
    running, story = fresh.start(), Story()
    async with producer(running, story.producer) as writer:
        await writer.published(story.start())
        for _ in range(6):
            await writer.published(story.logs(2000))
    running.stop()
    running.restart()
    epoch = running.ask("tasks").json["cursor"].split(":")[0]
    for round_ in range(40):
        async with subscriber(running) as peer:
            await peer.say({"type": "subscribe", "id": 1, "tasks": "*", "after": f"{epoch}:0"})
            for _ in range(round_ % 5):
                await peer.frame()
            peer.reset()
    assert running.ask("health").json["status"] == "ok"
    async with subscriber(running) as peer:
        answer = await peer.subscribe(tasks=[story.task], after=f"{epoch}:0")
        got = await Applied(peer, answer["cursor"]).until(
            lambda events: len(_numbers(events, story.producer)) == story.n
        )
    assert _numbers(got, story.producer) == list(range(1, story.n + 1))
    assert not loud(running.log_text())


async def test_a_message_is_passed_on_as_it_was_said(shared: Server) -> None:
    story = Story()
    text = 'ümläut 🎉 \u0000 \u2028 </script> "quoted" \\'
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        answer = await peer.subscribe(tasks=[story.task])
        await writer.published([*story.start(), story.event("message", Message("user", text, "m1"))])
        got = await Applied(peer, answer["cursor"]).until(lambda events: len(events) == 3)
        assert got[-1]["data"]["text"] == text
    assert shared.events(story.task, "message")[0]["data"]["text"] == text
