"""The writer against a socket of our own: what is written on the spot, and what has to wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from jupyter_agent.journal.base import StoredEvent
from jupyter_agent.protocol.actions import CloseWith
from jupyter_agent.protocol.frames import text_frame
from jupyter_agent.protocol.messages import Close
from jupyter_agent.server.delivery import writer as writer_module
from jupyter_agent.server.delivery.feed import Feed, SubscriptionFilter
from jupyter_agent.server.delivery.writer import ConnectionWriter, Reader, State

EPOCH = "E"


class FakeHolder:
    epoch = EPOCH


class FakeSocket:
    """Takes frames at once until `stall`; then the next one stays on its way until `resume`."""

    def __init__(self) -> None:
        self.frames: list[dict[str, object]] = []
        self.closed: tuple[int, str] | None = None
        self.gone = False
        self._stalled = False
        self._way: asyncio.Future[None] | None = None
        self.written = asyncio.Event()

    def put(self, frame: bytes) -> Awaitable[None] | None:
        if self.gone:
            raise ConnectionError("gone")
        assert self._way is None, "written before the last frame had left"
        self.frames.append(json.loads(payload(frame)))
        self.written.set()
        if self._stalled:
            self._way = asyncio.get_running_loop().create_future()
        return self._way

    def stall(self) -> None:
        self._stalled = True

    def resume(self) -> None:
        assert self._way is not None
        self._way.set_result(None)
        self._way, self._stalled = None, False

    def close_with(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    async def check_alive(self) -> CloseWith | None:
        return None

    @property
    def offsets(self) -> list[int]:
        found: list[int] = []
        for frame in self.frames:
            if frame["type"] == "events":
                events = frame["events"]
                assert isinstance(events, list)
                found += [event["offset"] for event in events]
        return found


def payload(frame: bytes) -> bytes:
    """The text of one short frame."""
    start = 2 if frame[1] < 126 else 4
    assert text_frame(frame[start:]) == frame
    return frame[start:]


def stored(offset: int, task: str = "t") -> StoredEvent:
    return StoredEvent(offset, task, "log", b'{"offset":%d}' % offset)


class Scene:
    """A feed, a writer on it, and its socket."""

    def __init__(self, heartbeat: float = 1000.0) -> None:
        self.feed = Feed()
        self.feed.attach(FakeHolder())  # type: ignore[arg-type]
        self.feed.start(asyncio.get_running_loop(), 0)
        self.socket = FakeSocket()
        self.time = 0.0
        self.writer = ConnectionWriter(self.feed, self.socket, lambda: self.time, heartbeat)

    def subscribe(self, tasks: set[str] | None = None, ident: int = 1) -> None:
        event_filter = SubscriptionFilter(None if tasks is None else frozenset(tasks))
        head = self.feed.head
        self.writer.subscribe(Reader(ident, event_filter, f"{EPOCH}:{head}", head, EPOCH))

    def commit(self, *events: StoredEvent) -> None:
        self.feed._publish(list(events), 0.0)

    async def idle(self) -> None:
        while self.writer._state is not State.IDLE:
            await asyncio.sleep(0)


@asynccontextmanager
async def scene(heartbeat: float = 1000.0) -> AsyncIterator[Scene]:
    made = Scene(heartbeat)
    running = asyncio.create_task(made.writer.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert not made.feed._listeners.of(None)


@pytest.mark.asyncio
async def test_an_idle_writer_writes_on_the_spot_what_a_commit_brings() -> None:
    async with scene() as s:
        s.subscribe()
        await s.idle()
        s.commit(stored(1), stored(2))
        assert s.socket.offsets == [1, 2]
        s.commit(stored(5))
        assert s.socket.offsets == [1, 2, 5]


@pytest.mark.asyncio
async def test_each_frame_begins_where_the_last_one_ended() -> None:
    async with scene() as s:
        s.subscribe()
        await s.idle()
        for offset in (1, 2, 7):
            s.commit(stored(offset))
        assert [(f["prev"], f["cursor"]) for f in s.socket.frames] == [
            ("E:0", "E:1"),
            ("E:1", "E:2"),
            ("E:2", "E:7"),
        ]


@pytest.mark.asyncio
async def test_a_commit_of_other_tasks_is_no_business_of_the_writer() -> None:
    async with scene() as s:
        s.subscribe({"mine"})
        await s.idle()
        s.commit(stored(1, "other"))
        s.commit(stored(2, "mine"))
        assert s.socket.offsets == [2]
        assert s.socket.frames[0]["prev"] == "E:0"


@pytest.mark.asyncio
async def test_two_subscriptions_of_one_connection_both_get_what_they_asked_for() -> None:
    async with scene() as s:
        s.subscribe({"a"}, 1)
        s.subscribe({"b"}, 2)
        await s.idle()
        s.commit(stored(1, "a"), stored(2, "b"))
        assert [f["id"] for f in s.socket.frames] == [1, 2]
        s.writer.unsubscribe(1)
        s.commit(stored(3, "a"), stored(4, "b"))
        assert s.socket.offsets == [1, 2, 4]


@pytest.mark.asyncio
async def test_nothing_is_written_while_a_frame_is_on_its_way() -> None:
    async with scene() as s:
        s.subscribe()
        await s.idle()
        s.socket.stall()
        s.commit(stored(1))
        s.commit(stored(2))
        s.writer.post(b'{"type":"ack"}')
        assert s.socket.offsets == [1]
        s.socket.resume()
        await s.idle()
        assert s.socket.offsets == [1, 2]
        assert [f["type"] for f in s.socket.frames] == ["events", "ack", "events"]


@pytest.mark.asyncio
async def test_what_is_posted_to_an_idle_writer_leaves_at_once() -> None:
    async with scene() as s:
        await s.idle()
        s.writer.post(b'{"type":"ack"}')
        assert [f["type"] for f in s.socket.frames] == ["ack"]


@pytest.mark.asyncio
async def test_a_heartbeat_says_that_a_quiet_subscription_is_at_the_head() -> None:
    async with scene(heartbeat=0.01) as s:
        s.subscribe({"mine"})
        await s.idle()
        s.commit(stored(9, "other"))
        s.time = 1.0
        s.socket.written.clear()
        await s.socket.written.wait()
        assert s.socket.frames[-1]["cursors"] == {"1": "E:9"}
        await s.idle()
        s.commit(stored(10, "mine"))
        assert s.socket.frames[-1]["prev"] == "E:9"


@pytest.mark.asyncio
async def test_a_peer_that_is_gone_ends_the_writer() -> None:
    async with scene() as s:
        s.subscribe()
        await s.idle()
        s.socket.gone = True
        s.commit(stored(1))
        s.commit(stored(2))
        while s.feed._listeners.of(None):
            await asyncio.sleep(0)
        s.subscribe()
        assert not s.feed._listeners.of(None)


@pytest.mark.asyncio
async def test_a_reader_that_takes_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "WRITE_DEADLINE", 0.01)
    async with scene() as s:
        s.subscribe()
        await s.idle()
        s.socket.stall()
        s.commit(stored(1))
        while s.socket.closed is None:
            await asyncio.sleep(0)
        assert s.socket.closed[0] == Close.TOO_SLOW


@pytest.mark.asyncio
async def test_a_replaced_journal_closes_with_resubscribe() -> None:
    async with scene() as s:
        s.subscribe()
        await s.idle()
        s.feed.holder.epoch = "F"  # type: ignore[misc]
        s.feed._start_over(0)
        while s.socket.closed is None:
            await asyncio.sleep(0)
        assert s.socket.closed[0] == Close.RESUBSCRIBE


@pytest.mark.asyncio
async def test_subscriptions_with_one_id_at_one_place_share_the_frame() -> None:
    async with scene() as s:
        s.commit(stored(1))
        frame = s.feed.shared_frame(0, SubscriptionFilter())
        assert frame is not None
        assert frame.encode(1, "E:0", "E:1") is frame.encode(1, "E:0", "E:1")
        assert frame.encode(2, "E:0", "E:1") != frame.encode(1, "E:0", "E:1")


@pytest.mark.asyncio
async def test_a_reader_of_some_tasks_gets_theirs_in_order_from_the_newest_commit_and_from_before_it() -> (
    None
):
    async with scene() as s:
        first = [stored(n, "abc"[n % 3]) for n in range(1, 10)]
        second = [stored(n, "abcd"[n % 4]) for n in range(10, 30)]
        s.commit(*first)
        s.commit(*second)
        for after in (0, 4, 9, 15, 29):
            for tasks in ({"a"}, {"a", "c", "none"}, {"none"}, None):
                event_filter = SubscriptionFilter(None if tasks is None else frozenset(tasks))
                frame = s.feed.shared_frame(after, event_filter)
                assert frame is not None
                wanted = [e for e in [*first, *second] if e.offset > after and event_filter.wants(e)]
                assert frame.body == b",".join(e.encoded for e in wanted)
                assert frame.last == 29
