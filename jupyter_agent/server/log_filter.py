"""A log filter: jupyter_server's closed-socket errors at DEBUG instead of ERROR.

jupyter_server's kernel socket does not await its writes. So after a page is refreshed, asyncio or Tornado
logs each message that was in flight as an error with a traceback. This filter turns such a record into one
line at DEBUG. Our own sockets await every write and cause no such records.
"""

from __future__ import annotations

import logging

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

_LOGGERS = ("asyncio", "tornado.application", "tornado.general")
_CLOSED_ERRORS = (WebSocketClosedError, StreamClosedError)


class ClosedSocketFilter(logging.Filter):
    """Drops records that only say that a write met a closed socket."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log
        self._loggers = [log, *(logging.getLogger(name) for name in _LOGGERS)]

    def install(self) -> None:
        """Start to filter. Idempotent."""
        for logger in self._loggers:
            logger.addFilter(self)

    def remove(self) -> None:
        """Stop to filter. Idempotent."""
        for logger in self._loggers:
            logger.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for a record at WARNING or above that only says that the peer is gone."""
        if record.levelno < logging.WARNING or not _says_closed(record):
            return True
        self._log.debug("a page was closed while it was written to")
        return False


def _says_closed(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, _CLOSED_ERRORS) or str(record.msg).startswith("Got events for closed stream")
