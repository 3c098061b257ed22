"""A page of a task's newest events is put together from several reads of the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_agent.journal.base import Batch, HistoryPage
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.server.delivery import history
from tests.support.builders import HOLDER, PRODUCER, TASK, event


class Shortsighted(MemoryJournal):
    """Scans four events per read."""

    def past(self, *args: Any, **more: Any) -> HistoryPage:
        return super().past(*args, **more | {"scan_limit": 4})


class FakeFeed:
    """Runs a job at once, and counts."""

    def __init__(self) -> None:
        self.reads = 0
        self.journal = Shortsighted(HOLDER, "e")
        batch = [event(n, "log" if n % 10 == 0 else "metric") for n in range(1, 201)]
        self.journal.append([Batch(PRODUCER, 1, batch)], 1.0)

    async def call(self, job: Callable[[JournalSession], HistoryPage]) -> HistoryPage:
        self.reads += 1
        return job(JournalSession(self.journal, lambda stored, seconds: None))

    def back(self, upto: int, limit: int, size: int = 1 << 20) -> HistoryPage:
        return asyncio.run(history.read_back(self, TASK, upto, limit, ["log"], size))  # type: ignore[arg-type]


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed()


def test_a_page_of_rare_events_takes_as_many_reads_as_it_needs(feed: FakeFeed) -> None:
    page = feed.back(200, 3)
    assert [stored.offset for stored in page.events] == [180, 190, 200]
    assert page.older == 179
    assert feed.reads == 6


def test_after_many_reads_the_rest_is_for_the_next_page(
    feed: FakeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_SCANS", 5)
    upto, pages = 200, 0
    found: list[int] = []
    while upto:
        page = feed.back(upto, 100)
        found = [stored.offset for stored in page.events] + found
        upto, pages = page.older, pages + 1
    assert found == list(range(10, 201, 10))
    assert pages > 5


def test_a_page_over_several_reads_is_bounded_by_its_bytes(feed: FakeFeed) -> None:
    one = len(feed.back(200, 1).events[0].encoded)
    page = feed.back(200, 100, size=3 * one)
    assert 3 <= len(page.events) <= 5
    assert page.older < page.events[0].offset
    assert feed.back(page.older, 1).events[0].offset == page.events[0].offset - 10
