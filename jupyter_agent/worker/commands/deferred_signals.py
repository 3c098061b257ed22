"""Signals that are held back while a program is started."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class DeferredSignals:
    """Holds signals back that would raise in this thread, until `release`."""

    def __init__(self) -> None:
        self._received: list[int] = []
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if callable(handler := signal.getsignal(number)):
                    self._handlers[number] = handler
                    signal.signal(number, lambda number, _: self._received.append(number))

    def release(self) -> None:
        """Restore the handlers, and call those of the signals that were received meanwhile."""
        try:
            self._restore()
        finally:
            self._restore()  # a handler that was restored first may have raised out of the call above
        for number in self._received:
            self._handlers[number](number, None)

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
