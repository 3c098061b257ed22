"""Every way to leave that we could think of, each as a function that uses one socket and goes."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from jupyter_agent.protocol.messages import SUBPROTOCOL
from tests.support.servers import Server
from tests.support.wire import Story

HELLO = b'{"type":"hello","versions":[1],"client":"vandal"}'
UNREAD = 4096
CODES = [0, 999, *range(1000, 1017), 2999, 3000, 3999, 4000, 4001, 4008, 4011, 4499, 4500, 4999, 5000, 65535]
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


@dataclass(frozen=True)
class Place:
    """What there is to be rude to: a server, a task that runs on it, and where its journal begins."""

    server: Server
    task: str
    start: str

    def connect(self) -> socket.socket:
        """A socket to the server, with a small buffer, so that what is not read stays there."""
        parts = urlsplit(self.server.url)
        raw = socket.socket()
        raw.settimeout(20)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD)
        raw.connect((parts.hostname, parts.port))
        return raw

    def request(self, line: str, *headers: str) -> bytes:
        """A request with this server's token; *line* is a method and a path below the base URL."""
        method, path = line.split(" ")
        parts = urlsplit(self.server.url)
        lines = [
            f"{method} {parts.path}{path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Authorization: token {self.server.token}",
            *headers,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    @property
    def upgrade(self) -> bytes:
        return self.request(
            "GET jupyter-agent/ws",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        )

    def subscribe(self, after: str | None, ident: int = 1, tasks: object = "*") -> bytes:
        """A frame that asks for events."""
        message = {"type": "subscribe", "id": ident, "tasks": tasks, "after": after}
        return frame(json.dumps(message).encode())


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True, length: int | None = None) -> bytes:
    """A masked frame; one that lies about its *length*, if given."""
    size = len(payload) if length is None else length
    first = (0x80 if final else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    return head + bytes(4) + payload


def read_until(raw: socket.socket, word: bytes) -> None:
    """Read until *word* came. Raises `AssertionError` when the peer closes before."""
    seen = b""
    while word not in seen:
        more = raw.recv(UNREAD)
        assert more, seen
        seen = seen[-len(word) :] + more


Vandal = Callable[[Place, socket.socket, int], None]
"""Uses the socket of one visit, and says no goodbye; the number of the round chooses among variants."""


def says_nothing(_: Place, raw: socket.socket, _round: int) -> None:
    """Leaves before the first byte."""


def in_the_request_line(_: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(b"GET /jupyter-age")


def in_the_headers(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade[:150])


def before_the_handshake_is_answered(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade)


def after_the_handshake(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade)
    read_until(raw, b"\r\n\r\n")


def in_the_middle_of_the_hello(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO)[:20])


def after_the_hello(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO))


def after_the_welcome(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO))
    read_until(raw, b'"welcome"')


def in_the_middle_of_a_subscribe(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO) + place.subscribe(place.start)[:30])


def before_the_replay(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO) + place.subscribe(place.start))


def in_the_middle_of_the_replay(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO) + place.subscribe(place.start))
    read_until(raw, b'"events":[{')


def in_the_live_stream(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO) + place.subscribe(None))
    read_until(raw, b'"events":[{')


def with_many_subscriptions(place: Place, raw: socket.socket, _round: int) -> None:
    many = b"".join(place.subscribe(place.start, ident, [place.task]) for ident in range(12))
    raw.sendall(place.upgrade + frame(HELLO) + many)


def in_the_middle_of_a_command(place: Place, raw: socket.socket, _round: int) -> None:
    command = b'{"type":"command","id":1,"task":"nobody","command":"cancel"}'
    raw.sendall(place.upgrade + frame(HELLO) + frame(command) * 5 + frame(command)[:15])


def with_a_close_frame(place: Place, raw: socket.socket, round_: int) -> None:
    """Any code, allowed or not; too short a payload; a reason that is not UTF-8."""
    code = struct.pack("!H", CODES[round_ % len(CODES)])
    payload = [code, code + b"bye", code + b"\xff\xfe", b"", b"\x03", code + b"x" * 123][round_ // 3 % 6]
    raw.sendall(place.upgrade + frame(HELLO) + frame(payload, CLOSE))
    read_until(raw, b"\r\n\r\n")


def without_an_answer_to_a_close(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(b'{"type":"subscribe","id":1,"tasks":"*"}'))
    read_until(raw, struct.pack("!H", 4500))


def with_a_frame_that_claims_to_be_huge(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO) + frame(b"x" * 100, length=1 << 40))
    read_until(raw, b"\r\n\r\n")


def with_a_frame_over_the_limit(place: Place, raw: socket.socket, round_: int) -> None:
    """Eight MiB and one byte, said to be too big (1009); seldom, because it takes a while."""
    raw.sendall(place.upgrade + frame(HELLO))
    if round_ % 20 == 0:
        raw.sendall(frame(b"x" * ((8 << 20) + 1)))
        read_until(raw, struct.pack("!H", 1009))


def with_bytes_that_are_no_utf8(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO) + frame(b'{"type":"\xff\xfe\xc3"}'))
    read_until(raw, b'"welcome"')


def with_binary_frames(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO, BINARY) + frame(os.urandom(50), BINARY))


def with_broken_framing(place: Place, raw: socket.socket, round_: int) -> None:
    """Reserved bits and opcodes, no mask, a continuation of nothing, pieces that never end."""
    broken = [
        b"\xf1\x80" + bytes(4),
        b"\x8b\x80" + bytes(4),
        b"\x81\x05hello",
        frame(b"rest", 0),
        frame(b'{"type":', final=False) * 3,
        frame(b"p" * 200, PING),
        frame(b"p", PING, final=False),
        os.urandom(200),
    ]
    raw.sendall(place.upgrade + frame(HELLO) + broken[round_ % len(broken)])


def with_pings(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.upgrade + frame(HELLO) + frame(b"are you there", PING) * 20)


def with_words_of_no_meaning(place: Place, raw: socket.socket, round_: int) -> None:
    words = [b"[]", b"null", b'{"type":"dance","id":3}', b'{"type":"hello"}', b"{" * 500, b'"' + b"\\" * 99]
    raw.sendall(place.upgrade + frame(HELLO) + frame(words[round_ // 3 % len(words)]))


def in_the_middle_of_an_event_stream(place: Place, raw: socket.socket, _round: int) -> None:
    _stream(place, raw)
    read_until(raw, b"\ndata: ")


def at_the_head_of_an_event_stream(place: Place, raw: socket.socket, _round: int) -> None:
    _stream(place, raw)


def _stream(place: Place, raw: socket.socket) -> None:
    path = f"GET jupyter-agent/tasks/{place.task}/events"
    raw.sendall(place.request(path, "Accept: text/event-stream"))


def in_the_middle_of_a_page_of_events(place: Place, raw: socket.socket, _round: int) -> None:
    raw.sendall(place.request(f"GET jupyter-agent/tasks/{place.task}/events?limit=1000"))
    read_until(raw, b'{"events":[{')


def before_an_answer(place: Place, raw: socket.socket, round_: int) -> None:
    paths = [f"tasks/{place.task}", "tasks?limit=200", "health", "", f"tasks/{place.task}/events?limit=5"]
    raw.sendall(place.request(f"GET jupyter-agent/{paths[round_ % len(paths)]}"))


def in_the_middle_of_a_body(place: Place, raw: socket.socket, _round: int) -> None:
    path = f"POST jupyter-agent/tasks/{place.task}/commands"
    raw.sendall(place.request(path, "Content-Type: application/json", "Content-Length: 1000") + b"{")


def in_the_middle_of_a_publish(place: Place, raw: socket.socket, _round: int) -> None:
    said = _publish(story := Story())
    raw.sendall(place.upgrade + _producer(story) + said[: len(said) // 2])


def before_a_publish_is_answered(place: Place, raw: socket.socket, _round: int) -> None:
    story = Story()
    raw.sendall(place.upgrade + _producer(story) + _publish(story))


def after_a_publish_is_answered(place: Place, raw: socket.socket, _round: int) -> None:
    story = Story()
    raw.sendall(place.upgrade + _producer(story) + _publish(story))
    read_until(raw, b'"ack"')


def _producer(story: Story) -> bytes:
    hello = {"type": "hello", "versions": [1], "role": "producer", "producer": story.producer, "host": "away"}
    return frame(json.dumps(hello).encode())


def _publish(story: Story) -> bytes:
    """A whole task, so that what was stored of it is over."""
    events = [*story.start("vandal"), *story.logs(3), story.state("completed")]
    return frame(b'{"type":"publish","base":1,"first":1,"events":%s}' % msgspec.json.encode(events))


LEAVERS: list[Vandal] = [
    says_nothing,
    in_the_request_line,
    in_the_headers,
    before_the_handshake_is_answered,
    after_the_handshake,
    in_the_middle_of_the_hello,
    after_the_hello,
    after_the_welcome,
    in_the_middle_of_a_subscribe,
    before_the_replay,
    in_the_middle_of_the_replay,
    in_the_live_stream,
    with_many_subscriptions,
    in_the_middle_of_a_command,
    with_a_close_frame,
    without_an_answer_to_a_close,
    with_a_frame_that_claims_to_be_huge,
    with_a_frame_over_the_limit,
    with_bytes_that_are_no_utf8,
    with_binary_frames,
    with_broken_framing,
    with_pings,
    with_words_of_no_meaning,
    in_the_middle_of_an_event_stream,
    at_the_head_of_an_event_stream,
    in_the_middle_of_a_page_of_events,
    before_an_answer,
    in_the_middle_of_a_body,
    in_the_middle_of_a_publish,
    before_a_publish_is_answered,
    after_a_publish_is_answered,
]

LINGERERS: list[Vandal] = [after_the_handshake, after_the_welcome, in_the_middle_of_the_replay]
"""Those who do not leave at once: no hello and silence, a hello and silence, a reader that stops."""


Ending = Callable[[socket.socket], None]


def with_a_reset(raw: socket.socket) -> None:
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def with_a_half_close(raw: socket.socket) -> None:
    try:
        raw.shutdown(socket.SHUT_WR)
    except OSError:  # the server was faster
        raw.close()


def quietly(raw: socket.socket) -> None:
    raw.close()


ENDINGS = [with_a_reset, with_a_half_close, quietly]


class Visitors:
    """Come and go one after the other; each way to leave meets each ending in turn."""

    def __init__(self, place: Place, most_open: int = 10) -> None:
        self._place = place
        self._most_open = most_open
        self._open: list[socket.socket] = []

    def come_and_go(self, turns: Iterable[int]) -> None:
        """A disconnect for each of *turns*; every 25th, and every half close, leaves late."""
        for turn in turns:
            round_ = turn // len(LEAVERS)
            if turn % 25 == 0:
                self._one(LINGERERS[turn // 25 % len(LINGERERS)], round_, None)
            else:
                self._one(LEAVERS[turn % len(LEAVERS)], round_, ENDINGS[round_ % len(ENDINGS)])
        while self._open:
            with_a_reset(self._open.pop())

    def _one(self, leaver: Vandal, round_: int, ending: Ending | None) -> None:
        raw = self._place.connect()
        leaver(self._place, raw, round_)
        if ending is not None:
            ending(raw)
        if ending is None or ending is with_a_half_close:
            self._open.append(raw)
        if len(self._open) > self._most_open:
            with_a_reset(self._open.pop(0))


def come_and_go(place: Place, turns: range, at_once: int = 4) -> None:
    """A disconnect for each of *turns*, by visitors of whom *at_once* come at a time."""
    with ThreadPoolExecutor(at_once) as threads:
        visits = [
            threads.submit(Visitors(place).come_and_go, turns[first::at_once]) for first in range(at_once)
        ]
    for visit in visits:
        visit.result()
