"""Reads of what is rare: in steps, between which the journal serves others."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.journal.base import Batch, HolderEvent, Journal
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.journal.task_search import TaskSearch
from jupyter_agent.server.delivery import feed as feed_module
from jupyter_agent.server.delivery.connections import Connection, Registry
from jupyter_agent.server.delivery.feed import Feed, SubscriptionFilter
from jupyter_agent.server.delivery.task_search import find_tasks
from jupyter_agent.server.sessions import reconnect as reconnect_module
from jupyter_agent.server.sessions.reconnect import reconnect
from tests.support.builders import HOLDER, PRODUCER, event, story, task_id

TASKS = 30


class Holder:
    """Does each job at once; ``jobs`` counts them, and *between* runs after each."""

    def __init__(self, journal: SQLiteJournal) -> None:
        self.journal, self.jobs, self.epoch = journal, 0, journal.epoch
        self.between: Callable[[], None] = lambda: None

    def call(self, job: Callable[[JournalSession], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(job(JournalSession(self.journal, lambda _stored, _seconds: None)))
        self.jobs += 1
        self.between()
        return future


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    with closing(SQLiteJournal(tmp_path / "journal.sqlite", HOLDER, "E")) as journal:
        yield Holder(journal)


@pytest.fixture
def feed(holder: Holder) -> Feed:
    feed = Feed()
    feed.attach(holder)  # type: ignore[arg-type]
    return feed


def put_task(journal: SQLiteJournal, number: int, name: str, end: TaskState) -> None:
    producer, task = f"0{number:02}" + "P" * 23, task_id(number)
    states = [State(TaskState.QUEUED, about=About(name, key="k")), State(end)]
    events = [event(n, "state", one, task=task, producer=producer) for n, one in enumerate(states, start=1)]
    journal.append([Batch(producer, 1, events)], 1.0)


@pytest.mark.asyncio
async def test_tasks_that_are_rare_are_found_in_steps(holder: Holder, feed: Feed) -> None:
    for number in range(1, TASKS + 1):
        put_task(holder.journal, number, "rare" if number < 4 else "often", TaskState.COMPLETED)
    query = TaskQuery(name="rare", key="k", limit=2)
    page = await find_tasks(feed, query, None, scan_limit=60, clock=lambda: 0.0)
    assert [task.id for task in page.tasks] == [task_id(3), task_id(2)]
    assert (page.more, page.before, page.cursor, holder.jobs) == (True, None, f"E:{2 * TASKS}", 3)
    assert all(task.cursor == page.cursor for task in page.tasks)


@pytest.mark.asyncio
async def test_a_list_begins_with_a_step_that_is_short_on_a_cold_disk(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row of ``tasks`` may have to be read from the disk, which takes about a tenth of a millisecond."""
    steps: list[int] = []

    def step(search: TaskSearch, journal: Journal, scan_limit: int) -> bool:
        steps.append(scan_limit)
        return False

    monkeypatch.setattr(TaskSearch, "step", step)
    await find_tasks(feed, TaskQuery(name="rare"), None)
    assert steps == [500]


@pytest.mark.asyncio
async def test_a_search_that_takes_long_says_that_there_may_be_more_and_where_to_go_on(
    holder: Holder, feed: Feed
) -> None:
    for number in range(1, TASKS + 1):
        put_task(holder.journal, number, "rare" if number < 4 else "often", TaskState.COMPLETED)
    query, found, pages = TaskQuery(name="rare", key="k", limit=2), list[str](), 0
    while True:
        times = iter([0.0, 1.0])  # the time is over after the first step
        page = await find_tasks(feed, query, None, scan_limit=60, clock=lambda times=times: next(times))  # type: ignore[misc]
        found += [task.id for task in page.tasks]
        pages += 1
        assert holder.jobs == pages
        if not page.more:
            break
        query = structs.replace(query, before=page.before or page.tasks[-1].id)
    assert found == [task_id(3), task_id(2), task_id(1)]
    assert pages == 4, "three of ten rows each, and the rest"


@pytest.mark.asyncio
async def test_a_task_that_left_its_state_during_the_search_is_left_out(holder: Holder, feed: Feed) -> None:
    for number in range(1, TASKS + 1):
        put_task(holder.journal, number, "x", TaskState.FAILED if number in (2, 29) else TaskState.COMPLETED)

    def retry() -> None:
        again = event(
            3, "state", State(TaskState.QUEUED), task=task_id(29), producer="029" + "P" * 23, attempt=2
        )
        holder.journal.append([Batch("029" + "P" * 23, 3, [again])], 2.0)
        holder.between = lambda: None

    holder.between = retry
    query = TaskQuery(name="x", key="k", state="failed")
    page = await find_tasks(feed, query, None, scan_limit=1, clock=lambda: 0.0)
    assert [task.id for task in page.tasks] == [task_id(2)]


@pytest.mark.asyncio
@pytest.mark.parametrize("named", [None, frozenset([task_id(1)])])
async def test_events_of_a_rare_type_are_read_in_steps_and_a_page_without_any_is_the_last(
    holder: Holder, feed: Feed, monkeypatch: pytest.MonkeyPatch, named: frozenset[str] | None
) -> None:
    monkeypatch.setattr(feed_module, "SCAN_LIMIT", 10)
    events = story(task=task_id(1), logs=100)
    holder.journal.append([Batch(PRODUCER, 1, events)], 1.0)
    states = SubscriptionFilter(named, frozenset(["state"]))
    first = await feed.read(0, states, 1 << 20)
    assert [one.offset for one in first.events] == [1, 2]
    assert first.last == 10
    rest = await feed.read(first.last, states, 1 << 20)
    assert [one.offset for one in rest.events] == [len(events)]
    assert holder.jobs == 1 + 10
    assert (await feed.read(rest.last, states, 1 << 20)).events == []
    assert (await feed.read(0, SubscriptionFilter(named, frozenset(["prompt"])), 1 << 20)).last == len(events)


@pytest.mark.asyncio
async def test_a_producers_clock_is_known_after_it_has_gone() -> None:
    registry = Registry(logging.getLogger())
    for lag in (7200.0, 0.2):
        connection = Connection("c", "ada", "producer", "", None, PRODUCER, clock_lag=lag)  # type: ignore[arg-type]
        registry.add(connection)
        registry.remove(connection, None)
        assert registry.clock_lag(PRODUCER) == (lag if lag > 1 else 0.0)
    assert registry.clock_lag("another") == 0.0


@pytest.mark.asyncio
async def test_a_page_that_ends_early_ends_at_an_event_and_not_in_a_gap_that_a_kill_left(
    holder: Holder, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cursor in such a gap is refused as expired."""
    monkeypatch.setattr(feed_module, "SCAN_LIMIT", 2)
    holder.journal.append([Batch(PRODUCER, 1, story(task=task_id(1), logs=3)[:4])], 1.0)
    holder.journal.head += 1000
    holder.journal._lost_ranges.append((4, 1003))
    later = event(5, "state", State(TaskState.COMPLETED), task=task_id(1))
    holder.journal._db.execute("UPDATE sqlite_sequence SET seq = 1004 WHERE name = 'events'")
    holder.journal.append([Batch(PRODUCER, 5, [later])], 1.0)
    after, ends = 0, []
    while after < holder.journal.head:
        page = await feed.read(after, SubscriptionFilter(None, frozenset(["state"])), 1 << 20)
        after = page.last
        ends.append(after)
        assert holder.journal.recoverable(after, None)
    assert ends[-1] == holder.journal.head


@pytest.mark.asyncio
async def test_a_producer_that_is_back_has_its_tasks_set_running_in_steps(
    holder: Holder, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnect_module, "SCANNED", 12)  # four wide rows
    monkeypatch.setattr(reconnect_module, "AT_ONCE", 5)
    interrupted = [task_id(number) for number in range(1, TASKS + 1) if number % 2]
    put_interrupted(holder.journal, interrupted)
    retried, heads = interrupted[0], [holder.journal.head]

    def between() -> None:
        heads.append(holder.journal.head)
        if holder.journal.head == heads[0] + 10 and heads[-2] < heads[-1]:  # one goes on elsewhere meanwhile
            elsewhere = HolderEvent(retried, 1, "state", State(TaskState.RUNNING))
            holder.journal.append([elsewhere], 1.0)

    holder.between = between
    assert await reconnect(feed, PRODUCER) == (TASKS * 2, [])
    assert max(after - before for before, after in itertools.pairwise(heads)) == 5
    assert holder.jobs > TASKS / 5
    states = {task.id: task.state for task in holder.journal.tasks(TaskQuery(limit=None))}
    running = {task for task, state in states.items() if state is TaskState.RUNNING}
    assert running == set(interrupted)
    assert len(holder.journal.read(0, 1000, tasks=[retried])) == 4, "it was not set running once more"


def put_interrupted(journal: SQLiteJournal, interrupted: list[str]) -> None:
    """Tasks of one producer, of which some are called interrupted by the holder, and the others ended."""
    for number in range(1, TASKS + 1):
        task = task_id(number)
        last = TaskState.RUNNING if task in interrupted else TaskState.COMPLETED
        states = [State(TaskState.QUEUED, about=About("x")), State(last)]
        events = [event(2 * number + n - 1, "state", one, task=task) for n, one in enumerate(states)]
        journal.append([Batch(PRODUCER, 1, events)], 1.0)
    ends = [HolderEvent(task, 1, "state", State(TaskState.INTERRUPTED)) for task in interrupted]
    journal.append(ends, 1.0)
