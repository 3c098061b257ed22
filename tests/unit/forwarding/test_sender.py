"""A sender and its peer: what is sent again, how long it waits, and what it reports when it is refused."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from tornado.websocket import WebSocketProtocol13

from jupyter_agent.core.events import encode_event
from jupyter_agent.forwarding import peer as peer_module
from jupyter_agent.forwarding.peer import PeerAway, PeerRefuses, open_peer
from jupyter_agent.forwarding.sender import MAX_EVENTS, OutgoingBatch, Sender
from jupyter_agent.forwarding.serializers import SUBPROTOCOLS, serialize
from tests.support.builders import TASK, event
from tests.support.websocket_peers import FakeWorld, Peer

pytestmark = pytest.mark.asyncio
URL = "ws://me:secret-1@example.org/events?token=secret-2"


class Source:
    """Has *count* events; its place moves when a batch was answered."""

    def __init__(self, count: int) -> None:
        self.events = [encode_event(event(n)) for n in range(1, count + 1)]
        self.place = 0
        self.is_over = False
        self.more = asyncio.Event()
        self.faults: list[Exception] = []

    async def next(self, limit: int) -> OutgoingBatch:
        if self.faults:
            raise self.faults.pop(0)
        while self.place == len(self.events):
            self.more.clear()
            await self.more.wait()
        frames = self.events[self.place : self.place + limit]
        return OutgoingBatch(frames, self.place + len(frames))

    async def acknowledge(self, batch: OutgoingBatch) -> None:
        self.place = batch.position

    async def is_exhausted(self) -> bool:
        return self.is_over and self.place == len(self.events)

    async def wait_for_events(self) -> None:
        self.more.clear()
        await self.more.wait()

    def add(self, count: int) -> None:
        first = len(self.events) + 1
        self.events += [encode_event(event(n)) for n in range(first, first + count)]
        self.more.set()


class Scene:
    """A running sender; ``pauses`` are what it waited between its tries, in seconds."""

    def __init__(self, count: int) -> None:
        self.source, self.world = Source(count), FakeWorld()
        self.pauses: list[float] = []
        self.sender = Sender(
            self.source,
            URL,
            {"X-Key": "secret-3"},
            uniform=lambda: 1.0,
            pause=self._pause,
            connect=self.world.connect,
        )

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def until(self, done: Callable[[], object]) -> None:
        await self.world.has(done)

    async def arrived(self, count: int) -> None:
        """Wait until so many different events have come and are answered."""
        await self.until(lambda: len(set(self.world.names())) == count and self.source.place == count)


@asynccontextmanager
async def scene(count: int, prepare: Callable[[Scene], None] = lambda scene: None) -> AsyncIterator[Scene]:
    made = Scene(count)
    prepare(made)
    running = asyncio.create_task(made.sender.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert all(peer.closed for peer in made.world.peers)


def numbers(world: FakeWorld) -> list[int]:
    return [n for _, n in world.names()]


async def test_a_batch_without_an_answer_is_sent_again_and_nothing_else() -> None:
    def prepare(made: Scene) -> None:
        made.world.delivering = [None, PeerAway("gone")]
        made.world.before_trouble = 7

    async with scene(MAX_EVENTS + 10, prepare) as made:
        await made.arrived(MAX_EVENTS + 10)
    first, last = list(range(1, MAX_EVENTS + 1)), list(range(MAX_EVENTS + 1, MAX_EVENTS + 11))
    assert numbers(made.world) == first + last[:7] + last


async def test_delays_double_up_to_half_a_minute_and_start_over_once_something_arrived() -> None:
    def prepare(made: Scene) -> None:
        made.world.connecting = [PeerAway("away")] * 9
        made.world.delivering = [None, PeerAway("gone")]

    async with scene(MAX_EVENTS + 1, prepare) as made:
        await made.arrived(MAX_EVENTS + 1)
    assert made.pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 0.25]


async def test_a_peer_that_accepts_connections_but_no_events_is_tried_with_growing_delays() -> None:
    def prepare(made: Scene) -> None:
        made.world.delivering = [PeerAway("gone")] * 4

    async with scene(1, prepare) as made:
        await made.arrived(1)
    assert made.pauses == [0.25, 0.5, 1.0, 2.0]


async def test_a_short_connection_without_events_does_not_reset_the_delay() -> None:
    def prepare(made: Scene) -> None:
        made.world.connecting = [PeerAway("away")] * 3
        made.world.quiet = 1
        made.world.delivering = [PeerAway("gone")]

    async with scene(1, prepare) as made:
        await made.arrived(1)
    assert made.pauses == [0.25, 0.5, 1.0, 2.0]


async def test_a_refusing_peer_is_tried_after_long_delays_and_the_reason_is_shown() -> None:
    def prepare(made: Scene) -> None:
        made.world.connecting = [PeerRefuses("not you")] * 6

    seen: list[tuple[str, str | None]] = []
    async with scene(1, prepare) as made:
        made.sender._pause = _noting(made, seen)
        await made.arrived(1)
        assert (made.sender.state, made.sender.error) == ("connected", None)
    assert made.pauses == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]
    assert set(seen) == {("refused", "not you")}


def _noting(made: Scene, seen: list[tuple[str, str | None]]) -> Callable[[float], asyncio.Future[None]]:
    def pause(seconds: float) -> asyncio.Future[None]:
        seen.append((made.sender.state, made.sender.error))
        return asyncio.ensure_future(made._pause(seconds))

    return pause


async def test_a_slow_peer_gets_smaller_batches_until_it_takes_them_and_larger_ones_then() -> None:
    def prepare(made: Scene) -> None:
        made.world.delivering = [PeerAway("slow")] * 3

    async with scene(60, prepare) as made:
        await made.arrived(60)
    sent = [count for count in made.world.asked if count]
    assert sent == [60, 15, 3, 1, 2, 4, 8, 16, 29]  # 60, 15, 3 did not do; 1 did


async def test_a_peer_that_closes_after_some_events_gets_some_with_each_connection() -> None:
    def prepare(made: Scene) -> None:
        made.world.takes = 10

    async with scene(MAX_EVENTS, prepare) as made:
        await made.arrived(MAX_EVENTS)
    assert numbers(made.world) == list(range(1, MAX_EVENTS + 1))


async def test_a_silent_peer_is_pinged_and_keeps_its_connection() -> None:
    def prepare(made: Scene) -> None:
        made.world.quiet = 3

    async with scene(5, prepare) as made:
        await made.arrived(5)
    assert made.world.asked == [0, 0, 0, 0, 5]
    assert len(made.world.peers) == 1


async def test_an_exhausted_source_closes_the_connection_until_there_is_more() -> None:
    def prepare(made: Scene) -> None:
        made.source.is_over = True

    async with scene(0, prepare) as made:
        await made.until(lambda: made.sender.state == "done")
        assert made.world.peers == []
        made.source.add(2)
        await made.arrived(2)
        made.world.quiet = 1
        made.source.add(1)  # its wait is over, and the next one is a quiet one
        await made.until(lambda: made.sender.state == "done")
        assert [peer.closed for peer in made.world.peers] == [True]


async def test_a_bug_is_logged_and_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    def prepare(made: Scene) -> None:
        made.source.faults = [KeyError("oops")]

    async with scene(3, prepare) as made:
        await made.arrived(3)
    (told,) = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert "it is tried again" in told.getMessage()


async def test_no_secret_of_the_peer_is_in_a_log_a_repr_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def prepare(made: Scene) -> None:
        made.world.connecting = [PeerAway("away")]
        made.source.faults = [KeyError("oops")]

    async with scene(1, prepare) as made:
        await made.arrived(1)
        assert "secret" not in repr(made.sender)
    assert made.world.opened[0][:2] == (URL, {"X-Key": "secret-3"})
    assert "ws://example.org/events" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, PeerRefuses, "check the headers"),
        (403, PeerRefuses, "check the headers"),
        (404, PeerRefuses, "nothing at this path"),
        (302, PeerRefuses, "does not take a WebSocket"),
        (200, PeerRefuses, "not a WebSocket"),
        (429, PeerAway, "cannot take a connection now"),
        (503, PeerAway, "cannot take a connection now"),
    ],
)
async def test_a_refused_handshake_is_a_sentence(status: int, kind: type[PeerAway], words: str) -> None:
    with Peer() as peer:
        peer.refuse = status
        with pytest.raises(PeerAway, match=words) as refused:
            await open_peer(peer.url, {})
    assert type(refused.value) is kind


@pytest.fixture
def collected() -> Iterator[None]:
    """Tornado warns when it collects a connection whose handshake was wrong: it does so within the test."""
    yield
    gc.collect()


_NO_ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.mark.filterwarnings("ignore:Unclosed WebSocketClientConnection:ResourceWarning")
@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize(
    ("scheme", "answer", "words"),
    [
        ("ws", _NO_ACCEPT, "is not a WebSocket"),
        ("ws", b"220 mail.example.org ESMTP\r\n\r\n", "is not a WebSocket"),
        ("ws", b"HTTP/1.1 401 No\r\nX-A: " + b"x" * (1 << 17) + b"\r\n\r\n", "is not a WebSocket"),
        ("wss", b"220 mail.example.org ESMTP\r\n\r\n", "no TLS in common: wrong version number"),
    ],
)
async def test_a_server_that_is_no_websocket_is_a_sentence_and_nothing_in_the_log(
    scheme: str, answer: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with stranger(answer) as port:
        with pytest.raises(PeerAway, match=words):
            await open_peer(f"{scheme}://127.0.0.1:{port}/", {})
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


async def test_tornados_warnings_about_others_stay_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with stranger(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as port:
        with pytest.raises(PeerAway):
            await open_peer(f"ws://127.0.0.1:{port}/", {})
    for name in ("tornado.application", "tornado.general"):
        logging.getLogger(name).warning("of a page")
    assert caplog.messages == ["of a page"] * 2


async def test_the_body_of_a_refusal_is_dropped() -> None:
    size = 16 << 20
    answer = b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    async with stranger(answer) as port:
        tracemalloc.start()
        try:
            with pytest.raises(PeerRefuses, match="check the headers"):
                await open_peer(f"ws://127.0.0.1:{port}/", {})
            assert tracemalloc.get_traced_memory()[1] < size / 4
        finally:
            tracemalloc.stop()


@asynccontextmanager
async def stranger(answer: bytes) -> AsyncIterator[int]:
    """The port of a server that answers any request with *answer*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(1 << 16)
            for start in range(0, len(answer), 1 << 16):
                writer.write(answer[start : start + (1 << 16)])
                await writer.drain()
            while await reader.read(1 << 16):
                continue
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(("code", "kind"), [(1008, PeerRefuses), (4503, PeerRefuses), (1001, PeerAway)])
async def test_the_close_code_decides_whether_to_come_back_soon(code: int, kind: type[PeerAway]) -> None:
    with Peer() as peer:
        peer.hang_up_after, peer.code = 1, code
        open_one = await open_peer(peer.url, {})
        with pytest.raises(PeerAway, match=str(code)) as closed:
            await open_one.deliver([b"{}"])
            await open_one.wait_or_closed(asyncio.Event().wait(), 10)
        assert type(closed.value) is kind
        await open_one.close()
        await open_one.close()


async def test_a_peer_that_reads_nothing_is_given_up_by_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "ANSWER_TIMEOUT", 0.2)
    monkeypatch.setattr(peer_module, "CLOSE_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"ws://127.0.0.1:{deaf.getsockname()[1]}/"
        for frames in ([b"{}"], [b"x" * (1 << 20)] * 8):  # one that the sockets take, and one that they don't
            opening = asyncio.create_task(open_peer(url, {}))
            with await asyncio.to_thread(_shake_hands, deaf):
                open_one = await opening
                with pytest.raises(PeerAway, match="did not answer within"):
                    await open_one.deliver(frames)
                await open_one.close()


def _shake_hands(deaf: socket.socket) -> socket.socket:
    """Accept one connection as a WebSocket."""
    connection, _ = deaf.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    (key,) = (
        line.split(": ")[1]
        for line in request.decode().splitlines()
        if line.lower().startswith("sec-websocket-key")
    )
    accept = WebSocketProtocol13.compute_accept_value(key)
    words = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    connection.sendall("\r\n".join((*words, f"Sec-WebSocket-Accept: {accept}", "", "")).encode())
    return connection


async def test_a_cancel_while_connecting_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connecting = asyncio.create_task(open_peer(f"ws://127.0.0.1:{silent.getsockname()[1]}/", {}))
        accepted = await asyncio.to_thread(silent.accept)
        connecting.cancel()
        await asyncio.wait([connecting])
        assert connecting.cancelled()
        accepted[0].close()
        await asyncio.sleep(0)


async def test_a_user_and_a_password_in_the_address_become_a_header() -> None:
    with Peer() as peer:
        url = peer.url.replace("ws://", "ws://ada:a%20b@") + "?token=x"
        open_one = await open_peer(url, {"X-Key": "1"}, SUBPROTOCOLS["cloudevents"])
        await open_one.deliver([b"{}"])
        await open_one.close()
    assert peer.headers[0]["Authorization"] == "Basic YWRhOmEgYg=="
    assert peer.headers[0]["X-Key"] == "1"
    assert peer.subprotocols == ["cloudevents.json"]


async def test_a_cloud_event_names_the_event_the_task_and_the_time() -> None:
    told = json.loads(serialize(encode_event(event(7, "log", time=0.25)), "cloudevents"))
    assert told.pop("data") == {"stream": "stdout", "text": "line 7\n"}
    assert told.pop("id").endswith("/7")
    assert told == {
        "source": f"/jupyter-agent/tasks/{TASK}",
        "type": "jupyter_agent.task.log",
        "subject": TASK,
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "attempt": 1,
        "time": "1970-01-01T00:00:00.250Z",
    }
    assert "time" not in json.loads(serialize(encode_event(event(1, time=1e300)), "cloudevents"))
