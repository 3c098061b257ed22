"""The WebSocket door: glue between Tornado, the sans-IO protocol and the pump."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ...core.events import State, TaskState, decode_event
from ...core.ids import Cursor
from ...errors import AgentError, BadCursor, JournalError, NotNow, RequestRefused, UnknownTask
from ...journal.base import AppendResult, Batch, HolderEvent, PendingCommand
from ...journal.session import JournalSession
from ...protocol.actions import CloseWith, Send, encode
from ...protocol.messages import (
    SUBPROTOCOL,
    VERSION,
    Ack,
    Close,
    CommandRequest,
    ErrorMessage,
    FromClient,
    Handled,
    Hello,
    Nack,
    Publish,
    Reply,
    Subscribe,
    Unsubscribe,
    Welcome,
)
from ...protocol.server import ServerSide
from .. import commands
from .. import prompts as questions
from ..auth import AuthMixin
from ..delivery.connections import Connection
from ..delivery.feed import SubscriptionFilter
from ..delivery.keepalive import Keepalive
from ..delivery.resume import resume, tail_messages
from ..delivery.writer import ConnectionWriter, Reader
from ..limits import MAX_EVENT, MAX_MESSAGE, WINDOW
from ..services import Services
from .base import write_problem

MAX_NAMED_TASKS = 1000
MAX_SUBSCRIPTIONS = 1000
_ERROR_CODES = {UnknownTask: "unknown_task", NotNow: "not_now", BadCursor: "bad_cursor"}


class AgentSocket(AuthMixin, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """One connection. Rights are checked before the upgrade, on each command and each heartbeat."""

    SUPPORTED_METHODS = ("GET",)  # `put` is the pump's word here, and no method of HTTP
    ping_interval = 0  # `check_alive` does it: Tornado's way costs a task for each connection
    # Tornado resets the socket beyond this, without a word; up to there the peer is told why.
    max_message_size = 2 * MAX_MESSAGE

    def initialize(self, services: Services) -> None:
        self.services = services
        self._side = ServerSide()
        self._opened = False
        self._connection: Connection | None = None
        self._large = False
        self._publishing = 0
        self._published: asyncio.Event | None = None

    def set_default_headers(self) -> None:
        """None of Jupyter's: an upgrade has no body."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """As at the other doors; Jupyter's page of an error needs a user, who may not be known yet."""
        write_problem(self, status_code, **kwargs)

    def get_compression_options(self) -> None:
        """Off: its buffers cost more than ten times what a connection costs without."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def check_origin(self, origin: str | None = None) -> bool:
        """As Jupyter does, but a cookie without any Origin does not come from a browser of ours."""
        if not self.request.headers.get("Origin") and not self.token_authenticated:
            return False
        return bool(super().check_origin(origin))

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        if not await self.is_allowed("read"):
            raise HTTPError(403, "this user may not read tasks")
        if not self.check_origin():
            raise HTTPError(403, "this origin may not connect")
        await super().get(*args, **kwargs)

    def open(self, *_: str, **__: str) -> None:
        self._opened = True
        self.set_nodelay(True)  # a peer that only listens acks late, and small frames would wait for that
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._pulse = Keepalive(loop.time())
        timing = self.services.timing
        self._pump = ConnectionWriter(self.services.feed, self, self.services.clock, timing.heartbeat)
        self._pumping = loop.create_task(self._pump.run(), name="jupyter-agent-pump")
        self._pumping.add_done_callback(self._pump_ended)
        self._hello_timer = loop.call_later(timing.hello, self._no_hello)

    def on_pong(self, _: bytes) -> None:
        self._pulse.heard(self._loop.time())

    async def on_message(self, message: str | bytes) -> None:
        self._pulse.heard(self._loop.time())
        if len(message) > MAX_MESSAGE:
            self._pump.post(self._side.close(Close.TOO_BIG, f"a message may have {MAX_MESSAGE:,} bytes"))
            return
        self._large = len(message) > MAX_EVENT
        frame = message if isinstance(message, str) else "(binary)"
        for request in self._side.receive(frame):
            if isinstance(request, Send):
                self._pump.post(request.frame)
            elif isinstance(request, CloseWith):
                self._pump.post(request)
            else:
                await self._answer(request)
        await self._pump.drain()

    def on_close(self) -> None:
        if not self._opened:  # the peer left while its rights were being looked at
            return
        self._hello_timer.cancel()
        self._pumping.cancel()
        self._side.close(Close.NORMAL, "closed")
        self._has_published()
        if self._connection is not None:
            self.services.registry.remove(self._connection, self.close_code)
            if self._connection.producer is not None:
                self.services.liveness.check_soon()

    def put(self, frame: bytes) -> Awaitable[None] | None:
        """See `writer.Socket`. While Tornado has nothing of ours to write, the socket is asked first."""
        connection = self.ws_connection
        stream = None if connection is None or connection.is_closing() else connection.stream
        if stream is None or stream.closed():
            raise ConnectionError("the peer is gone")
        left = _offer(stream, frame) if type(stream) is IOStream and not stream.writing() else frame
        return _written(stream.write(left)) if left else None

    def close_with(self, code: int, reason: str) -> None:
        self.close(code, reason)

    async def check_alive(self) -> CloseWith | None:
        due = self._pulse.next_action(self._loop.time())
        if due == "gone":
            return self._side.close(Close.TOO_SLOW, "no answer to a ping")
        if due == "ping":
            with suppress(WebSocketClosedError):  # the pump finds that out with its next frame
                self.ping()
        return await self.still_allowed()

    async def still_allowed(self) -> CloseWith | None:
        """Whether this user may still be here; if not, how to say so."""
        if not await self.still_logged_in():
            return self._side.close(Close.UNAUTHENTICATED, "the login has ended")
        for action in ("read", "write") if self._side.role == "producer" else ("read",):
            if not await self.is_allowed(action):
                return self._side.close(Close.FORBIDDEN, f"this user may no longer {action} tasks")
        return None

    def _pump_ended(self, pumping: asyncio.Task[None]) -> None:
        """Without its writer a connection is nothing; one that failed is a fault of ours, and said."""
        error = None if pumping.cancelled() else pumping.exception()
        if error is not None:
            self.log.error("a connection's writer failed", exc_info=error)
        self.close()

    def _no_hello(self) -> None:
        close = self._side.no_hello()
        if close is not None:
            self._pump.post(close)

    async def _answer(self, request: FromClient) -> None:
        """Carry a request out; what cannot be served is answered, and the connection stays open."""
        if isinstance(request, Subscribe | CommandRequest) and (close := await self.still_allowed()):
            self._pump.readers.clear()  # nothing more is delivered
            self._pump.post(close)
            return
        try:
            match request:
                case Hello():
                    await self._hello(request)
                case Subscribe():
                    await self._subscribe(request)
                case Unsubscribe(ident):
                    self._pump.unsubscribe(ident)
                case CommandRequest():
                    await self._command(request)
                case Publish():
                    await self._publish(request)
                case Handled(offset):
                    await self._handled(offset)
        except AgentError as error:
            code = _ERROR_CODES.get(type(error), "unavailable")
            temporary = isinstance(error, JournalError)
            self._error(code, str(error), temporary, getattr(request, "id", None))

    def _error(self, code: str, message: str, temporary: bool, ident: int | None = None) -> None:
        self._pump.post(encode(ErrorMessage(code, message, temporary, ident)))

    async def _hello(self, hello: Hello) -> None:
        self._hello_timer.cancel()
        if hello.role == "producer" and not await self.is_allowed("write"):
            self._pump.post(self._side.close(Close.FORBIDDEN, "this user may not publish tasks"))
            return
        services = self.services
        producer = hello.producer if hello.role == "producer" else None
        self._connection = Connection(
            secrets.token_hex(8), self.user_name, hello.role, hello.client, self._pump, producer, hello.host
        )
        services.registry.add(self._connection)
        cursor = services.feed.cursor()
        welcome = Welcome(
            VERSION,
            self._connection.id,
            self.user_name,
            cursor,
            services.clock(),
            services.timing.heartbeat,
            services.limits,
        )
        self._pump.post(encode(welcome))
        if producer is not None:
            pending: list[PendingCommand] = []
            try:
                pending = await services.feed.call(lambda session: _back(session, producer))
            finally:
                commands.flush_backlog(self._connection, pending)

    async def _subscribe(self, request: Subscribe) -> None:
        if len(request.tasks) > MAX_NAMED_TASKS or len(self._pump.readers) >= MAX_SUBSCRIPTIONS:
            sentence = (
                f'at most {MAX_NAMED_TASKS} tasks by name and {MAX_SUBSCRIPTIONS} subscriptions; use "*"'
            )
            self._error("bad_request", sentence, False, request.id)
            return
        interest = SubscriptionFilter(
            None if request.tasks == "*" else frozenset(request.tasks),
            None if request.types is None else frozenset(request.types),
        )
        answer, tail, head = await self.services.feed.call(lambda session: resume(session, request, interest))
        self.services.shown(answer.tasks or [])
        if self._side.state == "closed":
            return
        self._pump.post(encode(answer))
        for frame in tail_messages(request.id, Cursor.parse(answer.cursor), tail, head):
            self._pump.post(frame)
        self._pump.subscribe(Reader(request.id, interest, str(head), head.offset, head.epoch))

    async def _command(self, request: CommandRequest) -> None:
        if not await self.is_allowed("write"):
            self._pump.post(encode(Reply(request.id, False, "forbidden", "this user may not command tasks")))
            return
        wanted = commands.CommandRequest(
            request.task, request.command, self.user_name, request.attempt, request.args
        )
        try:
            await commands.submit_command(self.services, wanted)
        except RequestRefused as error:
            self._pump.post(encode(Reply(request.id, False, error.code, str(error))))
        except (UnknownTask, NotNow) as error:
            self._pump.post(encode(Reply(request.id, False, _ERROR_CODES[type(error)], str(error))))
        else:
            self._pump.post(encode(Reply(request.id, True)))

    async def _handled(self, offset: int) -> None:
        """A producer has carried a command out: one of its own, not another's that waits."""
        producer = self._connection.producer if self._connection else None

        def job(session: JournalSession) -> None:
            if producer and any(waiting.offset == offset for waiting in session.journal.pending(producer)):
                session.journal.handled(offset)

        await self.services.feed.call(job)

    async def _publish(self, request: Publish) -> None:
        connection = self._connection
        producer = connection.producer if connection else None
        if connection is None or producer is None:
            return
        if not request.events or request.events[0].n != request.first:
            self._error("bad_message", "publish needs events, the first of them numbered `first`", False)
            return
        if self._large and any(len(encode(event)) > MAX_EVENT for event in request.events):
            self._error("bad_message", f"an event may have {MAX_EVENT:,} bytes; nothing was stored", False)
            return
        if any(event.producer != producer for event in request.events):
            self._error("foreign_task", "these events name another producer; nothing was stored", False)
            return
        self._publishing += 1
        batch = Batch(producer, request.base, request.events, host=connection.host)
        future = self.services.feed.holder.append(batch)
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._acknowledge, done))
        while self._publishing >= 2 * WINDOW and self._side.state == "open":
            self._published = self._published or asyncio.Event()
            self._published.clear()
            await self._published.wait()

    def _has_published(self) -> None:
        if self._published is not None:
            self._published.set()

    def _acknowledge(self, done: Future[AppendResult]) -> None:
        self._publishing -= 1
        self._has_published()
        error = done.exception()
        if error is not None:
            self._error("not_stored", f"the events were not stored: {error}", True)
            return
        answer = done.result()
        if answer.foreign:
            numbers = ", ".join(str(n) for n in answer.foreign[:5])
            self._error("foreign_task", f"events {numbers} are of another producer's task; not stored", False)
        if answer.upto:
            self._pump.post(encode(Ack(answer.upto)))
        if answer.expected is not None:
            self._pump.post(encode(Nack(answer.expected)))


def _offer(stream: IOStream, frame: bytes) -> bytes | memoryview:
    """Give the kernel what it takes at once; the rest. Raises `ConnectionError`."""
    try:
        sent = stream.socket.send(frame)
    except BlockingIOError:
        return frame
    except OSError as error:
        stream.close()
        raise ConnectionError("the peer is gone") from error
    return memoryview(frame)[sent:]


async def _written(writing: asyncio.Future[None]) -> None:
    """Wait for a write that is never cancelled itself: Tornado asks it for its error then, and logs that."""
    await asyncio.wait([writing])
    try:
        writing.result()
    except StreamClosedError as error:
        raise ConnectionError("the peer is gone") from error


def _back(session: JournalSession, producer: str) -> list[PendingCommand]:
    """A producer is here: its word wins over an inference, and its commands are due.

    One that is known to be dead is not: it was killed before its hello was read.
    """
    if producer in session.dead_producers:
        return []
    for task in session.journal.tasks(producer=producer, state=TaskState.INTERRUPTED, limit=1000):
        last = session.journal.tail(task.id, 1, ["state"])
        if last and decode_event(last[0].encoded).producer != producer:
            running = State(TaskState.RUNNING, reason="its process is back")
            session.append(HolderEvent(task.id, task.attempt, "state", running))
            questions.reopen(session, task)
    return session.journal.pending(producer)
