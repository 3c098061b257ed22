"""The forwarder against a server of our own: a Tornado socket, the sans-IO side, a memory journal."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import shutil
import socket as sockets
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from jupyter_agent.core.events import Log, Progress
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.producer import forwarder as module
from jupyter_agent.producer import spool_report
from jupyter_agent.producer.forwarder import Forwarder
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.protocol.actions import CloseWith, Send, encode
from jupyter_agent.protocol.messages import (
    SPOOL_TROUBLE,
    SUBPROTOCOL,
    VERSION,
    Ack,
    CommandOrder,
    ErrorMessage,
    Handled,
    Hello,
    Limits,
    Nack,
    Publish,
    SpoolTrouble,
    Welcome,
)
from jupyter_agent.protocol.server import ServerSide
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport import link as link_module
from jupyter_agent.transport.discovery import KEY_HEADER, Address
from tests.support.builders import HOLDER, TASK, until
from tests.support.producers import wait_until_up

WAIT = 20.0


class Server:
    """One server in a thread of its own. What it does with a publish can be changed by the test."""

    def __init__(self, journal: MemoryJournal, *, window: int = 8) -> None:
        self.journal = journal
        self.window = window
        self.seen: list[Any] = []
        self.keys: list[str | None] = []
        self.protocols: list[str | None] = []
        self.sockets: list[_Socket] = []
        self.on_publish: Callable[[_Socket, Publish], None] = store
        self.on_hello: Callable[[_Socket, Hello], None] = greet
        self.welcomed = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server")
        self._thread.start()
        self.run(self._listen())

    @property
    def address(self) -> Address:
        return Address(f"http://127.0.0.1:{self.port}/base/", {KEY_HEADER: "sesame"})

    def has_more_sockets_than(self, count: int) -> bool:
        return len(self.sockets) > count

    @property
    def published(self) -> list[list[int]]:
        return [[e.n for e in message.events] for message in self.seen if isinstance(message, Publish)]

    @property
    def stored(self) -> list[int]:
        row = [json.loads(stored.encoded)["n"] for stored in self.journal.read(0, 10**6)]
        return [n for n in row if n]

    def run(self, work: Awaitable[Any]) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(_awaited(work), self._loop)
        return future.result(WAIT)

    def say(self, frame: bytes) -> None:
        async def say() -> None:
            await self.sockets[-1].write_message(frame)

        self.run(say())

    def hang_up(self, code: int) -> None:
        async def hang_up() -> None:
            self.sockets[-1].close(code)

        self.run(hang_up())

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT)
        self._loop.close()

    async def _listen(self) -> None:
        self._http = HTTPServer(Application([(r"/base/jupyter-agent/ws", _Socket, {"server": self})]))
        listener = sockets.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._http.add_socket(listener)

    async def _stop(self) -> None:
        self._http.stop()
        for one in self.sockets:
            if one.ws_connection is not None and one.ws_connection.stream is not None:
                one.ws_connection.stream.close()
        await self._http.close_all_connections()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


class _Socket(WebSocketHandler):
    def initialize(self, server: Server) -> None:
        self.server = server
        self.side = ServerSide()

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        self.server.protocols.append(subprotocols[0])
        return SUBPROTOCOL

    def open(self, *args: str, **kwargs: str) -> None:
        self.server.keys.append(self.request.headers.get(KEY_HEADER))
        self.server.sockets.append(self)

    def on_message(self, message: str | bytes) -> None:
        for request in self.side.receive(message):
            assert not isinstance(request, Send | CloseWith), request
            self.server.seen.append(request)
            if isinstance(request, Hello):
                self.server.on_hello(self, request)
            elif isinstance(request, Publish):
                self.server.on_publish(self, request)

    def say(self, message: Any) -> None:
        self.write_message(encode(message))


def greet(socket: _Socket, hello: Hello, accepts: Sequence[str] = (SPOOL_TROUBLE,)) -> None:
    limits = Limits(64 << 20, 1 << 20, 100, 1 << 16, socket.server.window)
    socket.say(Welcome(VERSION, "c1", "ada", "e:0", 0.0, 25.0, limits, accepts=list(accepts)))


def store(socket: _Socket, publish: Publish) -> None:
    producer = publish.events[0].producer
    (answer,) = socket.server.journal.append([Batch(producer, publish.base, publish.events)], 0.0)
    if answer.upto:
        socket.say(Ack(answer.upto))
    if answer.expected is not None:
        socket.say(Nack(answer.expected))


def ignore(socket: _Socket, publish: Publish) -> None:
    """Behave as a server that is too busy to answer."""


class Tasks:
    """Samplers as the forwarder needs them: what a producer does for it."""

    def __init__(self) -> None:
        self.orders: list[CommandOrder] = []
        self.running = False
        self.samples = 0
        self.on_sample: Callable[[], None] = lambda: None

    def sample(self) -> bool:
        self.samples += 1
        self.on_sample()
        return self.running

    def command(self, order: CommandOrder) -> None:
        self.orders.append(order)


class Bench:
    """A spool, a forwarder, and where it finds its server now."""

    def __init__(self, paths: DataPaths, new_id: Callable[[], str]) -> None:
        self.journal = MemoryJournal(HOLDER, "e1")
        self.servers: list[Server] = []
        self.address: Address | None = None
        self.tasks = Tasks()
        self.spool = Spool.create(paths, header_for(new_id(), "default", 0.0))
        self.forwarder = Forwarder(self.spool, self.tasks, lambda: self.address)

    def serve(self, *, window: int = 8) -> Server:
        self.servers.append(Server(self.journal, window=window))
        self.address = self.servers[-1].address
        return self.servers[-1]

    def emit(self, count: int = 1, text: str = "x") -> int:
        for _ in range(count):
            n = self.spool.append(TASK, 1, "log", Log("stdout", text))
        self.forwarder.wake()
        return n

    def close(self) -> None:
        self.forwarder.close()
        for server in self.servers:
            server.close()
        self.spool.close()


@pytest.fixture
def bench(paths: DataPaths, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(link_module, "POLL_INTERVAL", 0.02)
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.02)
    monkeypatch.setattr(module, "PAUSE_AFTER_ERROR", 0.05)
    monkeypatch.setattr(link_module, "random", lambda: 0.02)
    bench = Bench(paths, new_id)
    yield bench
    bench.close()


def test_it_sends_hello_with_key_and_protocol_and_delivers(bench: Bench) -> None:
    server = bench.serve()
    bench.emit(3)
    bench.forwarder.start()
    assert bench.forwarder.flush(WAIT)
    assert wait_until_up(bench.forwarder, WAIT)
    assert bench.forwarder.is_up
    assert bench.forwarder.address == server.address
    hello = server.seen[0]
    assert isinstance(hello, Hello)
    assert (hello.role, hello.producer, hello.versions) == ("producer", bench.spool.producer, [1])
    assert (server.keys, server.protocols) == (["sesame"], [SUBPROTOCOL])
    assert server.stored == [1, 2, 3]


def test_nothing_is_sent_before_the_welcome(bench: Bench) -> None:
    server = bench.serve()
    server.on_hello = lambda socket, hello: None
    bench.emit(3)
    bench.forwarder.start()
    until(lambda: server.seen)
    assert not bench.forwarder.flush(0.1)
    assert not bench.forwarder.is_up
    assert len(server.seen) == 1
    limits = Limits(1 << 24, 1 << 20, 1, 1, 8)
    server.say(encode(Welcome(VERSION, "c", "ada", "e:0", 0.0, 25.0, limits)))
    assert bench.forwarder.flush(WAIT)


@pytest.mark.parametrize("window", [1, 3])
def test_at_most_a_window_of_batches_is_unanswered(bench: Bench, window: int) -> None:
    server = bench.serve(window=window)
    server.on_publish = ignore
    bench.emit(10_500)
    bench.forwarder.start()
    until(lambda: len(server.published) == window)
    bench.emit()
    assert not bench.forwarder.flush(0.1)
    assert len(server.published) == window
    server.on_publish = store
    last = server.published[0][-1]
    server.say(encode(Ack(last)))
    until(lambda: len(server.published) > window)


def test_what_is_acknowledged_is_freed(bench: Bench) -> None:
    bench.serve()
    bench.forwarder.start()
    bench.emit(6000, "x" * 1000)
    assert bench.forwarder.flush(WAIT)
    assert bench.forwarder.acked == 6000
    assert bench.spool.base > 1
    assert len(list(bench.spool.folder.glob("*.seg"))) == 1


def test_a_nack_makes_it_go_back(bench: Bench) -> None:
    server = bench.serve()
    bench.forwarder.start()
    bench.emit(20)
    assert bench.forwarder.flush(WAIT)
    bench.journal.__init__(HOLDER, "e2")  # type: ignore[misc]
    last = bench.emit()
    assert bench.forwarder.flush(WAIT)
    assert server.stored == list(range(1, last + 1))


def test_a_cut_connection_is_made_again_and_nothing_comes_twice(bench: Bench) -> None:
    server = bench.serve()
    bench.forwarder.start()
    for round_ in range(1, 6):
        bench.emit(50)
        if round_ % 2:
            server.on_publish = ignore
            bench.emit(50)
            until(lambda: server.published)
            server.on_publish = store
        assert wait_until_up(bench.forwarder, WAIT)
        count = len(server.sockets)
        server.hang_up(4001)
        until(partial(server.has_more_sockets_than, count))
    assert bench.forwarder.flush(WAIT)
    assert server.stored == list(range(1, bench.spool.last + 1))


def test_it_follows_a_server_that_moved(bench: Bench) -> None:
    first = bench.serve()
    bench.forwarder.start()
    bench.emit(5)
    assert bench.forwarder.flush(WAIT)
    first.close()
    bench.address = None
    bench.emit(5)
    assert not bench.forwarder.flush(0.1)
    second = bench.serve()
    assert bench.forwarder.flush(WAIT)
    assert second.stored == list(range(1, 11))
    assert bench.forwarder.address == second.address


def test_a_server_that_comes_late_gets_everything(bench: Bench) -> None:
    bench.forwarder.start()
    bench.emit(500)
    assert not bench.forwarder.flush(0.05)
    server = bench.serve()
    assert bench.forwarder.flush(WAIT)
    assert server.stored == list(range(1, 501))


def test_an_address_without_a_server_is_no_error(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench.address = Address("http://127.0.0.1:9/", {})
    bench.forwarder.start()
    bench.emit(5)
    assert not bench.forwarder.flush(0.2)
    bench.address = Address("https://127.0.0.1:9/", {}, cert="/nowhere/cert.pem")
    assert not bench.forwarder.flush(0.2)
    bench.address = Address("nonsense", {})
    assert not bench.forwarder.flush(0.2)
    bench.serve()
    assert bench.forwarder.flush(WAIT)
    assert [record for record in caplog.records if record.name.startswith("jupyter_agent")] == []


def test_a_refusal_is_logged_once_and_another_server_is_used(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    first = bench.serve()
    bench.forwarder.start()
    assert wait_until_up(bench.forwarder, WAIT)
    first.hang_up(4503)
    until(lambda: "closed the connection for good (code 4503)" in caplog.text)
    bench.emit(3)
    assert not bench.forwarder.flush(0.2)
    assert len(first.sockets) == 1, "it does not come back"
    second = bench.serve()
    assert bench.forwarder.flush(WAIT)
    assert second.stored == [1, 2, 3]
    assert caplog.text.count("for good") == 1


def test_a_hello_that_a_busy_cell_delayed_is_sent_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    server = bench.serve()
    bench.forwarder.start()
    assert wait_until_up(bench.forwarder, WAIT)
    server.hang_up(4508)
    until(lambda: len(server.sockets) == 2)
    bench.emit(3)
    assert bench.forwarder.flush(WAIT)
    assert "for good" not in caplog.text


def test_a_frame_that_cannot_be_decoded_costs_the_connection_only(bench: Bench) -> None:
    server = bench.serve()
    bench.forwarder.start()
    assert wait_until_up(bench.forwarder, WAIT)
    server.say(b'{"type":"nonsense"}')
    until(lambda: len(server.sockets) == 2)
    bench.emit(3)
    assert bench.forwarder.flush(WAIT)


def test_a_command_is_handled_once_however_often_it_comes(bench: Bench) -> None:
    server = bench.serve()
    bench.forwarder.start()
    assert wait_until_up(bench.forwarder, WAIT)
    for offset in (7, 7, 9, 7):
        server.say(encode(CommandOrder(offset, TASK, 1, "cancel")))
    until(lambda: len([m for m in server.seen if isinstance(m, Handled)]) == 4)
    assert [m.offset for m in server.seen if isinstance(m, Handled)] == [7, 7, 9, 7]
    assert [order.offset for order in bench.tasks.orders] == [7, 9]
    server.hang_up(4001)
    until(lambda: len(server.sockets) == 2)
    assert wait_until_up(bench.forwarder, WAIT)
    server.say(encode(CommandOrder(9, TASK, 1, "cancel")))
    until(lambda: len([m for m in server.seen if isinstance(m, Handled)]) == 5)
    assert len(bench.tasks.orders) == 2


def test_a_temporary_error_is_tried_again_after_a_pause(bench: Bench) -> None:
    server = bench.serve()
    failures = 3

    def fail(socket: _Socket, publish: Publish) -> None:
        nonlocal failures
        if failures == 0:
            return store(socket, publish)
        failures -= 1
        return socket.say(ErrorMessage("not_stored", "the disk is full", True))

    server.on_publish = fail
    bench.forwarder.start()
    bench.emit(10)
    assert bench.forwarder.flush(WAIT)
    assert server.stored == list(range(1, 11))
    assert failures == 0


def test_that_the_server_cannot_store_is_said_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    server = bench.serve()
    refused = []

    def fail(socket: _Socket, publish: Publish) -> None:
        refused.append(publish)
        socket.say(ErrorMessage("not_stored", "the events were not stored: the disk is full", True))

    server.on_publish = fail
    bench.forwarder.start()
    bench.emit(10)
    until(lambda: len(refused) >= 3)
    said = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage().partition("; ")[0] for record in said] == [
        "the events were not stored: the disk is full"
    ]


def test_a_spool_that_is_deleted_is_written_again_and_the_server_is_told_once(bench: Bench) -> None:
    server = bench.serve()
    bench.tasks.running = True
    bench.forwarder.start()
    bench.emit(3)
    assert bench.forwarder.flush(WAIT)
    shutil.rmtree(bench.spool.folder)
    until(bench.spool.is_in_place)
    bench.emit()
    assert bench.forwarder.flush(WAIT)
    bench.emit()
    assert bench.forwarder.flush(WAIT)
    notices = [notice for one in server.seen if isinstance(one, Publish) for notice in one.notices]
    assert len(notices) == 1
    assert str(bench.spool.folder) in notices[0]
    assert server.stored == [1, 2, 3, 4, 5]


def test_flush_waits_no_longer_than_it_may(bench: Bench) -> None:
    bench.forwarder.start()
    assert bench.forwarder.flush(WAIT), "nothing was emitted"
    bench.emit()
    assert not bench.forwarder.flush(0.0)
    assert not wait_until_up(bench.forwarder, 0.0)


def test_samplers_run_only_while_tasks_run(bench: Bench) -> None:
    server = bench.serve()
    bench.forwarder.start()
    assert wait_until_up(bench.forwarder, WAIT)
    done = 0

    def sample() -> None:
        nonlocal done
        done += 1
        bench.spool.append(TASK, 1, "progress", Progress(done, 100))

    bench.tasks.on_sample = sample
    bench.tasks.running = True
    bench.forwarder.wake()
    until(lambda: len(server.stored) >= 3)
    bench.tasks.running = False
    bench.tasks.on_sample = lambda: None
    samples = until(lambda: bench.tasks.samples)
    until(lambda: bench.forwarder.flush(0.1))
    rest = bench.tasks.samples
    assert rest >= samples
    assert not bench.forwarder._wake.is_set() or bench.tasks.samples <= rest + 2


@pytest.mark.timeout(30)
def test_a_server_that_reads_nothing_does_not_delay_the_close(bench: Bench) -> None:
    """Its window is open and its buffers are full, as those of a stopped process."""
    listener = sockets.socket()
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    bench.address = Address(f"http://127.0.0.1:{listener.getsockname()[1]}/", {})
    bench.emit(20_000, "x" * 2000)
    bench.forwarder.start()
    peer, _ = listener.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        request += peer.recv(4096)
    peer.sendall(_upgrade(request))
    limits = Limits(1 << 24, 1 << 20, 1, 1, 64)
    frame = encode(Welcome(VERSION, "c", "ada", "e:0", 0.0, 25.0, limits))
    peer.sendall(bytes([0x81, 126]) + len(frame).to_bytes(2, "big") + frame)
    assert wait_until_up(bench.forwarder, WAIT)
    stuck = until(lambda: bench.forwarder._side.in_flight and bench.forwarder._side.sent)
    assert stuck
    assert not bench.forwarder.flush(0.3)
    closer = threading.Thread(target=bench.forwarder.close, daemon=True)
    closer.start()
    closer.join(5)
    hung = closer.is_alive()
    peer.close()
    listener.close()
    assert not hung


def _upgrade(request: bytes) -> bytes:
    from base64 import b64encode
    from hashlib import sha1

    (key,) = [
        line.split(b":", 1)[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    ]
    accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"


def test_closing_is_idempotent_and_leaves_no_thread(bench: Bench, tmp_path: Path) -> None:
    bench.serve()
    bench.forwarder.start()
    assert wait_until_up(bench.forwarder, WAIT)
    bench.forwarder.close()
    bench.forwarder.close()
    bench.forwarder.wake()
    assert "jupyter-agent-forwarder" not in {thread.name for thread in threading.enumerate()}
    assert not bench.forwarder.is_up


def troubles(server: Server) -> list[str]:
    return [message.sentence for message in server.seen if isinstance(message, SpoolTrouble)]


@pytest.fixture
def blocked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the place of all spools, which are elsewhere meanwhile."""
    monkeypatch.setattr(spool_report, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(module, "REPAIR_INTERVAL", 0.02)
    spools = bench.spool.folder.parent
    spools.rename(spools.with_name("aside"))
    spools.touch()
    return spools


def test_a_spool_that_cannot_be_made_again_is_told_to_each_server_until_it_can(
    bench: Bench, blocked: Path
) -> None:
    """Also while no task runs: the end of it."""
    first = bench.serve()
    bench.tasks.running = True
    bench.forwarder.start()
    (sentence,) = until(lambda: troubles(first))
    assert str(bench.spool.folder) in sentence
    assert "cannot be made again" in sentence
    first.close()
    second = bench.serve()
    assert until(lambda: troubles(second)) == [sentence]
    bench.tasks.running = False
    blocked.unlink()
    blocked.with_name("aside").rename(blocked)
    until(lambda: troubles(second) == [sentence, ""])


def test_an_older_server_is_told_nothing_it_cannot_read(bench: Bench, blocked: Path) -> None:
    server = bench.serve()
    server.on_hello = partial(greet, accepts=())
    bench.tasks.running = True
    bench.forwarder.start()
    until(lambda: bench.spool.trouble)
    bench.emit(3)
    assert bench.forwarder.flush(WAIT)
    samples = bench.tasks.samples
    until(lambda: bench.tasks.samples > samples + 3)
    assert troubles(server) == []


def test_tasks_are_sampled_without_descriptors_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(coroutine: Any) -> NoReturn:
        coroutine.close()
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(asyncio, "run", fail)
    bench.tasks.running = True
    bench.forwarder.start()
    until(lambda: bench.tasks.samples > 3)
