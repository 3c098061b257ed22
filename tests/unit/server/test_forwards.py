"""The forwards of a journal: where each begins, what it stores, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jupyter_agent.core.events import Event, TaskState
from jupyter_agent.core.ids import Cursor
from jupyter_agent.errors import NotNow
from jupyter_agent.forwarding.spec import ForwardRecord, ForwardSpec, status_of
from jupyter_agent.forwarding.spec_parser import read_forward_spec
from jupyter_agent.journal.base import Journal
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.operations import forwards
from jupyter_agent.journal.operations.recovery import recover_all
from jupyter_agent.journal.slots import try_slot
from jupyter_agent.server.background.forward_source import FeedSource
from jupyter_agent.server.background.forwards import Forwards, UnknownForward
from jupyter_agent.server.delivery.feed import Feed, SubscriptionFilter
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import OTHER_TASK, PRODUCER, STRANGER, TASK, event, state, story, task_id
from tests.support.journal import NowHolder, batches
from tests.support.websocket_peers import FakeWorld

URL = "wss://me:secret-1@example.org/events?token=secret-2"


def record(ident: str = "f", cursor: str = "E:0", **fields: Any) -> ForwardRecord:
    return ForwardRecord(ident, URL, cursor, 1.0, **fields)


class Scene:
    """A journal, its forwards, and a peer for all of them."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal, self.world = journal, FakeWorld()
        self.feed = Feed()
        self.holder = NowHolder(self.feed, journal)
        self.feed.attach(self.holder)  # type: ignore[arg-type]
        self.feed.start(asyncio.get_running_loop(), journal.head)
        self.forwards = Forwards(self.feed, connect=self.world.connect)

    def append(self, *events: Event) -> None:
        self.holder.call(lambda session: session.append(*batches(events)))

    async def add(self, **fields: Any) -> Any:
        return (await self.forwards.add(read_forward_spec({"url": URL, **fields})))[0]

    async def has(self, count: int) -> None:
        """Wait until so many events have come, and are answered for."""
        await self.world.has(lambda: len(self.world.got) == count and self.sent == count)

    @property
    def sent(self) -> int:
        return sum(one.source.delivered for one in self.forwards._running.values())

    def numbers(self) -> list[int]:
        return [n for _, n in self.world.names()]


@asynccontextmanager
async def scene(journal: MemoryJournal | None = None) -> AsyncIterator[Scene]:
    """One server's life with this journal."""
    made = Scene(journal or MemoryJournal("h", "E"))
    made.forwards.start()
    try:
        yield made
    finally:
        await made.forwards.stop()
        assert all(peer.closed for peer in made.world.peers)


@pytest.mark.asyncio
class TestRunning:
    async def test_it_begins_now_or_with_the_first_event_of_its_task_or_of_all(self) -> None:
        journal = MemoryJournal("h", "E")
        journal.append(batches([*story(), *story(task=OTHER_TASK, producer=STRANGER)]), 0.0)
        cases: tuple[tuple[dict[str, Any], list[int]], ...] = (
            ({}, [7]),
            ({"task": TASK}, [1, 2, 3, 4, 5, 6, 7, 8]),
            ({"from_start": True, "types": ["log"]}, [3, 4, 5, 3, 4, 5, 7, 8, 9]),
        )
        for n, (fields, expected) in enumerate(cases, start=7):
            async with scene(journal) as made:
                forward = await made.add(**fields)
                made.append(event(n))
                await made.has(len(expected))
                assert made.numbers() == expected
                await made.forwards.remove(forward.id)
        assert forwards.forwards(journal) == []

    async def test_what_it_has_sent_is_stored_at_the_end_and_the_next_server_goes_on_there(self) -> None:
        journal = MemoryJournal("h", "E")
        async with scene(journal) as made:
            forward = await made.add()
            made.append(*story(end=False))
            await made.has(5)
        assert forwards.forward(journal, forward.id).delivered == 5  # type: ignore[union-attr]
        async with scene(journal) as made:
            made.append(event(6))
            await made.world.has(lambda: made.world.got)
            assert made.numbers() == [6]
            assert (await made.forwards.one(forward.id)).delivered == 6

    async def test_a_holder_killed_before_it_stored_sends_again_and_loses_nothing(self) -> None:
        journal = MemoryJournal("h", "E")
        async with scene(journal) as made:
            await made.add()
            before = dict(journal._records)
            made.append(*story(end=False))
            await made.has(5)
        journal._records = before  # as the file was when it died
        async with scene(journal) as made:
            made.append(event(6))
            await made.has(6)
            assert made.numbers() == [1, 2, 3, 4, 5, 6]

    async def test_the_place_is_stored_once_a_second_and_once_a_minute_for_unwanted_events(self) -> None:
        now = [0.0]
        async with scene() as made:
            await made.add(types=["prompt"])  # so that there is a record
            (stored,) = forwards.forwards(made.journal)
            source = FeedSource(made.feed, stored, 0, lambda: now[0])
            made.append(*story(end=False))
            await asyncio.sleep(0)
            made.holder.stored.clear()
            for at, stores in ((0.5, 0), (1.1, 1), (1.5, 1), (2.2, 2)):
                now[0] = at
                source._event_filter = SubscriptionFilter()
                batch = await source.next(1)
                await source.acknowledge(batch)
                assert len(made.holder.stored) == stores

    async def test_the_same_forward_is_one_and_takes_the_headers_given_last(self) -> None:
        async with scene() as made:
            first = await made.add(headers={"X-Key": "old"}, types=["log", "state"])
            again, is_new = await made.forwards.add(
                ForwardSpec(URL, types=("state", "log"), headers={"X-Key": "new"})
            )
            other = await made.add(headers={"X-Key": "old"})
            assert (again.id, is_new) == (first.id, False)
            assert other.id != first.id
            await made.world.has(lambda: len(made.world.opened) >= 3)
            assert {headers["X-Key"] for _, headers, _ in made.world.opened} == {"old", "new"}
            assert len(await made.forwards.all()) == 2

    async def test_one_whose_tasks_have_ended_hangs_up_and_wakes_for_another_attempt(self) -> None:
        journal = MemoryJournal("h", "E")
        journal.append(batches(story()), 0.0)
        async with scene(journal) as made:
            forward = await made.add(task=TASK)
            made.world.quiet = 0
            await made.has(6)
            made.world.quiet = 1
            made.append(*story(task=OTHER_TASK, producer=STRANGER))  # not its business
            made.append(state(7, TaskState.QUEUED, attempt=2), state(8, TaskState.RUNNING, attempt=2))
            await made.has(8)
            made.append(state(9, TaskState.COMPLETED, attempt=2))
            await made.has(9)
            (run,) = made.forwards._running.values()
            assert await run.source.is_exhausted()
            assert (await made.forwards.one(forward.id)).lag == 0

    async def test_it_goes_when_its_tasks_are_deleted_and_only_then(self) -> None:
        journal = MemoryJournal("h", "E")
        async with scene(journal) as made:
            forward = await made.add(task=TASK)  # which the journal does not know yet
            await made.forwards.reconcile()
            assert len(await made.forwards.all()) == 1
            made.append(*story())
            await made.has(6)
            await made.forwards._running[forward.id].source.save()
            journal.forget([TASK])
            await made.forwards.reconcile()
            assert await made.forwards.all() == []
            with pytest.raises(UnknownForward, match="no forward"):
                await made.forwards.one(forward.id)
            with pytest.raises(UnknownForward):
                await made.forwards.remove(forward.id)

    async def test_one_that_hangs_delays_neither_another_nor_a_listing(self) -> None:
        async with scene() as made:
            stuck = asyncio.Event()

            async def hang(url: str, headers: dict[str, str], subprotocols: list[str] | None) -> Any:
                if "stuck" in url:
                    await stuck.wait()
                return await made.world.connect(url, headers, subprotocols)

            made.forwards._connect = hang
            await made.add(url="ws://stuck/")
            await made.add()
            made.append(*story())
            await made.has(6)
            lags = [(one.state, one.lag) for one in await made.forwards.all()]
            assert lags == [("waiting", 6), ("connected", 0)]
            stuck.set()
            await made.world.has(lambda: len(made.world.got) == 12)

    async def test_a_place_in_another_journal_or_behind_a_gap_is_gone_on_from(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        journal = MemoryJournal("h", "E")
        journal.append(batches([*story(), *story(task=OTHER_TASK, producer=STRANGER)]), 0.0)
        journal.forget([TASK])
        for ident, cursor in (("a", "another:3"), ("b", "E:2")):
            forwards._put(journal, record(ident, cursor))
        async with scene(journal) as made:
            await made.forwards.reconcile()
            made.append(event(7, task=OTHER_TASK, producer=STRANGER))
            await made.has(6 + 1 + 1)
        assert "its cursor is of another journal" in caplog.text
        assert "resumes after a gap" in caplog.text
        assert "secret" not in caplog.text


class TestKeeping:
    def test_there_are_not_more_than_so_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(forwards, "MAX_FORWARDS", 1)
        journal = MemoryJournal("h", "E")
        forwards.add_forward(journal, ForwardSpec(URL), "a", 1.0)
        forwards.add_forward(journal, ForwardSpec(URL), "b", 1.0)
        with pytest.raises(NotNow, match="1 forwards"):
            forwards.add_forward(journal, ForwardSpec(URL, types=("log",)), "b", 1.0)

    def test_one_that_was_removed_does_not_come_back_with_its_place(self) -> None:
        journal = MemoryJournal("h", "E")
        forwards.add_forward(journal, ForwardSpec(URL), "a", 1.0)
        assert forwards.remove_forward(journal, "a")
        assert not forwards.remove_forward(journal, "a")
        forwards.save_position(journal, "a", 3, 3)
        assert forwards.forwards(journal) == []

    def test_one_of_another_version_is_left_alone(self) -> None:
        journal = MemoryJournal("h", "E")
        journal.put_record(forwards.KIND, "a", b'{"id":3}')
        assert forwards.forwards(journal) == []

    def test_with_a_journal_that_is_taken_in_it_moves_and_sends_what_it_has_not_sent(
        self, paths: DataPaths
    ) -> None:
        other, slot = try_slot(paths, "default-2"), try_slot(paths, "default")
        assert other is not None
        assert slot is not None
        with Holder(other) as second:
            events = [*story(end=False), *story(task=OTHER_TASK, producer=STRANGER, end=False)]
            second.call(lambda session: session.append(*batches(events))).result(20)
            second.call(lambda session: _at(session.journal, 3, "behind")).result(20)
            second.call(lambda session: _at(session.journal, 10, "done", types=("log",))).result(20)
            second.call(lambda session: _at(session.journal, 0, "here too", types=("state",))).result(20)
        with Holder(slot) as holder:
            mine = story(task=task_id(1), producer=task_id(2))
            holder.call(lambda session: session.append(*batches(mine))).result(20)
            same = ForwardSpec(URL, types=("state",))
            holder.call(lambda session: forwards.add_forward(session.journal, same, "own", 1.0)).result(20)
            holder.call(lambda session: recover_all(session, paths, "default")).result(20)
            found = {
                one.id: one
                for one in holder.call(lambda session: forwards.forwards(session.journal)).result(20)
            }
            epoch = holder.epoch
        assert sorted(found) == ["behind", "done", "own"]
        assert found["behind"].cursor == str(Cursor(epoch, 6))
        assert {p: found["behind"].marks[p] for p in (PRODUCER, STRANGER)} == {PRODUCER: 3, STRANGER: 0}
        assert {p: found["done"].marks[p] for p in (PRODUCER, STRANGER)} == {PRODUCER: 5, STRANGER: 5}


def test_one_that_moves_keeps_its_place_when_taking_in_was_killed_and_is_done_again() -> None:
    source, target = MemoryJournal("s", "S"), MemoryJournal("t", "T")
    source.append(batches(story()), 0.0)
    _at(source, 2, "f")
    forwards.adopt_forwards(target, with_marks(source))
    target.append(batches(story()), 0.0)
    forwards.adopt_forwards(target, with_marks(source))
    (moved,) = forwards.forwards(target)
    assert (moved.cursor, moved.marks) == ("T:0", {PRODUCER: 2})


def with_marks(source: Journal) -> list[ForwardRecord]:
    steps = forwards.forwards_with_marks(source)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: list[ForwardRecord] = end.value
            return found


def _at(journal: Journal, offset: int, ident: str, **fields: Any) -> None:
    forwards._put(journal, record(ident, str(Cursor(journal.epoch, offset)), **fields))


@pytest.mark.asyncio
async def test_what_was_sent_before_the_journal_moved_is_not_sent_again() -> None:
    journal = MemoryJournal("h", "E")
    forwards._put(journal, record(marks={PRODUCER: 3}))
    async with scene(journal) as made:
        made.append(*story())
        await made.has(3)
        assert made.numbers() == [4, 5, 6]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give the address"),
        ({"url": 7}, "give the address"),
        ({"url": "https://example.org"}, "begins with ws://"),
        ({"url": "ws://"}, "names no host"),
        ({"url": "ws://example.org:port/"}, "names no host and port"),
        ({"url": "ws://only-a-user@example.org"}, "names no host and port"),
        ({"url": "me:secret@example.org/events"}, "begins with ws://"),
        ({"url": "wss:/me:secret@example.org"}, "begins with ws://"),
        ({"url": "example.org/events?token=secret"}, "'example.org/events' is not a WebSocket address"),
        ({"url": "ws://me:secret/1@example.org/"}, "names no host and port"),
        ({"url": "ws://me:secret?1@example.org/"}, "names no host and port"),
        ({"url": "ws://example.org/a b"}, "no address can have"),
        ({"url": "ws://example.org/" + "x" * 5000}, "longer than"),
        ({"url": URL, "task": "x"}, "not a task id"),
        ({"url": URL, "task": TASK, "tasks": [TASK]}, "not both"),
        ({"url": URL, "tasks": []}, "name 1 to"),
        ({"url": URL, "tasks": {"a": 1}}, "list of names"),
        ({"url": URL, "types": ["logs"]}, "'logs'; there are state"),
        ({"url": URL, "types": [1]}, "list of names"),
        ({"url": URL, "headers": ["X"]}, "an object"),
        ({"url": URL, "headers": {"X Y": "secret"}}, "name of a header"),
        ({"url": URL, "headers": {"X": "secret\r\nY: 1"}}, "header X must be"),
        ({"url": URL, "headers": {"X": 1}}, "header X must be"),
        ({"url": URL, "headers": {"Sec-WebSocket-Key": "secret"}}, "belongs to the handshake"),
        ({"url": URL, "headers": {f"X-{n}": "" for n in range(33)}}, "at most 32"),
        ({"url": URL, "format": "xml"}, "json, cloudevents"),
        ({"url": URL, "from_start": "yes"}, "true or false"),
        ({"url": URL, "header": {}}, "no 'header'"),
    ],
)
def test_what_cannot_be_is_one_sentence_without_a_secret(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        read_forward_spec(given)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nothing_that_is_secret_is_shown() -> None:
    one = record(headers={"X-Key": "secret-3"}, types=("log",))
    listed = status_of(one, "waiting", 3)
    assert "secret" not in repr(listed) + repr(one) + repr(ForwardSpec(URL, headers={"X": "secret-3"}))
    assert (listed.url, listed.headers) == ("wss://example.org/events", ("X-Key",))
    assert status_of(record(), "waiting", 0).url == "wss://example.org/events"
