"""The WebSocket handler: the upgrade, rights, and Tornado's side of reading and writing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ...protocol.actions import CloseWith
from ...protocol.messages import SUBPROTOCOL, Close
from ..auth import AuthMixin
from ..interface.operation import operation
from ..limits import MAX_MESSAGE
from ..services import NoJournal, Services
from ..sessions.connection import ServerConnection
from .base import write_problem


class AgentSocket(AuthMixin, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """One connection. Rights are checked before the upgrade, on each command and each heartbeat."""

    SUPPORTED_METHODS = ("GET",)  # `put` belongs to `Socket` here and is no HTTP method
    ping_interval = 0  # `check_alive` does it: Tornado's way costs a task for each connection
    # Tornado resets the socket beyond this; below it, the peer gets a close frame with a reason.
    max_message_size = 2 * MAX_MESSAGE

    def initialize(self, services: Callable[[], Services | NoJournal]) -> None:
        self.given = services()
        self._connection: ServerConnection | None = None
        """From `open` on; a peer may leave earlier, while its rights are being checked."""

    def set_default_headers(self) -> None:
        """Set none of Jupyter's: an upgrade has no body."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer as the other handlers do; Jupyter's error page needs a user, who may be unknown yet."""
        write_problem(self, status_code, **kwargs)

    def get_compression_options(self) -> None:
        """Turn it off: its buffers cost more than ten times what a connection costs without."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def check_origin(self, origin: str | None = None) -> bool:
        """Check it as Jupyter does, but refuse a cookie without any Origin: no browser sends that."""
        if not self.request.headers.get("Origin") and not self.token_authenticated:
            return False
        return bool(super().check_origin(origin))

    @operation({101: None})
    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Open a WebSocket."""
        if not await self.is_allowed("read"):
            raise HTTPError(403, "this user may not read tasks")
        if not self.check_origin():
            raise HTTPError(403, "this origin may not connect")
        self._services = self.services  # raises before the upgrade while there is no journal
        await super().get(*args, **kwargs)

    def open(self, *_: str, **__: str) -> None:
        self.set_nodelay(True)  # a peer that only listens acks late, and small frames would wait for that
        self._connection = ServerConnection(self, self._services)

    def on_pong(self, _: bytes) -> None:
        if self._connection is not None:
            self._connection.on_pong()

    async def on_message(self, message: str | bytes) -> None:
        if self._connection is not None:
            await self._connection.receive(message)

    def on_close(self) -> None:
        if self._connection is not None:
            self._connection.close(self.close_code)

    def put(self, frame: bytes) -> Awaitable[None] | None:
        """See `Socket.put`. If Tornado's buffer is empty, write to the socket directly."""
        connection = self.ws_connection
        stream = None if connection is None or connection.is_closing() else connection.stream
        if stream is None or stream.closed():
            raise ConnectionError("the peer is gone")
        left = _offer(stream, frame) if type(stream) is IOStream and not stream.writing() else frame
        return _written(stream.write(left)) if left else None

    def close_with(self, code: int, reason: str) -> None:
        self.close(code, reason)

    async def check_alive(self) -> CloseWith | None:
        return None if self._connection is None else await self._connection.check_alive()

    def send_ping(self) -> None:
        with suppress(WebSocketClosedError):  # the writer finds that out with its next frame
            self.ping()

    async def why_revoked(self, actions: Collection[str]) -> tuple[Close, str] | None:
        """See `Peer.why_revoked`."""
        if not await self.still_logged_in():
            return Close.UNAUTHENTICATED, "the login has ended"
        for action in actions:
            if not await self.is_allowed(action):
                return Close.FORBIDDEN, f"this user may no longer {action} tasks"
        return None


def _offer(stream: IOStream, frame: bytes) -> bytes | memoryview:
    """Write what the socket's buffer accepts now; return the rest. Raises `ConnectionError`."""
    try:
        sent = stream.socket.send(frame)
    except BlockingIOError:
        return frame
    except OSError as error:
        stream.close()
        raise ConnectionError("the peer is gone") from error
    return memoryview(frame)[sent:]


async def _written(writing: asyncio.Future[None]) -> None:
    """Wait for a write and never cancel it: Tornado would ask a cancelled one for its error and log that."""
    await asyncio.wait([writing])
    try:
        writing.result()
    except StreamClosedError as error:
        raise ConnectionError("the peer is gone") from error
