"""Targets: any WebSocket frames and HTTP requests to a real server, which must stay healthy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import psutil

from jupyter_agent.core.events import About, Event, Log, State, TaskState, encode_data
from jupyter_agent.protocol.messages import Close, FromClient, FromServer
from jupyter_agent.system.ids import new_id
from tests.support.raw_websocket import BINARY, CLOSE, PING, PONG, TEXT, Frame, Raw, closing, frame
from tests.support.servers import Server, loud, servers

from .dice import Dice
from .grammar import CURSORS, INTS, PRODUCERS, TASKS, TEXTS, anything, encoded, event, message
from .harness import Feed, expect
from .mutate import TOKENS, damaged

GROWTH = 200 << 20
"""Bytes that a server may grow by while it is fed: what is at hand for readers is 16 MiB, messages 8 MiB."""

EACH = 250
"""Inputs after which the server is asked whether it is well."""

CODES = {
    "bad_message", "unknown_type", "not_a_producer", "bad_request", "bad_cursor", "unknown_task", "not_now",
    "foreign_task", "not_stored", "unavailable",
}  # fmt: skip
_CLOSES = {*map(int, Close), 1002, 1003, 1005, 1007}
_REFUSED = re.compile(
    r"\[W .* ServerApp\] (4\d\d |Couldn't authenticate WebSocket|Blocking (Cross Origin API )?request )"
)
"""Jupyter's own lines for what it refuses."""

_ELSEWHERE = re.compile(
    r"\[E [^\n]*Uncaught exception in write_error\n(?: [^\n]*\n|\n)*? [^\n]*`Template404\.[^\n]*\n"
)
"""Jupyter's own answer for an unknown address with an unknown method."""

_from_server = msgspec.json.Decoder(FromServer)


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    """A server with a story in its journal, that must be well at the end."""
    with servers(folder / "server") as factory:
        server = factory.start()
        checked = Health(server)
        yield server
        checked()


class Health:
    """A check that an honest client is served, the log is silent and memory does not grow."""

    def __init__(self, server: Server) -> None:
        self._server = server
        honest(server)
        self._bytes = self._memory()
        self._log = len(server.log_text())

    def __call__(self) -> None:
        expect(self._server.process.poll() is None, "the server is gone")
        honest(self._server)
        grown = self._memory() - self._bytes
        expect(grown < GROWTH, f"the server has grown by {grown >> 20} MiB")
        log = self._server.log_text()
        new, self._log = _ELSEWHERE.sub("", log[self._log :]), len(log)
        lines = [line for line in loud(new) if not _REFUSED.search(line)]
        expect(not lines, f"the server's log says {lines[:5]}")

    def _memory(self) -> int:
        return int(psutil.Process(self._server.pid).memory_info().rss)


def honest(server: Server) -> None:
    """A new producer publishes, a new subscriber sees it, and ``health`` is ok."""
    task, producer = new_id(), new_id()
    with Raw(server) as reader, Raw(server) as writer:
        for peer, hello in (
            (reader, {}),
            (writer, {"role": "producer", "producer": producer, "host": "elsewhere"}),
        ):
            expect(peer.handshake().status == 101, "an honest client is not let in")
            peer.send(frame(TEXT, encoded({"type": "hello", "versions": [1], **hello})))
            _until(peer, "welcome")
        reader.send(frame(TEXT, encoded({"type": "subscribe", "id": 1, "tasks": [task]})))
        _until(reader, "subscribed")
        state = Event(
            task, 1, producer, 1, 1.0, "state", encode_data(State(TaskState.QUEUED, about=About("honest")))
        )
        log = Event(task, 1, producer, 2, 2.0, "log", encode_data(Log("stdout", "x")))
        events = msgspec.json.encode([state, log])
        writer.send(frame(TEXT, b'{"type":"publish","base":1,"first":1,"events":%s}' % events))
        expect(_until(writer, "ack")["upto"] == 2, "an honest producer is not acknowledged")
        expect(_until(reader, "events")["events"], "an honest reader sees nothing")
    answer = server.ask("health")
    expect(answer.status == 200 and answer.json["status"] == "ok", f"health says {answer.body!r}")


def _until(peer: Raw, kind: str) -> Any:
    while (one := peer.frame()) is not None:
        if one.opcode == TEXT and (said := json.loads(one.payload))["type"] == kind:
            return said
        expect(one.opcode != CLOSE, f"closed with {one.code} before a {kind} came")
    return expect(False, f"hung up before a {kind} came")


@contextmanager
def sockets(folder: Path) -> Iterator[Feed]:
    """One frame after the other; each is through when the ping behind it is answered, or the end came."""
    with started(folder) as server:
        health = Health(server)
        peer: Raw | None = None
        count = 0

        def feed(dice: Dice) -> None:
            nonlocal peer, count
            count += 1
            if peer is None or dice.chance(0.05):
                if peer is not None:
                    peer.socket.close()
                peer = _opened(dice, server)
            sent = _frame(dice)
            peer.send(sent + frame(PING, b"%d" % count))
            if not _drained(peer, b"%d" % count, echoed=sent[:1] == b"\x88"):
                peer.socket.close()
                peer = None
            if count % EACH == 0:
                health()

        yield feed
        if peer is not None:
            peer.socket.close()


def _opened(dice: Dice, server: Server) -> Raw:
    peer = Raw(server)
    expect(peer.handshake().status == 101, "a client is not let in")
    if dice.chance(0.85):
        role = dice.pick(("subscriber", "producer"))
        hello = {
            "type": "hello",
            "versions": [1],
            "role": role,
            "producer": dice.pick((*PRODUCERS, new_id())),
        }
        peer.send(frame(TEXT, encoded(hello | {"host": "elsewhere"})))
    return peer


def _frame(dice: Dice) -> bytes:
    kind = dice.random.random()
    said = message(dice, FromClient)
    if kind < 0.55:
        return frame(TEXT, dice.feed(said))
    if kind < 0.75:
        return frame(TEXT, dice.feed(damaged(dice, said).decode("utf-8", "replace")))
    if kind < 0.80:
        return frame(TEXT, dice.feed(damaged(dice, said)))
    if kind < 0.85:
        return frame(TEXT, dice.feed(dice.pick(TOKENS)))
    if kind < 0.88:
        return frame(BINARY, dice.feed(said))
    if kind < 0.90:
        return dice.feed(closing(dice.pick((0, 999, 1000, 1001, 1005, 1006, 1016, 2999, 4000, 5000, 65535))))
    if kind < 0.95:
        half = len(said) // 2
        return dice.feed(frame(TEXT, said[:half], fin=False) + frame(0, said[half:]))
    return dice.feed(
        damaged(dice, frame(dice.upto(15), said[:200], fin=dice.chance(0.8), rsv=dice.upto(7)), 2)
    )


def _drained(peer: Raw, mark: bytes, *, echoed: bool) -> bool:
    """Read up to the answer to our ping; false when the connection ended instead. *echoed*: we sent a
    close frame, whose code is echoed, any code."""
    while True:
        try:
            one = peer.frame()
        except TimeoutError:
            return False  # a damaged length: the server waits for what never comes
        if one is None:
            return False
        if one.opcode == PONG and one.payload == mark:
            return True
        _right(one, echoed=echoed)
        if one.opcode == CLOSE:
            return False


def _right(one: Frame, *, echoed: bool) -> None:
    expect(not one.masked and one.rsv == 0, "the server masks, or sets reserved bits")
    if one.opcode == CLOSE and not echoed:
        expect(one.code is None or one.code in _CLOSES, f"closed with {one.code}")
    if one.opcode == TEXT:
        said = _from_server.decode(one.payload)
        code = getattr(said, "code", None)
        expect(code is None or code in CODES, f"error {code!r}")


METHODS = (
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "POST",
    "DELETE",
    "PUT",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "FOO",
    "get",
)
PATHS = (
    "", "health", "tasks", "tasks/{}", "tasks/{}/events", "tasks/{}/events", "tasks/{}/commands",
    "static/page.js", "static/{}", "static", "targets", "triggers",
    "tasks/{}/x", "schedules", "schedules/{}", "ws", "tasks/", "//", "{}", "../api/status",
)  # fmt: skip
KEYS = (
    "notebook",
    "cells",
    "task",
    "state",
    "name",
    "limit",
    "before",
    "after",
    "types",
    "until",
    "token",
    "tail",
    "",
)
NUMBERS = (
    "0",
    "1",
    "10",
    "1000",
    "10001",
    "-1",
    "1.5",
    "0x1",
    "٣",
    "0000000001" + "9" * 30,
    "9" * 5000,
    "0" * 5000,
)
ACCEPTS = (
    "*/*",
    "text/event-stream",
    "text/html",
    "text/html,application/xhtml+xml,*/*;q=0.8",
    "text/html;q=1e9,;;q",
    "application/json",
    "",
    "x" * 3000,
    "text/event-stream;q=0",
)


@contextmanager
def requests(folder: Path) -> Iterator[Feed]:
    """One HTTP request: never a 5xx, problem details for what is ours, an answer in time."""
    with started(folder) as server:
        health = Health(server)
        ids = [task["id"] for task in server.ask("tasks").json["tasks"]]
        count = 0

        def feed(dice: Dice) -> None:
            nonlocal count
            count += 1
            _ask(dice, server, [*ids, *TASKS])
            if count % EACH == 0:
                health()

        yield feed


def _ask(dice: Dice, server: Server, ids: list[str]) -> None:
    with Raw(server) as peer:
        method = dice.pick(METHODS)
        target = peer.path + "jupyter-agent/" + dice.pick(PATHS).format(_id(dice, ids)) + _query(dice, server)
        body = _body(dice) if method not in ("GET", "HEAD") or dice.chance(0.1) else b""
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *_headers(dice, server, peer, len(body)), "", ""])
        raw = head.encode("utf-8", "surrogatepass") + body
        broken = dice.chance(0.15)
        peer.send(dice.feed(damaged(dice, raw, 3) if broken else raw))
        _answered(peer, method, "text/event-stream" in head, broken)


def _id(dice: Dice, ids: list[str]) -> str:
    text = dice.pick((*ids, *ids, *TEXTS, "%00", "%ff%fe", "%2e%2e", "%2F", "%"))
    return text if dice.chance(0.2) and text.isprintable() and " " not in text else quote(text, safe="%")


def _query(dice: Dice, server: Server) -> str:
    some = []
    for _ in range(dice.upto(3)):
        pool = (*NUMBERS, *CURSORS, *TEXTS, *map(str, INTS), "running", "log,state", "end", server.token)
        some.append(
            f"{dice.pick(KEYS)}={quote(dice.pick(pool))}"
            if dice.chance(0.9)
            else dice.pick(("&", "%ff=%ff", "="))
        )
    return "?" + "&".join(some) if some else ""


def _headers(dice: Dice, server: Server, peer: Raw, size: int) -> list[str]:
    some = [f"Host: {peer.host}", "Connection: close"]
    if dice.chance(0.9):
        some.append(f"Authorization: token {server.token}")
    if size or dice.chance(0.1):
        some.append(f"Content-Length: {size}")
    optional = {
        "Accept": ACCEPTS,
        "Content-Type": (
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "x",
            "",
        ),
        "Last-Event-ID": CURSORS,
        "Origin": ("null", "http://evil.example", f"http://{peer.host}", "é"),
        "Jupyter-Agent-Key": ("x", "é", "", "\U0001f600"),
        "If-None-Match": ("*", '"x"'),
        "Range": ("bytes=0-1", "bytes=9-1", "x"),
        "Cookie": ("_xsrf=1", "a=b; c", "username-127-0-0-1=x", "é=\x01"),
        "Upgrade": ("websocket",),
        "Content-Encoding": ("gzip", "x"),
        "Expect": ("100-continue",),
        "X-Forwarded-For": ("x", "127.0.0.1"),
    }
    for name, values in optional.items():
        if dice.chance(0.25 if name in ("Accept", "Content-Type") else 0.07):
            some.append(f"{name}: {dice.pick(values)}")
    return some


def _body(dice: Dice) -> bytes:
    command = {
        "command": dice.pick(("cancel", "input", "retry", "dance")),
        "args": {"text": dice.pick(TEXTS)},
    }
    if dice.chance(0.3):
        command[dice.pick(("command", "args", "attempt", "x"))] = anything(dice)
    raw = dice.pick(
        (encoded(command), encoded(command), encoded(event(dice)), encoded(anything(dice)), dice.pick(TOKENS))
    )
    return damaged(dice, raw) if dice.chance(0.3) else raw


def _answered(peer: Raw, method: str, streaming: bool, broken: bool) -> None:
    peer.socket.settimeout(0.3 if broken else 10.0)
    try:
        response = peer.response()
    except TimeoutError:
        expect(broken, "no answer in ten seconds")
        return  # it waits for the rest of a request that has no rest
    except ValueError:
        expect(broken, "the answer is no HTTP")
        return
    if response.status == 100:
        if broken:
            return
        response = peer.response()
    expect(response.status < 500, f"answered {response.status}")
    if response.status == 0:
        expect(broken, "hung up without an answer")
    elif response.status == 101 or (streaming and response.status == 200):
        return
    elif response.status >= 400 and not broken:
        _problem(peer, method, response.headers, response.status)


def _problem(peer: Raw, method: str, headers: dict[str, str], status: int) -> None:
    content = peer.rest()
    expect(b"Traceback" not in content, "a traceback is shown")
    if headers.get("content-type") == "application/problem+json" and method != "HEAD" and content:
        expect(json.loads(content)["status"] == status, f"the problem is another one: {content[:200]!r}")
