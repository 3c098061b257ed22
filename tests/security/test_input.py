"""Hostile ids, queries, bodies, frames and headers are refused or harmless, never a server error."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import pytest
from tornado.websocket import WebSocketClosedError

from jupyter_agent.core.events import Event, Progress, State, TaskState
from jupyter_agent.system.ids import new_id
from tests.support.servers import Server, assert_problem, loud
from tests.support.wire import Story, producer, subscriber, wire

from .endpoints import published, raw

DEEP = 100_000
NESTS = {
    "arrays": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "unclosed arrays": b"[" * DEEP,
    "unclosed objects": b'{"a":' * DEEP,
}


@pytest.fixture(autouse=True)
def unharmed(shared: Server) -> Iterator[None]:
    """After each test the server lives, answers, and has nothing to complain about."""
    before = shared.log_path.stat().st_size
    yield
    assert shared.ask("tasks?limit=1").status == 200
    with shared.log_path.open("rb") as file:
        file.seek(before)
        log = file.read().decode(errors="replace")
    assert "Traceback" not in log
    assert not loud(log)


IDS = {
    "a path": "../../etc/passwd",
    "a path, encoded": "..%2F..%2Fetc%2Fpasswd",
    "a path, encoded twice": "%252e%252e%252fetc",
    "dots": "%2e%2e",
    "a path of this folder": quote("../journals/default/journal.sqlite", safe=""),
    "NUL": "a%00b",
    "a line": "a%0d%0aSet-Cookie:%20evil=1",
    "long": "A" * 10_000,
    "unicode digits": quote("\u0660" * 26),
    "unicode letters": quote("\uff21" * 26),
    "a quote": quote("' OR '1'='1"),
    "a comment": quote("x'; DROP TABLE events; --"),
    "a pattern": quote("%") + "*",
    "a glob": quote("[0-9A-Z]*"),
    "an id and a line end": new_id() + "%0a",
    "an id in small letters": new_id().lower(),
    "a template": quote("{{7*7}}${7*7}"),
}


@pytest.mark.parametrize("ident", IDS.values(), ids=IDS)
def test_an_odd_id_is_of_no_task_at_any_endpoint(shared: Server, running_task: str, ident: str) -> None:
    for method, tail in (("GET", ""), ("GET", "/events"), ("POST", "/commands"), ("DELETE", "")):
        body = {"command": "cancel"} if method == "POST" else None
        answer = shared.ask(f"tasks/{ident}{tail}", method=method, body=body)
        assert answer.status in (400, 404, 405), (method, tail, answer.body)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Set-Cookie"] is None or "evil" not in answer.headers["Set-Cookie"]
        assert b"root:" not in answer.body
    assert shared.task(running_task)["state"] == "running"


ODD_WORDS = [
    "'",
    "' OR 1=1 --",
    "%",
    "_",
    "\x00",
    "../../etc/passwd",
    "NaN",
    "-1",
    "1e309",
    "\u202e",
    "9" * 5000,
    "/*",
    "\\",
]


@pytest.mark.parametrize("name", ["name", "before", "types", "unknown"])
@pytest.mark.parametrize("word", ODD_WORDS, ids=range(len(ODD_WORDS)))
def test_an_odd_word_in_a_question_finds_nothing_that_it_should_not(
    shared: Server, running_task: str, name: str, word: str
) -> None:
    found = shared.ask(f"tasks?{name}={quote(word)}")
    if name in ("types", "unknown"):
        assert_problem(found, 400, "bad_request")
    else:
        assert found.status == 200
        assert (found.json["tasks"] == []) or name == "before"
    events = shared.ask(f"tasks/{running_task}/events?{name}={quote(word)}")
    if name in ("before", "types") and word == "\x00":  # Tornado strips it
        assert events.status == 200
    else:
        assert_problem(events, 400, "bad_cursor" if name == "before" else "bad_request")


NO_NUMBERS = [
    "0",
    "-1",
    "1.0",
    "1e3",
    "NaN",
    "Infinity",
    "0x10",
    "1_0",
    "+1",
    "\u0663",
    "",
    "1;--",
    "9" * 30,
    "0000000001" + "0" * 5000,
    "00000000019999",
]


@pytest.mark.parametrize("word", NO_NUMBERS, ids=range(len(NO_NUMBERS)))
def test_what_is_no_number_within_bounds_is_no_limit(shared: Server, running_task: str, word: str) -> None:
    for path in ("tasks", f"tasks/{running_task}/events"):
        assert_problem(shared.ask(f"{path}?limit={quote(word)}"), 400, "bad_request")


@pytest.mark.parametrize("word", [*ODD_WORDS, "RUNNING", "running'"], ids=range(15))
def test_what_is_no_state_is_refused(shared: Server, word: str) -> None:
    assert_problem(shared.ask(f"tasks?state={quote(word)}"), 400)


@pytest.mark.parametrize("word", [word for word in ODD_WORDS if word != "\x00"], ids=range(12))
def test_what_is_no_cursor_is_refused(shared: Server, running_task: str, word: str) -> None:
    for cursor in (word, f"{new_id()}:{word}", f"{word}:1"):
        for way in ("after", "before"):
            answer = shared.ask(f"tasks/{running_task}/events?{way}={quote(cursor)}")
            assert answer.status in (400, 410), cursor
            assert_problem(answer, answer.status)


@pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS)
def test_a_body_nested_100_000_deep_is_a_bad_request(shared: Server, running_task: str, nest: bytes) -> None:
    wrapped = b'{"command":"input","args":{"text":"t","x":' + nest + b"}}"
    for body in (nest, wrapped):
        answer = shared.ask(f"tasks/{running_task}/commands", method="POST", body=body)
        assert_problem(answer, 400, "bad_request")


def test_a_body_over_the_limit_is_refused_unread(shared: Server, running_task: str) -> None:
    parts = urlsplit(shared.url)
    head = (
        f"POST {parts.path}jupyter-agent/tasks/{running_task}/commands HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: token {shared.token}\r\nContent-Length: {1 << 40}\r\nConnection: close\r\n\r\n"
    )
    assert raw(shared, head.encode()).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_compressed_body_is_not_unpacked(shared: Server, running_task: str, encoding: str) -> None:
    small = gzip.compress(json.dumps({"command": "cancel", "args": {}}).encode())
    bomb = gzip.compress(b'{"command":"' + bytes(30 << 20))
    for body in (small, bomb):
        headers = {"Content-Encoding": encoding}
        answer = shared.ask(f"tasks/{running_task}/commands", method="POST", body=body, headers=headers)
        assert_problem(answer, 400, "bad_request")
    assert shared.task(running_task)["cancel_requested"] is False


FRAMES: dict[str, Any] = {
    **{f"a frame of {name}": nest.decode() for name, nest in NESTS.items()},
    **{
        f"args of {name}": '{"type":"command","id":1,"task":"x","command":"input","args":{"text":"t","x":'
        + nest.decode()
        + "}}"
        for name, nest in NESTS.items()
    },
    "an unknown field of arrays": '{"type":"subscribe","id":1,"tasks":"*","x":'
    + NESTS["arrays"].decode()
    + "}",
    "an id of 5000 digits": '{"type":"subscribe","id":' + "9" * 5000 + ',"tasks":"*"}',
    "an id over 64 bits": '{"type":"subscribe","id":' + "9" * 30 + ',"tasks":"*"}',
    "a negative id": {"type": "subscribe", "id": -(1 << 63), "tasks": "*"},
    "a float id": '{"type":"subscribe","id":1e400,"tasks":"*"}',
    "NaN": '{"type":"subscribe","id":NaN,"tasks":"*"}',
    "half a surrogate": '{"type":"subscribe","id":1,"tasks":["\\ud800"],"types":["\\udfff"]}',
    "NUL in ids and types": {"type": "subscribe", "id": 1, "tasks": ["\x00"], "types": ["\x00"]},
    "SQL in ids and types": {
        "type": "subscribe",
        "id": 1,
        "tasks": ["' OR 1=1 --"],
        "types": ["'); DROP TABLE x"],
    },
    "a path as a task": {"type": "command", "id": 1, "task": "../../etc/passwd", "command": "cancel"},
    "a long task": {"type": "command", "id": 1, "task": "x" * 1_000_000, "command": "cancel"},
    "a long command": {"type": "command", "id": 1, "task": "x", "command": "x" * 1_000_000},
    "a cursor of SQL": {"type": "subscribe", "id": 1, "tasks": "*", "after": "' OR 1=1:1"},
    "a huge cursor": {"type": "subscribe", "id": 1, "tasks": "*", "after": "e:" + "9" * 5000},
    "a huge tail": {"type": "subscribe", "id": 1, "tasks": [new_id()], "tail": 1 << 70},
    "a negative tail": {"type": "subscribe", "id": 1, "tasks": [new_id()], "tail": -1},
    "many tasks": {"type": "subscribe", "id": 1, "tasks": [str(n) for n in range(100_000)]},
    "many types": {"type": "subscribe", "id": 1, "tasks": "*", "types": [str(n) for n in range(100_000)]},
    "a prototype": '{"__proto__":{"type":"hello"},"type":"subscribe","id":1,"tasks":"*"}',
    "a type twice": '{"type":"unsubscribe","type":"subscribe","id":1,"tasks":"*"}',
    "an offset of another producer": {"type": "handled", "offset": 1},
    "a subscriber's events": {"type": "publish", "base": 1, "first": 1, "events": []},
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_hostile_frame_is_answered_or_ends_its_own_connection(shared: Server, frame: Any) -> None:
    async def check() -> None:
        async with subscriber(shared) as peer:
            await peer.say(frame)
            await peer.say({"type": "dance", "id": 77})
            with suppress(WebSocketClosedError):
                answer = await peer.frame()
                while answer is not None and not (answer["type"] == "error" and answer.get("id") == 77):
                    answer = await peer.frame()
            assert not peer.over or peer.socket.close_code == 4500
        async with subscriber(shared) as other:
            await other.subscribe()

    asyncio.run(check())


@pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS)
def test_events_nested_100_000_deep_end_at_most_their_own_connection(shared: Server, nest: bytes) -> None:
    story = Story()
    head = json.dumps({"task": story.task, "attempt": 1, "producer": story.producer, "n": 1, "time": 1.0})
    told = head[:-1].encode() + b',"type":"log","data":' + nest + b"}"

    async def check() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.say(b'{"type":"publish","base":1,"first":1,"events":[' + told + b"]}")
            answer = await writer.frame()
            assert answer is None or answer["type"] in ("error", "ack")

    asyncio.run(check())
    assert shared.ask("").status == 200


def test_compression_is_not_taken_up_whatever_is_offered(shared: Server) -> None:
    async def check(offer: str) -> None:
        headers = {"Sec-WebSocket-Extensions": offer}
        async with wire(shared, headers=headers) as peer:
            assert peer.socket.headers is not None
            assert peer.socket.headers.get("Sec-WebSocket-Extensions") is None
            await peer.hello()

    for offer in (
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate, permessage-bzip2",
        "x-webkit-deflate-frame",
    ):
        asyncio.run(check(offer))


def test_a_compressed_frame_without_negotiation_ends_its_connection(shared: Server) -> None:
    async def check() -> int | None:
        async with subscriber(shared) as peer:
            await peer.stream.write(b"\xc1\x80\x00\x00\x00\x00")  # text, RSV1 set, masked, empty
            return await peer.closed()

    assert asyncio.run(check()) in (1002, 1006, None)


EVIL = (
    "evil\r\nSet-Cookie: evil=1\r\n\r\n<script>alert(1)</script>\n"
    'id: 9\nevent: evil\ndata: "evil"\n\n\x00\x1b]0;x\x07'
)


def test_a_name_cannot_add_a_header_or_a_field(shared: Server) -> None:
    story = Story()
    published(
        shared,
        ["queued"],
        msgspec.structs.replace(story.state("running"), n=2),
        _event(story, 3, EVIL, {"text": EVIL}),
        _event(story, 4, "log", {"stream": "stdout", "text": EVIL}),
        _event(story, 5, "state", {"state": "completed", "reason": EVIL}),
        story=_named(story, EVIL),
    )
    for path in (
        "",
        f"tasks/{story.task}",
        f"tasks/{story.task}/events",
        f"tasks?name={quote(EVIL)}",
        quote(EVIL),
    ):
        answer = shared.ask(path)
        assert "evil" not in str(answer.headers.get_all("Set-Cookie")), path
        assert all("evil" not in value for value in answer.headers.values()), path
    stream = shared.ask(f"tasks/{story.task}/events?until=end", headers={"Accept": "text/event-stream"})
    fields = [line.partition(b":")[0] for line in stream.body.split(b"\n") if line]
    assert set(fields) <= {b"id", b"event", b"data", b"retry"}
    assert [line for line in stream.body.split(b"\n") if line.startswith(b"event: ")].count(
        b"event: evil"
    ) == 0
    assert b"id: 9\n" not in stream.body


def _named(story: Story, name: str) -> Story:
    """The same story, whose first event gives the task this name."""

    class Named(Story):
        def state(self, to: str, about: str | None = None, **where: Any) -> Event:
            return super().state(to, about and name, **where)

    return Named(story.task, story.producer)


def _event(story: Story, n: int, kind: str, data: dict[str, Any]) -> Event:
    from tests.support.builders import event

    return event(n, kind, json.dumps(data).encode(), task=story.task, producer=story.producer)


@pytest.mark.parametrize(
    "client", ["a\r\n[E 2026-01-01 ServerApp] forged", "x\x1b[2Jy", "\u202edesrever", "\x00"]
)
def test_no_name_can_write_a_line_of_its_own_into_the_log(shared: Server, client: str) -> None:
    before = len(shared.log_text())

    async def check() -> None:
        async with wire(shared) as peer:
            await peer.say({"type": "hello", "versions": [1], "client": client})
            await peer.get("welcome")
            await peer.say({"type": "command", "id": 1, "task": client, "command": client, "args": {}})
            await peer.get("reply")

    asyncio.run(check())
    shared.ask(f"tasks/{quote(client, safe='')}")
    shared.ask(quote(client, safe=""))
    shared.ask("tasks", headers={"User-Agent": "tests", "Referer": "http://x/" + quote(client)})
    log = shared.log_text()[before:]
    assert "forged" in log or "forged" not in client
    assert "\n[E 2026-01-01" not in log
    assert all(line.startswith(("[", "    ")) or not line.strip() for line in log.splitlines()), log
    assert not set(log) & {"\x1b", "\u202e", "\x00", "\r"}


HOSTILE_STORIES: dict[str, Callable[[Story], list[Event]]] = {
    "a delegate that is a path": lambda s: [
        s.event("state", State(TaskState.QUEUED, producer="../../../../tmp")),
    ],
    "a delegate that is an absolute path": lambda s: [
        s.event("state", State(TaskState.QUEUED, producer="/etc")),
    ],
    "a delegate that is many": lambda s: [
        s.event("state", State(TaskState.QUEUED, producer=" ".join([new_id()] * 3))),
    ],
    "an empty kernel and another owner": lambda s: [
        s.event("state", b'{"state":"queued","about":{"name":"x","kernel":"","owner":"root","key":"../.."}}'),
    ],
    "a checkpoint that is a path": lambda s: [
        *s.start(),
        s.event("checkpoint", b'{"key":"../../../../etc/passwd","size":1}'),
    ],
    "a result that is a path": lambda s: [
        *s.start(),
        s.event("state", b'{"state":"completed","result":{"repr":"../../x","stored":true}}'),
    ],
    "a huge number": lambda s: [*s.start(), s.event("progress", Progress(10**300, 1))],
}


@pytest.mark.parametrize("tell", HOSTILE_STORIES.values(), ids=HOSTILE_STORIES)
def test_a_hostile_story_stays_a_story(shared: Server, tell: Callable[[Story], list[Event]]) -> None:
    story = Story()

    async def check() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.published(tell(story))

    asyncio.run(check())
    assert shared.task(story.task)["id"] == story.task
    assert shared.ask("").status == 200
    shared.ask(f"tasks/{story.task}", method="DELETE")
