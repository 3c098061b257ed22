"""Search in a log: page by page, in steps between which the journal serves others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeVar

import pytest

from jupyter_agent.core.events import Event, Log, decode_event
from jupyter_agent.core.logs.line_filter import LineFilter
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.server.delivery import log_search
from jupyter_agent.server.delivery.log_search import LogPage, LogSearch, find_line
from tests.support.builders import HOLDER, PRODUCER, TASK, event

T = TypeVar("T")
EVENTS = 2000


class FakeFeed:
    """Runs a job at once, and counts. Every tenth event is a log of two lines, every hundredth a warning."""

    def __init__(self) -> None:
        self.calls = 0
        self.journal = MemoryJournal(HOLDER, "e")
        self.journal.append([Batch(PRODUCER, 1, [self._event(n) for n in range(1, EVENTS + 1)])], 1.0)

    @property
    def head(self) -> int:
        return self.journal.head

    async def call(self, job: Callable[[JournalSession], T]) -> T:
        self.calls += 1
        return job(JournalSession(self.journal, lambda stored, seconds: None))

    def _event(self, n: int) -> Event:
        if n % 10:
            return event(n, "metric")
        data = Log("logging", f"Needle {n}", "warning") if n % 100 == 0 else Log("stdout", f"{n}\nand\n")
        return event(n, "log", data)


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed()


def search(
    feed: FakeFeed,
    offset: int,
    wanted: LineFilter,
    limit: int = 1000,
    *,
    backward: bool = True,
    step: float = 0.0,
) -> LogPage:
    """Search at a clock that each look moves on by *step* seconds."""
    ticks = count()
    run = LogSearch(TASK, offset, wanted, limit, backward=backward)
    return asyncio.run(run.run(feed, lambda: next(ticks) * step))  # type: ignore[arg-type]


def offsets(page: LogPage) -> list[int]:
    return [stored.offset for stored in page.events]


def test_all_that_fits_is_found_in_both_directions(feed: FakeFeed) -> None:
    every = list(range(100, EVENTS + 1, 100))
    back = search(feed, EVENTS, LineFilter("warning"))
    assert (offsets(back), back.looked, back.more) == (every, EVENTS // 10, False)
    on = search(feed, 0, LineFilter(text="needle"), backward=False)
    assert (offsets(on), on.looked, on.more) == (every, EVENTS // 10, False)


@pytest.mark.parametrize("backward", [True, False])
def test_pages_follow_each_other_without_a_gap(feed: FakeFeed, *, backward: bool) -> None:
    found: list[int] = []
    looked, offset, more = 0, EVENTS if backward else 0, True
    while more:
        page = search(feed, offset, LineFilter("warning"), 3, backward=backward)
        found = offsets(page) + found if backward else found + offsets(page)
        looked, offset, more = looked + page.looked, page.offset, page.more
    assert found == list(range(100, EVENTS + 1, 100))
    assert looked == EVENTS // 10


def test_a_long_search_ends_with_a_step_and_goes_on_from_there(
    feed: FakeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "_FIRST_STEP", 20)
    page = search(feed, EVENTS, LineFilter(text="nowhere"), step=1.0)
    assert (offsets(page), page.more, feed.calls) == ([], True, 1)
    assert 0 < page.looked <= 20
    rest = search(feed, page.offset, LineFilter(text="nowhere"))
    assert page.looked + rest.looked == EVENTS // 10


def lines(feed: FakeFeed) -> Iterator[tuple[int, int]]:
    for stored in feed.journal.read(0, EVENTS, types=["log"]):
        yield stored.offset, decode_event(stored.encoded).line


def test_every_line_is_found_by_its_number(feed: FakeFeed) -> None:
    starts = list(lines(feed))
    assert starts[:3] == [(10, 1), (20, 3), (30, 5)]
    for number in (1, 2, 3, 19, 20, 100, starts[-1][1], 10**9):
        found = asyncio.run(find_line(feed, TASK, number))  # type: ignore[arg-type]
        assert found == max(offset for offset, line in starts if line <= number)


def test_lines_that_an_older_version_has_stored_have_no_numbers(feed: FakeFeed) -> None:
    feed.journal._tasks[TASK].log = None
    feed.journal.append([Batch(PRODUCER, 1, [event(EVENTS + 1, "log", Log("stdout", "x"))])], 1.0)
    feed.journal._events[:] = feed.journal._events[-1:]
    assert asyncio.run(find_line(feed, TASK, 1)) is None  # type: ignore[arg-type]
