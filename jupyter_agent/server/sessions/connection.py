"""An open WebSocket: decodes frames, answers the hello, hands requests to the session of its role."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection, Mapping
from typing import Literal, Protocol

from ...errors import AgentError, BadCursor, JournalError, NotNow, UnknownTask
from ...protocol.actions import CloseWith, Send, encode
from ...protocol.messages import (
    SPOOL_TROUBLE,
    VERSION,
    Close,
    CommandRequest,
    ErrorMessage,
    FromClient,
    Hello,
    Right,
    Subscribe,
    Welcome,
)
from ...protocol.server import ConnectionState, ServerSide
from ..background.health_notices import health_sentences
from ..delivery.connections import Connection
from ..delivery.keepalive import Keepalive
from ..delivery.writer import ConnectionWriter, Socket
from ..limits import MAX_MESSAGE
from ..services import Services
from .producer import ProducerSession
from .subscriber import SubscriberSession

_ERROR_CODES = {UnknownTask: "unknown_task", NotNow: "not_now", BadCursor: "bad_cursor"}


class Peer(Socket, Protocol):
    """What a connection needs of the WebSocket handler: its socket, and the rights of its user."""

    @property
    def log(self) -> logging.Logger: ...

    @property
    def user_name(self) -> str: ...

    async def is_allowed(self, action: str) -> bool:
        """Return True if the user may *action* (read, write, execute) tasks."""

    async def rights(self) -> list[Right]:
        """Return what the user may do."""

    async def why_revoked(self, actions: Collection[str]) -> tuple[Close, str] | None:
        """Return how to close if the login has ended or an action is no longer allowed; else ``None``."""

    def send_ping(self) -> None:
        """Send a ping, unless the peer is gone."""

    def close(self) -> None:
        """Close the socket without a reason."""


class ServerConnection:
    """Owns one connection's protocol state, writer and session, from `open` to `close`."""

    session_types: Mapping[Literal["subscriber", "producer"], type[SubscriberSession]] = {
        "subscriber": SubscriberSession,
        "producer": ProducerSession,
    }

    def __init__(self, peer: Peer, services: Services) -> None:
        self._loop = asyncio.get_running_loop()
        self._peer = peer
        self._services = services
        self._protocol = ServerSide()
        self._keepalive = Keepalive(self._loop.time())
        self._session: SubscriberSession | None = None
        self.writer = ConnectionWriter(services.feed, peer, services.clock, services.timing.heartbeat)
        self._writing = self._loop.create_task(self.writer.run(), name="jupyter-agent-writer")
        self._writing.add_done_callback(self._on_writer_ended)
        self._hello_timer = self._loop.call_later(services.timing.hello, self._on_no_hello)

    async def receive(self, message: str | bytes) -> None:
        """Carry out what one frame asks for; returns when the peer may send the next one."""
        self.on_pong()
        if len(message) > MAX_MESSAGE:
            self.writer.post(self._protocol.close(Close.TOO_BIG, f"a message may have {MAX_MESSAGE:,} bytes"))
            return
        frame = message if isinstance(message, str) else "(binary)"
        for request in self._protocol.receive(frame):
            if isinstance(request, Send):
                self.writer.post(request.frame)
            elif isinstance(request, CloseWith):
                self.writer.post(request)
            else:
                await self._dispatch(request, len(message))
        await self.writer.drain()

    def on_pong(self) -> None:
        """Note that the peer is alive."""
        self._keepalive.on_frame(self._loop.time())

    def close(self, code: int | None) -> None:
        """End everything that belongs to the connection; *code* is its close code, if one came."""
        self._hello_timer.cancel()
        self._writing.cancel()
        self._protocol.close(Close.NORMAL, "closed")
        if self._session is not None:
            self._session.close(code)

    async def check_alive(self) -> CloseWith | None:
        """See `Socket.check_alive`; called by the writer once a heartbeat."""
        due = self._keepalive.next_action(self._loop.time())
        if due == "gone":
            return self._protocol.close(Close.TOO_SLOW, "no answer to a ping")
        if due == "ping":
            self._peer.send_ping()
        return await self._check_rights()

    async def _check_rights(self) -> CloseWith | None:
        actions = ("read", "write") if self._protocol.role == "producer" else ("read",)
        revoked = await self._peer.why_revoked(actions)
        return None if revoked is None else self._protocol.close(*revoked)

    async def _dispatch(self, request: FromClient, size: int) -> None:
        """Carry a request out; one that cannot be served is answered, and the connection stays open."""
        if isinstance(request, Subscribe | CommandRequest) and (close := await self._check_rights()):
            # Rights were revoked: events that are committed while the close is written must not leave.
            self.writer.readers.clear()
            self.writer.post(close)
            return
        try:
            if isinstance(request, Hello):
                await self._hello(request)
            elif self._session is not None:
                await self._session.handle(request, size)
        except AgentError as error:
            code = _ERROR_CODES.get(type(error), "unavailable")
            is_temporary = isinstance(error, JournalError)
            ident = getattr(request, "id", None)
            self.writer.post(encode(ErrorMessage(code, str(error), is_temporary, ident)))

    async def _hello(self, hello: Hello) -> None:
        self._hello_timer.cancel()
        if hello.role == "producer" and not await self._peer.is_allowed("write"):
            self.writer.post(self._protocol.close(Close.FORBIDDEN, "this user may not publish tasks"))
            return
        rights = await self._peer.rights() if hello.role == "subscriber" else []
        if self._protocol.state is ConnectionState.CLOSED:
            return  # the socket closed while the authorizer was asked: there would be no second `close`
        connection = Connection(
            secrets.token_hex(8),
            self._peer.user_name,
            hello.role,
            hello.client,
            self.writer,
            hello.producer if hello.role == "producer" else None,
            hello.host,
            unanswered=lambda: self._keepalive.unanswered(self._loop.time()),
            clock_lag=0.0 if hello.clock is None else self._services.clock() - hello.clock,
            acked=hello.acked,
        )
        self._services.registry.add(connection)
        session_type = self.session_types[hello.role]
        self._session = session_type(connection, self._services, self._protocol, self._peer.is_allowed)
        self.writer.post(encode(self._welcome(connection, rights)))
        await self._session.start()

    def _welcome(self, connection: Connection, rights: list[Right]) -> Welcome:
        services = self._services
        return Welcome(
            version=VERSION,
            connection=connection.id,
            user=connection.user,
            cursor=services.feed.cursor(),
            now=services.clock(),
            heartbeat=services.timing.heartbeat,
            limits=services.limits,
            rights=rights,
            **self._for_role(connection.role),
        )

    def _for_role(self, role: Literal["subscriber", "producer"]) -> dict[str, list[str]]:
        if role == "producer":
            return {"accepts": [SPOOL_TROUBLE]}
        return {"trouble": health_sentences(self._services.feed.holder.health, self._services.registry)}

    def _on_no_hello(self) -> None:
        close = self._protocol.no_hello()
        if close is not None:
            self.writer.post(close)

    def _on_writer_ended(self, writing: asyncio.Task[None]) -> None:
        """Close the socket: a connection is useless without its writer. One that failed is a bug."""
        error = None if writing.cancelled() else writing.exception()
        if error is not None:
            self._peer.log.error("a connection's writer failed", exc_info=error)
        self._peer.close()
