"""The curves of a task's metrics over HTTP, and what they cost."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_agent.core.events import Event, Metric
from tests.support.servers import Server, assert_problem
from tests.support.wire import Story, producer


def story_of(server: Server, make: Any) -> str:
    """Publish the events that *make* gives for a story; the id of its task."""
    story = Story()

    async def publish() -> None:
        async with producer(server, story.producer) as writer:
            await writer.published(make(story))

    asyncio.run(publish())
    return story.task


def metric(story: Story, name: str, value: float | None, step: int | None = None, attempt: int = 1) -> Event:
    return story.event("metric", Metric(name, value, step), attempt=attempt)


def test_the_newest_attempt_has_its_curves_as_columns(shared: Server) -> None:
    task = story_of(
        shared,
        lambda story: [
            *story.start("fit"),
            metric(story, "loss", 9, 1),
            story.state("failed"),
            story.state("queued", "fit", attempt=2),
            story.state("running", attempt=2),
            *(metric(story, "loss", value, step, 2) for step, value in enumerate((3, None, 1.5, 2))),
            metric(story, "speed", 10, None, 2),
            metric(story, "loss", 8, 2, 1),
            story.event("metric", b'{"name":1}', attempt=2),
            story.state("completed", attempt=2),
        ],
    )
    page = shared.ask(f"tasks/{task}/metrics").json
    loss, speed = page["metrics"]
    assert (page["attempt"], loss["name"], loss["count"]) == (2, "loss", 3)
    assert (loss["steps"], loss["values"], loss["times"][0]) == ([0, 2, 3], [3, 1.5, 2], 0)
    assert (speed["steps"], speed["values"]) == (None, [10])
    snapshot = shared.task(task)
    assert snapshot["metrics"]["loss"] == {"value": 2, "step": 3, "min": 1.5, "max": 3}
    assert page["cursor"].partition(":")[0] == snapshot["cursor"].partition(":")[0]
    after = shared.ask(f"tasks/{task}/events?after={page['cursor']}").json
    assert after["events"] == []


def test_an_attempt_without_metrics_has_no_curves_of_the_one_before(shared: Server) -> None:
    task = story_of(
        shared,
        lambda story: [
            *story.start("fit"),
            metric(story, "loss", 9, 1),
            story.state("failed"),
            story.state("queued", "fit", attempt=2),
        ],
    )
    page = shared.ask(f"tasks/{task}/metrics").json
    assert (page["attempt"], page["start"], page["metrics"]) == (2, None, [])


def test_a_long_curve_keeps_its_ends_in_as_many_points_as_are_asked_for(shared: Server) -> None:
    values = [float((n * 7919) % 1000) for n in range(3000)]
    task = story_of(
        shared,
        lambda story: [
            *story.start("fit"),
            *(metric(story, "x", value, n) for n, value in enumerate(values)),
        ],
    )
    [curve] = shared.ask(f"tasks/{task}/metrics?points=200").json["metrics"]
    assert curve["count"] == 3000
    assert len(curve["values"]) == len(curve["steps"]) == len(curve["times"]) <= 203
    assert (min(curve["values"]), max(curve["values"])) == (min(values), max(values))
    assert (curve["steps"][-1], curve["values"][-1]) == (2999, values[-1])
    assert curve["steps"] == sorted(curve["steps"])


def test_what_cannot_be_asked_for_is_refused(shared: Server) -> None:
    assert_problem(shared.ask("tasks/01JNOSUCHTASK00000000000AA/metrics"), 404)
    task = story_of(shared, lambda story: story.start("fit"))
    for query in ("points=0", "points=10001", "points=x", "point=5"):
        assert_problem(shared.ask(f"tasks/{task}/metrics?{query}"), 400)
