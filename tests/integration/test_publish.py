"""Producers: what is stored, what is refused, and the way commands take."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_agent.core.events import About, Input, Log, Prompt, State, TaskState
from jupyter_agent.system.ids import new_id
from tests.support.builders import event
from tests.support.servers import Server, Servers
from tests.support.wire import Story, producer, subscriber, wire

pytestmark = pytest.mark.asyncio


async def test_an_ack_means_committed(fresh: Servers) -> None:
    running, story = fresh.start(), Story()
    async with producer(running, story.producer) as writer:
        await writer.publish([*story.start(), *story.logs(500)])
        acked = 0
        while not acked:
            acked = (await writer.get("ack"))["upto"]
        running.kill()
    running.restart()
    assert [e["n"] for e in running.events(story.task) if e["producer"] == story.producer] == list(
        range(1, acked + 1)
    )


async def test_an_event_over_the_stated_limit_is_refused_and_the_connection_goes_on(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.publish([*story.start(), story.event("log", Log("stdout", "x" * (1 << 20)))])
        refused = await writer.get("error")
        assert (refused["code"], refused["temporary"]) == ("bad_message", False)
        story.n = 0
        await writer.published([*story.start(), story.event("log", Log("stdout", "x" * (1 << 19)))])
    assert [e["n"] for e in shared.events(story.task)] == [1, 2, 3]


async def test_a_gap_is_refused_with_the_number_that_is_expected(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.published(story.start())
        story.n += 3
        await writer.publish(story.logs(2), base=1)
        assert (await writer.get("nack"))["expected"] == 3
        story.n = 2
        await writer.published(story.logs(5))
    assert [e["n"] for e in shared.events(story.task)] == list(range(1, 8))


async def test_a_journal_that_lacks_what_was_acknowledged_asks_for_it_at_once(shared: Server) -> None:
    """A journal that was put back from a copy, or replaced, while the producer was not connected."""
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.published([*story.start(), *story.logs(2)])
    for acked, expected in ((9, 5), (5, 5)):
        async with wire(shared) as again:
            await again.hello("producer", producer=story.producer, host="elsewhere", acked=acked)
            assert (await again.get("nack"))["expected"] == expected
    async with wire(shared) as again:
        await again.hello("producer", producer=story.producer, host="elsewhere", acked=4)
        await again.published(story.logs(1))
        assert not [frame for frame in again.seen if frame["type"] == "nack"]


async def test_a_gap_inside_a_batch_keeps_what_comes_before_it(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        good = [*story.start(), *story.logs(2)]
        story.n += 1
        await writer.publish([*good, *story.logs(2)], base=1)
        assert (await writer.get("ack"))["upto"] == 4
        assert (await writer.get("nack"))["expected"] == 5


async def test_a_stranger_that_starts_late_is_taken_from_its_base_and_the_loss_is_named(
    shared: Server,
) -> None:
    story = Story(n=100)
    async with producer(shared, story.producer) as writer:
        await writer.publish(story.logs(2), base=101)
        assert (await writer.get("ack"))["upto"] == 102
    (lost,) = shared.events(story.task, "lost")
    assert (lost["data"]["first"], lost["data"]["last"]) == (1, 100)


async def test_duplicates_are_acknowledged_and_stored_once(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        batch = [*story.start(), *story.logs(3)]
        for _ in range(3):
            await writer.publish(batch)
            assert (await writer.get("ack"))["upto"] == 5
        await writer.publish([*batch, *story.logs(1)])
        assert (await writer.get("ack"))["upto"] == 6
    assert [e["n"] for e in shared.events(story.task)] == [1, 2, 3, 4, 5, 6]


async def test_another_producers_task_is_refused_and_the_rest_of_the_batch_is_not(shared: Server) -> None:
    mine, theirs = Story(), Story()
    async with producer(shared, theirs.producer) as other, producer(shared, mine.producer) as writer:
        await other.published(theirs.start())
        intruder = Story(theirs.task, mine.producer)
        first = [intruder.event(), intruder.state("completed")]
        mine.n = 2
        await writer.publish([*first, *mine.start()])
        assert (await writer.get("error"))["code"] == "foreign_task"
        assert (await writer.get("ack"))["upto"] == 4
    assert shared.task(theirs.task)["state"] in ("running", "interrupted")
    assert {e["producer"] for e in shared.events(theirs.task)} & {mine.producer} == set()
    assert [e["n"] for e in shared.events(mine.task) if e["producer"] == mine.producer] == [3, 4]


async def test_a_next_attempt_of_another_producers_living_task_is_refused_too(shared: Server) -> None:
    mine, theirs = Story(), Story()
    async with producer(shared, theirs.producer) as other, producer(shared, mine.producer) as writer:
        await other.published(theirs.start())
        steal = Story(theirs.task, mine.producer).state("queued", attempt=2)
        await writer.publish([steal])
        assert (await writer.get("error"))["code"] == "foreign_task"
        assert shared.task(theirs.task)["attempt"] == 1


async def test_events_that_name_another_producer_are_refused_whole(shared: Server) -> None:
    mine, theirs = Story(), Story()
    async with producer(shared, mine.producer) as writer:
        await writer.publish([*mine.start(), event(3, task=mine.task, producer=theirs.producer)])
        assert (await writer.get("error"))["code"] == "foreign_task"
        assert shared.task(mine.task) is None
        mine.n = 0
        await writer.published(mine.start())


@pytest.mark.parametrize(("first", "count"), [(7, 2), (1, 0)])
async def test_a_publish_whose_numbers_do_not_fit_is_an_error(shared: Server, first: int, count: int) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.publish(story.logs(count), base=1, first=first)
        assert (await writer.get("error"))["code"] == "bad_message"
        story.n = 0
        await writer.published(story.start())


async def test_a_process_that_was_named_in_queued_may_publish_for_the_attempt(shared: Server) -> None:
    parent, child = Story(), new_id()
    runner = Story(parent.task, child)
    queued = parent.event("state", State(TaskState.QUEUED, about=About("t"), producer=child))
    async with producer(shared, parent.producer) as one, producer(shared, child) as two:
        await one.published([queued])
        await two.published([runner.state("running"), runner.event(), runner.state("completed")])
        await one.published([parent.event()])
    assert shared.task(parent.task)["state"] == "completed"
    assert shared.task(parent.task)["producer"] == child


async def test_a_cancel_reaches_the_producer_and_is_sent_again_until_handled(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        await writer.published(story.start())
        await peer.say({"type": "command", "id": 7, "task": story.task, "command": "cancel"})
        assert (await peer.get("reply"))["ok"] is True
        order = await writer.get("command")
        assert (order["task"], order["attempt"], order["command"]) == (story.task, 1, "cancel")
    for _ in range(2):
        async with producer(shared, story.producer) as writer:
            assert (await writer.get("command"))["offset"] == order["offset"]
    async with producer(shared, story.producer) as writer:
        await writer.get("command")
        await writer.say({"type": "handled", "offset": order["offset"]})
        await writer.published(story.logs(1))
    async with producer(shared, story.producer) as writer:
        await writer.published(story.logs(1))
        assert not [message for message in writer.seen if message["type"] == "command"]
    assert shared.task(story.task)["cancel_requested"] is True


async def test_a_command_waits_for_a_producer_that_is_away(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.published([story.state("queued", "waits")])
        asked = shared.ask(f"tasks/{story.task}/commands", method="POST", body={"command": "cancel"})
        assert asked.status == 202
        await writer.get("command")
    async with producer(shared, story.producer) as writer:
        assert (await writer.get("command"))["command"] == "cancel"


async def test_a_second_cancel_is_sent_and_a_third_is_none(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.published(story.start())
        for again in (False, True, True):
            body = {"command": "cancel"}
            assert shared.ask(f"tasks/{story.task}/commands", method="POST", body=body).status == 202
            assert shared.task(story.task)["stopping"]["again"] is again
        orders = [await writer.get("command") for _ in range(2)]
    assert [order["command"] for order in orders] == ["cancel", "cancel"]
    assert len(shared.events(story.task, "command")) == 2


async def test_a_cancel_for_now_is_both_at_once(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.published(story.start())
        body = {"command": "cancel", "args": {"now": "soon"}}
        refused = shared.ask(f"tasks/{story.task}/commands", method="POST", body=body)
        assert (refused.status, refused.json["detail"]) == (400, "now is true or false")
        body["args"] = {"now": True}
        assert shared.ask(f"tasks/{story.task}/commands", method="POST", body=body).status == 202
        assert (await writer.get("command"))["args"] == {"now": True}
    assert shared.task(story.task)["stopping"]["again"] is True


async def test_input_reaches_the_task_with_its_text(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.published([*story.start(), story.event("prompt", Prompt("p1", "really?", ("y", "n")))])
        assert shared.task(story.task)["prompt"]["choices"] == ["y", "n"]
        body = {"command": "input", "args": {"text": "ja 🎉", "prompt_id": "p1"}}
        assert shared.ask(f"tasks/{story.task}/commands", method="POST", body=body).status == 202
        order = await writer.get("command")
        assert order["args"] == {"text": "ja 🎉", "prompt_id": "p1"}
        await writer.published([story.event("input", Input("ja 🎉", "p1"))])
        assert shared.task(story.task)["prompt"] is None


async def test_a_retry_goes_to_the_process_that_ran_the_task(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.published([*story.start(), story.state("failed")])
        assert shared.task(story.task)["retriable"] is True
        body = {"command": "retry"}
        assert shared.ask(f"tasks/{story.task}/commands", method="POST", body=body).status == 202
        assert (await writer.get("command"))["command"] == "retry"
        await writer.published([story.state("queued", attempt=2), story.state("running", attempt=2)])
        assert (shared.task(story.task)["attempt"], shared.task(story.task)["retriable"]) == (2, None)
        old = {"command": "cancel", "attempt": 1}
        assert shared.ask(f"tasks/{story.task}/commands", method="POST", body=old).status == 409


@pytest.mark.parametrize(
    ("end", "body", "status", "code"),
    [
        (None, {"command": "retry"}, 409, "not_now"),
        (None, {"command": "cancel", "attempt": 2}, 409, "not_now"),
        ("completed", {"command": "cancel"}, 409, "not_now"),
        ("failed", {"command": "input", "args": {"text": "x"}}, 409, "not_now"),
        (None, {"command": "input"}, 400, "bad_request"),
        (None, {"command": "input", "args": {"text": 7}}, 400, "bad_request"),
        (None, {"command": "explode"}, 400, "bad_request"),
    ],
)
async def test_a_command_that_makes_no_sense_is_refused_alike_over_websocket_and_http(
    shared: Server, end: str | None, body: dict[str, object], status: int, code: str
) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer, subscriber(shared) as peer:
        await writer.published([*story.start(), *([story.state(end)] if end else [])])
        answer = shared.ask(f"tasks/{story.task}/commands", method="POST", body=body)
        assert (answer.status, answer.json["code"]) == (status, code)
        await peer.say({"type": "command", "id": 3, "task": story.task, **body})
        reply = await peer.get("reply", id=3)
        assert (reply["ok"], reply["code"]) == (False, code)
        assert reply["message"]
    assert shared.events(story.task, "command") == []


async def test_a_retry_of_a_process_that_is_gone_says_so(shared: Server) -> None:
    story = Story()
    async with producer(shared, story.producer) as writer:
        await writer.published([*story.start(), story.state("failed")])
    for _ in range(100):
        answer = shared.ask(f"tasks/{story.task}/commands", method="POST", body={"command": "retry"})
        if answer.status == 409:
            break
        await asyncio.sleep(0.02)  # until the server has seen that the producer left
    assert "is gone" in answer.json["detail"]
    assert shared.task(story.task)["retriable"] is False


async def test_a_command_for_an_unknown_task_is_unknown_over_websocket_and_http(shared: Server) -> None:
    async with subscriber(shared) as peer:
        await peer.say({"type": "command", "id": 3, "task": "nobody", "command": "cancel"})
        reply = await peer.get("reply")
        assert (reply["id"], reply["ok"], reply["code"]) == (3, False, "unknown_task")
    answer = shared.ask("tasks/nobody/commands", method="POST", body={"command": "cancel"})
    assert (answer.status, answer.json["code"]) == (404, "unknown_task")
