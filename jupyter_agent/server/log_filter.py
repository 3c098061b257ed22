"""A page that goes away is normal life, also where Jupyter's own sockets are concerned.

jupyter_server's kernel socket does not await its writes, so after a refresh each message that was under
way is logged as an error with a traceback, by asyncio or Tornado. Here such records become one line at
DEBUG. Our own sockets await every write, and make no such records.
"""

from __future__ import annotations

import logging

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

_LOGGERS = ("asyncio", "tornado.application", "tornado.general")
_GONE = (WebSocketClosedError, StreamClosedError)


class ClosedSocketFilter(logging.Filter):
    """Lets everything through but what says that a write met a closed socket."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log
        self._loggers = [log, *(logging.getLogger(name) for name in _LOGGERS)]

    def install(self) -> None:
        """Begin to filter; again is nothing."""
        for logger in self._loggers:
            logger.addFilter(self)

    def remove(self) -> None:
        """Stop; again is nothing."""
        for logger in self._loggers:
            logger.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a record at WARNING or above that only says that the peer is gone."""
        if record.levelno < logging.WARNING or not _says_gone(record):
            return True
        self._log.debug("a page went away while it was written to")
        return False


def _says_gone(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, _GONE) or str(record.msg).startswith("Got events for closed stream")
