"""Curves of metrics are folded from joined pages of the journal, and kept until there are newer events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest

from jupyter_agent.core.events import Event, Metric, TaskState
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.server.delivery import metric_curves
from jupyter_agent.server.delivery.metric_curves import CurveReader
from tests.support.builders import HOLDER, PRODUCER, TASK, event, state

T = TypeVar("T")


class FakeFeed:
    """Runs a job at once, and counts."""

    def __init__(self) -> None:
        self.reads = 0
        self.epoch = "e"
        self.journal = MemoryJournal(HOLDER, "e")
        self.publish(state(1, TaskState.QUEUED, about="fit"))

    def publish(self, *events: Event) -> None:
        self.journal.append([Batch(PRODUCER, events[0].n, events)], 1.0)

    def cursor(self, offset: int) -> str:
        return f"{self.epoch}:{offset}"

    async def call(self, job: Callable[[JournalSession], T]) -> T:
        self.reads += 1
        return job(JournalSession(self.journal, lambda stored, seconds: None))


def value(n: int, number: float, name: str = "loss") -> Event:
    return event(n, "metric", Metric(name, number, n))


def read(reader: CurveReader, points: int = 1000) -> dict[str, Any]:
    page: dict[str, Any] = msgspec.json.decode(asyncio.run(reader.read(TASK, points)))
    return page


def values(page: dict[str, Any]) -> dict[str, list[float]]:
    return {curve["name"]: curve["values"] for curve in page["metrics"]}


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed()


@pytest.fixture
def reader(feed: FakeFeed) -> CurveReader:
    return CurveReader(feed)  # type: ignore[arg-type]


def test_events_that_cannot_be_read_cost_none_of_the_others(feed: FakeFeed, reader: CurveReader) -> None:
    feed.publish(value(2, 9), event(3, "metric", b'{"name":1}'), value(4, 8), event(5, "metric", b"[]"))
    assert values(read(reader)) == {"loss": [9, 8]}


def test_many_pages_make_one_curve(
    feed: FakeFeed, reader: CurveReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_curves, "_PAGE_EVENTS", 3)
    feed.publish(*(value(n, n) for n in range(2, 12)))
    page = read(reader)
    assert values(page) == {"loss": list(range(2, 12))}
    assert page["cursor"] == f"e:{feed.journal.head}"
    assert feed.reads == 4


def test_an_answer_is_kept_until_the_task_has_newer_events(feed: FakeFeed, reader: CurveReader) -> None:
    feed.publish(*(value(n, n) for n in range(2, 5)))
    first = read(reader)
    feed.reads = 0
    assert read(reader) == first
    assert feed.reads == 1, "only what is new was asked for"
    feed.publish(value(5, 1))
    newer = read(reader)
    assert values(newer) == {"loss": [2, 3, 4, 1]}
    assert newer["cursor"] == f"e:{feed.journal.head}"


def test_another_number_of_points_and_another_journal_are_other_answers(
    feed: FakeFeed, reader: CurveReader
) -> None:
    feed.publish(*(value(n, n) for n in range(2, 302)))
    assert len(values(read(reader))["loss"]) == 300
    assert len(values(read(reader, 100))["loss"]) <= 101
    feed.epoch, feed.journal = "f", MemoryJournal(HOLDER, "f")
    feed.publish(state(1, TaskState.QUEUED, about="fit"))
    assert read(reader)["metrics"] == []


def test_no_more_answers_are_kept_than_memory_is_for(
    feed: FakeFeed, reader: CurveReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.publish(*(value(n, n) for n in range(2, 102)))
    size = len(asyncio.run(reader.read(TASK, 1000)))
    monkeypatch.setattr(metric_curves, "_KEPT_BYTES", 3 * size)
    for points in (1000, 1001, 1002, 1000, 1003):
        read(reader, points)
    assert sum(len(kept.page) for kept in reader._kept.values()) <= 3 * size
    assert [key[2] for key in reader._kept] == [1002, 1000, 1003], "what was asked for last is kept"
