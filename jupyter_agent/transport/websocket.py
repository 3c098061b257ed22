"""Opening a WebSocket: quietly, and so that nothing stays open that nobody wants any more.

Tornado logs as warnings and errors that who answers has no good certificate, or speaks no WebSocket. Whoever
asked hears of it by an exception, and will ask again; in the log it is a line at DEBUG.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

log = logging.getLogger(__name__)
CLOSE_TIMEOUT = 1.0
"""Seconds that a connection which is given up has to come about, and to be closed."""

MAX_MESSAGE = 10 << 20
_LOGGERS = ("tornado.application", "tornado.general")
_ours: ContextVar[bool] = ContextVar("jupyter_agent_dialed", default=False)


async def connect(
    request: HTTPRequest,
    *,
    subprotocols: list[str] | None = None,
    max_message: int = MAX_MESSAGE,
    on_message: Callable[[str | bytes | None], None] | None = None,
) -> WebSocketClientConnection:
    """An open connection; *on_message* gets what comes, and ``None`` at the end, else it is to be read.

    *max_message*: bytes. Raises what Tornado's `websocket_connect` raises.
    """
    connecting = _begin(request, subprotocols, max_message, on_message)
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:  # Tornado goes on, and a loop that ends first leaves the descriptor open
        await asyncio.wait([connecting], timeout=CLOSE_TIMEOUT)
        connecting.add_done_callback(_unwanted)
        raise


def abort(socket: WebSocketClientConnection) -> None:
    """Close a connection, and its descriptor at once."""
    stream = socket.protocol.stream if socket.protocol is not None else None
    socket.close()
    if stream is not None:
        stream.close()


def _begin(
    request: HTTPRequest,
    subprotocols: list[str] | None,
    max_message: int,
    on_message: Callable[[str | bytes | None], None] | None,
) -> asyncio.Future[WebSocketClientConnection]:
    """All that Tornado does for this connection, from here on, it does in a context that is `_ours`."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_QUIET)
    before = _ours.set(True)
    try:
        return asyncio.ensure_future(
            websocket_connect(
                request,
                on_message_callback=on_message,
                subprotocols=subprotocols,
                max_message_size=max_message,
            )
        )
    finally:
        _ours.reset(before)


def _unwanted(connecting: asyncio.Future[WebSocketClientConnection]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        abort(connecting.result())


class _Quiet(logging.Filter):
    """Lets everything through but what Tornado says of connections that are `_ours`."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not _ours.get() or record.levelno <= logging.DEBUG:
            return True
        log.debug("while connecting: %s", record.getMessage())
        return False


_QUIET = _Quiet()
