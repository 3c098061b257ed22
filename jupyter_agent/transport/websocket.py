"""Opening a WebSocket without noise in the log, and without leaving it open after a cancel.

Tornado logs a bad certificate, or a peer that speaks no WebSocket, as a warning or an error. The caller gets
an exception for it and tries again, so that a line at DEBUG is enough.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from .unix_socket import SocketResolver

log = logging.getLogger(__name__)
CLOSE_TIMEOUT = 1.0
"""Seconds to wait for a cancelled connection to open, so that it can be closed, and for a close frame."""

MAX_MESSAGE = 10 << 20
"""Maximum number of bytes in a message, unless the caller says otherwise."""

_LOGGERS = ("tornado.application", "tornado.general")
_is_ours: ContextVar[bool] = ContextVar("jupyter_agent_connect", default=False)


async def connect(
    request: HTTPRequest,
    *,
    subprotocols: list[str] | None = None,
    max_message: int = MAX_MESSAGE,
    on_message: Callable[[str | bytes | None], None] | None = None,
) -> WebSocketClientConnection:
    """Open a connection. *on_message* gets each message, and ``None`` at the end; without it, read them.

    *max_message*: bytes. Raises what Tornado's `websocket_connect` raises.
    """
    connecting = _start(request, subprotocols, max_message, on_message)
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        # Tornado goes on connecting. A loop that ends before it has leaves the descriptor open.
        await asyncio.wait([connecting], timeout=CLOSE_TIMEOUT)
        connecting.add_done_callback(_abort_opened)
        raise


def abort(socket: WebSocketClientConnection) -> None:
    """Close a connection, and its descriptor at once."""
    stream = socket.protocol.stream if socket.protocol is not None else None
    socket.close()
    if stream is not None:
        stream.close()


def _start(
    request: HTTPRequest,
    subprotocols: list[str] | None,
    max_message: int,
    on_message: Callable[[str | bytes | None], None] | None,
) -> asyncio.Future[WebSocketClientConnection]:
    """Start connecting in a context where `_is_ours` is true, also in everything that Tornado does later."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
    previous = _is_ours.set(True)
    try:
        return asyncio.ensure_future(
            websocket_connect(
                request,
                on_message_callback=on_message,
                subprotocols=subprotocols,
                max_message_size=max_message,
                resolver=SocketResolver(),
            )
        )
    finally:
        _is_ours.reset(previous)


def _abort_opened(connecting: asyncio.Future[WebSocketClientConnection]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        abort(connecting.result())


class _ConnectFilter(logging.Filter):
    """Drops what Tornado logs about connections of this module; it is logged at DEBUG instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not _is_ours.get() or record.levelno <= logging.DEBUG:
            return True
        log.debug("while connecting: %s", record.getMessage())
        return False


_FILTER = _ConnectFilter()
