"""`forward_to`: events to a WebSocket of somebody else's.

Where a server holds the journal, it keeps and runs the forward, which outlives this process. Where there is
none, a thread of this process sends its own events, read from its spool.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import quote

import msgspec

from ..core.ids import Cursor
from ..errors import RequestRefused, ServerUnreachable
from ..forwarding.sender import OutgoingBatch, Sender
from ..forwarding.serializers import serialize
from ..forwarding.spec import ForwardSpec, ForwardStatus, redacted_url
from ..forwarding.spec_parser import read_forward_spec
from ..producer.producer import Producer, current_producer
from ..system.ids import new_id
from ..transport.blocking_http import fetch
from ..transport.discovery import Address

log = logging.getLogger(__name__)
T = TypeVar("T")
POLL_INTERVAL = 0.05
"""Seconds between looks at what is new in the spool, and at how far the server has got."""

COMMIT_TIMEOUT = 30.0


def forward_to(
    url: str,
    *,
    task: Any = None,
    types: Iterable[str] | None = None,
    headers: dict[str, str] | None = None,
    format: str = "json",
    from_start: bool = False,
) -> Forward:
    """Send events to the WebSocket at *url*, one JSON text frame each, at least once, until `Forward.close`.

    *task*: one task only, as a handle or an id, from its first event; else everything from now on
    (*from_start*: from the oldest event there is). *types*: some event types only. *format*: ``"json"`` as
    HTTP gives events, or ``"cloudevents"``. The server keeps it, also without this kernel; the same forward
    asked for again is that one, with the *headers* given now. With no server, this process sends the events
    of its own tasks, beginning with the oldest still here, as long as it lives.

    Raises `ValueError` for an address, type or header that cannot be.
    """
    given = {"url": url, "types": None if types is None else list(types), "headers": headers or {}}
    named = getattr(task, "id", task)
    wanted = read_forward_spec({**given, "task": named, "format": format, "from_start": from_start})
    producer = current_producer()
    address = producer.locate()
    keeper = _Here(producer, wanted) if address is None else _Held(producer, address, wanted)
    return Forward(url, keeper)


class _Keeper(Protocol):
    """Who runs a forward: a server, or a thread here."""

    id: str

    def delivered(self) -> int: ...

    def wait(self, timeout: float | None) -> bool: ...

    def close(self) -> None: ...


class Forward:
    """One forward, from outside. As a context manager it is closed at the end."""

    def __init__(self, url: str, keeper: _Keeper) -> None:
        self.url = url
        self._keeper = keeper

    @property
    def id(self) -> str:
        """Its id, in ``jupyter agent forward list`` too."""
        return self._keeper.id

    @property
    def delivered(self) -> int:
        """How many events the peer has answered for, those that were sent twice counted twice."""
        return self._keeper.delivered()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything emitted so far has arrived; false after *timeout* seconds, or once closed."""
        return self._keeper.wait(timeout)

    def close(self) -> None:
        """End it for good. Again is nothing."""
        self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Forward to {redacted_url(self.url)}>"


class _Held:
    """A forward of the server's."""

    def __init__(self, producer: Producer, address: Address, wanted: ForwardSpec) -> None:
        self._producer = producer
        self._seen = 0
        body = {
            "url": wanted.url,
            "tasks": wanted.tasks,
            "types": wanted.types,
            "headers": wanted.headers,
            "format": wanted.format,
            "from_start": wanted.from_start,
        }
        self.id = self._ask("POST", "forwards", json.dumps(body).encode(), address).id

    def delivered(self) -> int:
        """As far as the server says; once it is removed, as far as was seen last."""
        self._shown()
        return self._seen

    def wait(self, timeout: float | None) -> bool:
        """It has passed the place that the journal is at once everything from here is committed."""
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        if self._producer.muted:
            return False
        while not self._producer.flush(min(COMMIT_TIMEOUT, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return False
        head, pause = None, threading.Event()
        while True:
            try:
                now = self._shown()
                if now is None:
                    return False
                place = Cursor.parse(now.cursor).offset
                head = place + now.lag if head is None else head
                if place >= head or not now.lag:
                    return True
            except ServerUnreachable as error:
                log.debug("waiting for a forward: %s", error)
            if time.monotonic() >= deadline:
                return False
            pause.wait(POLL_INTERVAL)

    def close(self) -> None:
        _unless_removed(lambda: self._request("DELETE", f"forwards/{quote(self.id)}"))

    def _shown(self) -> ForwardStatus | None:
        """As it is now; ``None`` once it was removed."""
        now = _unless_removed(lambda: self._ask("GET", f"forwards/{quote(self.id)}"))
        if now is not None:
            self._seen = now.delivered
        return now

    def _ask(
        self, method: str, path: str, body: bytes | None = None, address: Address | None = None
    ) -> ForwardStatus:
        return msgspec.json.decode(self._request(method, path, body, address), type=ForwardStatus)

    def _request(
        self, method: str, path: str, body: bytes | None = None, address: Address | None = None
    ) -> bytes:
        address = address or self._producer.locate()
        if address is None:
            raise ServerUnreachable("the server that keeps this forward is away; it goes on when it is back")
        return fetch(address, method, path, body)


def _unless_removed(ask: Callable[[], T]) -> T | None:
    """What *ask* gives; ``None`` when the server does not know the forward any more."""
    try:
        return ask()
    except RequestRefused as error:
        if error.code != "unknown_forward":
            raise
        return None


class _SpoolSource:
    """What this process emitted (see `forwarding.sender.EventSource`)."""

    def __init__(self, producer: Producer, wanted: ForwardSpec, moved: Callable[[], None]) -> None:
        self.place = 0
        self.delivered = 0
        self._producer = producer
        self._wanted = wanted
        self._moved = moved

    async def next(self, limit: int) -> OutgoingBatch:
        while True:
            batch = self._producer.spool.batch(self.place, events=limit)
            if batch is None:
                await asyncio.sleep(POLL_INTERVAL)
                continue
            if batch.base > self.place + 1:
                log.debug("events before %d went before the peer took them", batch.base)
            frames = [serialize(body, self._wanted.format) for body in batch.bodies if self._wants(body)]
            if frames:
                return OutgoingBatch(frames, batch.last)
            self._move(batch.last)

    async def acknowledge(self, batch: OutgoingBatch) -> None:
        self.delivered += len(batch.frames)
        self._move(batch.position)

    async def is_exhausted(self) -> bool:
        return False

    async def wait_for_events(self) -> None:
        """There always may be some."""

    def _move(self, place: int) -> None:
        self.place = place
        self._moved()

    def _wants(self, body: bytes) -> bool:
        head = _head.decode(body)
        tasks, types = self._wanted.tasks, self._wanted.types
        return (tasks is None or head.task in tasks) and (types is None or head.type in types)


class _Head(msgspec.Struct):
    task: str
    type: str


_head = msgspec.json.Decoder(_Head)


class _Here:
    """A forward of this process; owns its thread until `close`."""

    def __init__(self, producer: Producer, wanted: ForwardSpec) -> None:
        self.id = new_id()
        self._spool = producer.spool
        self._moved = threading.Condition()
        self._source = _SpoolSource(producer, wanted, self._notify)
        self._sender = Sender(self._source, wanted.url, wanted.headers, wanted.format)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="jupyter-agent-forward", daemon=True)
        self._thread.start()
        self._ready.wait()

    def delivered(self) -> int:
        return self._source.delivered

    def wait(self, timeout: float | None) -> bool:
        wanted = self._spool.last
        with self._moved:
            self._moved.wait_for(lambda: self._ended or self._source.place >= wanted, timeout)
            return self._source.place >= wanted

    def close(self) -> None:
        loop, main = self._loop, self._main
        if loop is not None and main is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(main.cancel)
            self._thread.join()

    def _notify(self) -> None:
        with self._moved:
            self._moved.notify_all()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._main = self._loop.create_task(self._sender.run(), name="jupyter-agent-forward")
            self._ready.set()
            self._loop.run_until_complete(asyncio.wait([self._main]))
        self._ended = True
        self._notify()
