"""A TCP proxy between real processes, that treats what passes as a `Step` says.

All on the event loop that opened it. Its port stays its own while it refuses connections: a second
socket that never listens keeps it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing, suppress
from random import Random
from urllib.parse import urlsplit

from tests.faults.schedules import Step, Way

HEALTHY = Step("pass", 0.0)
_AT_ONCE = struct.pack("ii", 1, 0)
_CHUNK = 1 << 16
BACKLOG = 100


class _Cut(Exception):
    """This connection ends here."""


class _Visit:
    """One connection through the proxy: both of its sockets."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near, self.far = near, far
        self._closed: set[Way] = set()

    def passes(self, way: Way) -> bool:
        """Whether something can still be written that way."""
        writer = self.far if way == "up" else self.near
        return way not in self._closed and not writer.transport.is_closing()

    def reset(self) -> None:
        """Both peers get an RST, and what was under way is gone."""
        for writer in (self.near, self.far):
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()

    def finish(self) -> None:
        """Both peers get a FIN, after what was written."""
        self.near.close()
        self.far.close()

    def half_close(self, way: Way) -> None:
        """One peer gets a FIN, and may go on writing."""
        if self.passes(way):
            self._closed.add(way)
            with suppress(OSError):
                (self.far if way == "up" else self.near).write_eof()


class Proxy:
    """Passes bytes on between a port of its own and *target*; `follow` and `heal` say how."""

    def __init__(self, host: str, port: int, chance: Random | None = None) -> None:
        self.target = (host, port)
        self.port = 0
        self.visits = 0
        self.refused = 0
        self.cuts = 0
        self._chance = chance or Random(0)
        self._step = HEALTHY
        self._changed = asyncio.Event()
        self._open: set[_Visit] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeper: socket.socket | None = None
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        """Start to listen."""
        self._keeper = _bound(0)
        self.port = self._keeper.getsockname()[1]
        self._listen()

    async def close(self) -> None:
        """Stop listening and end every connection. Idempotent."""
        self._refuse()
        self._set(HEALTHY)
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def follow(self, steps: Iterable[Step]) -> None:
        """Do one step after the other, each for its time; the last one lasts until `heal`."""
        for step in steps:
            await self.do(step)
            await asyncio.sleep(step.seconds)

    async def do(self, step: Step) -> None:
        """From now on, this."""
        if step.kind == "refuse":
            self._refuse()
        else:
            self._listen()
        self._set(step)
        for visit in list(self._open):
            self._strike(visit, step)

    async def heal(self) -> None:
        """From now on everything passes."""
        self._listen()
        self._set(HEALTHY)

    def cut(self) -> None:
        """Reset every connection."""
        for visit in list(self._open):
            self._end(visit, with_reset=True)

    def _set(self, step: Step) -> None:
        self._step = step
        self._changed.set()
        self._changed = asyncio.Event()

    def _strike(self, visit: _Visit, step: Step) -> None:
        if step.kind in ("rst", "fin"):
            self._end(visit, with_reset=step.kind == "rst")
        elif step.kind == "half":
            visit.half_close(step.way)

    def _end(self, visit: _Visit, *, with_reset: bool) -> None:
        if visit not in self._open:
            return
        self.cuts += 1
        self._open.remove(visit)
        if with_reset:
            visit.reset()
        else:
            visit.finish()

    def _listen(self) -> None:
        if self._listener is None and self._keeper is not None:
            self._listener = _bound(self.port)
            self._listener.setblocking(False)
            self._listener.listen(BACKLOG)
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _refuse(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        """Take a connection and give it to a task at once.

        Between asyncio's server and its callback some turns of the loop pass: nobody could close it then.
        """
        with suppress(BlockingIOError, ConnectionAbortedError):
            near, _ = listener.accept()
            near.setblocking(False)
            self.visits += 1
            task = asyncio.create_task(self._visit(near))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _visit(self, accepted: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=accepted)
        with closing(writer):
            try:
                far_reader, far_writer = await asyncio.open_connection(*self.target)
            except OSError:
                self.refused += 1
                return
            with closing(far_writer):
                await self._pass_on(_Visit(writer, far_writer), reader, far_reader)

    async def _pass_on(self, visit: _Visit, near: asyncio.StreamReader, far: asyncio.StreamReader) -> None:
        if self._listener is None:  # closed while this connection was being made
            self.refused += 1
            visit.reset()
            return
        self._open.add(visit)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._carry("up", visit, near, visit.far))
            both.create_task(self._carry("down", visit, far, visit.near))
        self._open.discard(visit)

    async def _carry(
        self, way: Way, visit: _Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await self._deliver(way, data, visit, writer)
            visit.half_close(way)
        except OSError:
            self._end(visit, with_reset=True)
        except _Cut:
            self._end(visit, with_reset=self._chance.random() < 0.5)

    async def _deliver(self, way: Way, data: bytes, visit: _Visit, writer: asyncio.StreamWriter) -> None:
        while data and visit.passes(way):
            step = self._step if self._step.hits(way) else HEALTHY
            if step.kind == "stall":
                await self._changed.wait()
                continue
            piece = data[: self._most(step, len(data))]
            writer.write(piece)
            await writer.drain()
            data = data[len(piece) :]
            if step.kind == "torn":
                raise _Cut
            if step.kind in ("slow", "split"):
                await self._pause(len(piece) / (step.size << 10) if step.kind == "slow" else 0.0)

    def _most(self, step: Step, size: int) -> int:
        """How many of *size* bytes pass in one go."""
        match step.kind:
            case "torn":
                return self._chance.randrange(size)
            case "slow":
                return min(size, 256)
            case "split":
                return self._chance.randint(1, step.size)
            case _:
                return size

    async def _pause(self, seconds: float) -> None:
        """So long, or until something else happens to the line."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()


def _bound(port: int) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", port))
    return one


@asynccontextmanager
async def proxy(url: str, chance: Random | None = None) -> AsyncIterator[Proxy]:
    """A proxy in front of the server at *url*."""
    parts = urlsplit(url)
    one = Proxy(str(parts.hostname), int(parts.port or 0), chance)
    await one.start()
    try:
        yield one
    finally:
        await one.close()
