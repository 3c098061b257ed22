"""A server without a network: the real handler, writer, feed, registry and liveness over model wires."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Collection, Mapping
from contextlib import suppress
from typing import Any, Literal

import msgspec

from jupyter_agent.core.ids import Cursor
from jupyter_agent.errors import JournalError
from jupyter_agent.journal.base import Journal
from jupyter_agent.journal.operations.retention import Retention
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.protocol.actions import CloseWith, encode
from jupyter_agent.protocol.messages import Ack, Bye, Close, Events, Publish, Subscribe
from jupyter_agent.server.background.activity import Activity
from jupyter_agent.server.background.forwards import Forwards
from jupyter_agent.server.background.liveness import Liveness
from jupyter_agent.server.background.scheduler import Scheduler
from jupyter_agent.server.background.upkeep import Upkeep
from jupyter_agent.server.background.worker_supervisor import WorkerSupervisor
from jupyter_agent.server.delivery.connections import Registry
from jupyter_agent.server.delivery.feed import Feed
from jupyter_agent.server.delivery.metric_curves import CurveReader
from jupyter_agent.server.handlers.websocket import AgentSocket
from jupyter_agent.server.limits import Timing
from jupyter_agent.server.resources import ResourceSampler
from jupyter_agent.server.services import Services
from jupyter_agent.server.sessions.producer import ProducerSession
from jupyter_agent.server.sessions.subscriber import SubscriberSession

from .bugs import Bug
from .holding import HandHolder, Home, ModelSlot, paths_of
from .loop import HandLoop
from .wires import Closing, Wire

log = logging.getLogger("jupyter_agent.model")
log.setLevel(logging.CRITICAL)
HEARTBEAT = 25.0
LEASE = 900.0
KEPT_DAYS = 1.0


class ModelSocket(AgentSocket):
    """The real socket handler; only what Tornado and Jupyter would do is replaced."""

    def __init__(self, server: ModelServer, wire: Wire) -> None:
        self.server = server
        self.wire = wire
        wire.socket = self
        self.busy: asyncio.Task[None] | None = None
        self._gone = False
        self.initialize(lambda: server.services)

    @property
    def log(self) -> logging.Logger:
        return log

    @property
    def user_name(self) -> str:
        return "ada"

    @property
    def close_code(self) -> int | None:  # type: ignore[override]
        return None

    def open(self, *_: str, **__: str) -> None:
        self._services = self.services
        super().open()
        assert self._connection is not None
        self._connection.session_types = SESSIONS.get(self.server.home.bug, self._connection.session_types)

    def set_nodelay(self, value: bool) -> None:
        """Nothing is ever delayed here."""

    async def is_allowed(self, action: str) -> bool:
        return True

    async def why_revoked(self, actions: Collection[str]) -> tuple[Close, str] | None:
        return None

    async def check_alive(self) -> CloseWith | None:
        return None

    def put(self, frame: bytes) -> Awaitable[None] | None:
        return self.wire.write(text_of(frame))

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Tornado writes a close frame behind what was written and calls `on_close`."""
        if self.wire.server_open:
            if self.wire.client_open:
                self.wire.down.append(Closing(code or Close.NORMAL))
            self.hang_up()

    def hang_up(self) -> None:
        """The connection is gone for the server."""
        self.wire.cut_server()
        if not self._gone:
            self._gone = True
            self.on_close()

    def take(self) -> bool:
        """The next frame, unless the last one is still being answered; as Tornado's reading loop."""
        if not self.wire.up or not self.wire.server_open or (self.busy and not self.busy.done()):
            return False
        frame = self.wire.up.popleft().decode()
        self.busy = self.server.loop.spawn(self.on_message(frame))
        self.server.loop.settle()
        return True


class NoKernels:
    """The kernels of a server that has none."""

    def __contains__(self, kernel_id: str, /) -> bool:
        return False

    def get_kernel(self, kernel_id: str) -> Any:
        raise KeyError(kernel_id)


class ModelServer:
    """One Jupyter server's part, from its start to `stop` or `kill`."""

    def __init__(self, home: Home, slot: ModelSlot, loop: HandLoop) -> None:
        self.home, self.slot, self.loop = home, slot, loop
        slot.holder = self
        self.feed = _AheadFeed() if home.bug is Bug.SNAPSHOT_AHEAD else Feed()
        self.holder = HandHolder(slot, home, self.feed.on_commit, self.feed.replaced)
        self.feed.attach(self.holder)
        self.feed.start(loop, slot.journal.head)
        self.registry = Registry(log)
        self.liveness = Liveness(
            self.feed,
            self.registry,
            paths_of(home),
            lease=LEASE,
            log=log,
            clock=loop.time,
            monotonic=loop.time,
        )
        self.upkeep = Upkeep(
            self.feed, paths_of(home), Retention(KEPT_DAYS), log, clock=loop.time, uptime=loop.time
        )
        self.services = Services(
            feed=self.feed,
            curves=CurveReader(self.feed),
            registry=self.registry,
            liveness=self.liveness,
            supervisor=WorkerSupervisor(self.feed, paths_of(home), log, clock=loop.time),
            forwards=Forwards(self.feed),
            scheduler=Scheduler(
                self.feed,
                paths_of(home),
                log,
                recover=self.liveness.check,
                launch=lambda: None,
                clock=loop.time,
            ),
            activity=Activity(
                self.feed,
                {},
                NoKernels(),
                paths_of(home),
                keep_alive=0.0,
                timeouts=list,
                log=log,
                clock=loop.time,
            ),
            paths=paths_of(home),
            key="",
            owner="ada",
            timing=Timing(heartbeat=HEARTBEAT),
            resources=ResourceSampler(paths_of(home)),
            clock=loop.time,
        )
        self.sockets: list[ModelSocket] = []
        self.looking: asyncio.Task[None] | None = None
        self._tend_at = 0.0
        self.is_up = True

    def connect(self, client: Any) -> Wire:
        """A client opens a socket."""
        wire = Wire(client)
        socket = SOCKETS.get(self.home.bug, ModelSocket)(self, wire)
        self.sockets.append(socket)
        self.loop.call_soon(socket.open)
        self.loop.settle()
        return wire

    def look(self) -> None:
        """Begin one look of liveness, unless one is under way."""
        if self.looking is None or self.looking.done():
            self.looking = self.loop.spawn(self._check())
            self.loop.settle()

    async def _check(self) -> None:
        """As `PeriodicService` does, but a bug is not caught."""
        with suppress(JournalError, OSError):
            await self.liveness.check()
            await self._tend()

    async def _tend(self) -> None:
        if self.loop.time() >= self._tend_at:
            self._tend_at = self.loop.time() + await self.upkeep.tick()

    def delete(self, task_id: str) -> None:
        """Delete an ended task, as the handler of DELETE does."""

        def job(session: JournalSession) -> None:
            task = session.journal.task(task_id)
            if task is not None and task.state.ended:
                session.journal.forget([task_id])

        self.holder.call(job)

    def work(self) -> bool:
        """One turn of the journal's thread, without the loop."""
        return self.is_up and self.holder.work()

    def sweep(self) -> None:
        """Drop closed sockets."""
        self.sockets = [socket for socket in self.sockets if not socket.wire.is_over]

    def kill(self) -> None:
        """It is gone from one moment to the next, with everything that was not committed."""
        self.is_up = False
        self.slot.holder = None
        if self.looking is not None:
            self.looking.cancel()
        for socket in self.sockets:
            if socket.busy is not None:
                socket.busy.cancel()
            socket.hang_up()
        self.holder._queue._items.clear()
        self.loop.settle()

    def stop(self) -> None:
        """As `stop_extension`: goodbye, commit what was put, close; `kill` is what remains."""
        for connection in self.registry.all():
            connection.writer.post(encode(Bye(True, 500)))
            connection.writer.post(CloseWith(Close.RESTART, "the server goes away"))
        self.loop.settle()
        self.holder.close()


class _LiveGap(SubscriberSession):
    async def _subscribe(self, request: Subscribe) -> None:
        await super()._subscribe(request)
        reader = self._writer.readers.get(request.id)
        if reader is not None:
            reader.position = self._services.feed.head


class _EarlyAck(ProducerSession):
    async def _publish(self, request: Publish, size: int) -> None:
        if request.events:
            self._writer.post(encode(Ack(request.events[-1].n)))
        await super()._publish(request, size)


class _OffByOne(SubscriberSession):
    async def _subscribe(self, request: Subscribe) -> None:
        await super()._subscribe(request)
        reader = self._writer.readers.get(request.id)
        if reader is not None and request.after is not None:
            reader.position += 1


class _FrameRepeated(ModelSocket):
    def put(self, frame: bytes) -> Awaitable[None] | None:
        left = super().put(frame)
        text = text_of(frame)
        if left is not None and text.startswith(b'{"type":"events"'):
            head = json.loads(text)
            self.wire.write(
                encode(Events(head["id"], head["cursor"], head["cursor"], [])).replace(
                    b'"events":[]', text[text.index(b'"events":') : -1]
                )
            )
        return left


class _DeafToRetention(SubscriberSession):
    async def _subscribe(self, request: Subscribe) -> None:
        if request.after is not None:
            epoch, offset = self._services.feed.epoch, Cursor.parse(request.after).offset
            request = msgspec.structs.replace(request, after=f"{epoch}:{offset}")
        await super()._subscribe(request)


SOCKETS: dict[Bug | None, type[ModelSocket]] = {Bug.FRAME_REPEATED: _FrameRepeated}
SESSIONS: dict[Bug | None, Mapping[Literal["subscriber", "producer"], type[SubscriberSession]]] = {
    Bug.LIVE_GAP: {"subscriber": _LiveGap, "producer": ProducerSession},
    Bug.EARLY_ACK: {"subscriber": SubscriberSession, "producer": _EarlyAck},
    Bug.OFF_BY_ONE: {"subscriber": _OffByOne, "producer": ProducerSession},
    Bug.DEAF_TO_RETENTION: {"subscriber": _DeafToRetention, "producer": ProducerSession},
}


class _AheadFeed(Feed):
    """Takes the cursor first, and the snapshots some time later."""

    async def call(self, job: Any) -> Any:
        if "._resumed." not in getattr(job, "__qualname__", ""):
            return await super().call(job)
        head = self.head
        return await super().call(lambda session: job(_AheadSession(session, head)))


class _AheadSession:
    def __init__(self, session: JournalSession, head: int) -> None:
        self.journal = _AheadJournal(session.journal, head)


class _AheadJournal:
    def __init__(self, journal: Journal, head: int) -> None:
        self._journal, self.head = journal, head

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


def text_of(frame: bytes) -> bytes:
    """The text of one unmasked WebSocket frame."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]
