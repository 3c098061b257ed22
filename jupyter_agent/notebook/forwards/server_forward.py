"""A forward that a server keeps and runs, seen from a kernel."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from ...core.ids import Cursor
from ...errors import RequestRefused, ServerUnreachable
from ...forwarding.spec import ForwardSpec, ForwardStatus
from ...producer.producer import Producer
from ...transport.blocking_http import fetch
from ...transport.discovery import Address
from ...transport.problem import read_answer

log = logging.getLogger(__name__)
T = TypeVar("T")
POLL_INTERVAL = 0.05
"""Seconds between two requests for how far the server has sent."""

COMMIT_TIMEOUT = 30.0
"""Seconds after which an unfinished commit is waited for anew."""


class ServerForward:
    """See `forward_to.Runner`. Adds the forward to the server at *address*."""

    def __init__(self, producer: Producer, address: Address, spec: ForwardSpec) -> None:
        self._producer = producer
        self._last_delivered = 0
        body = {
            "url": spec.url,
            "tasks": spec.tasks,
            "types": spec.types,
            "headers": spec.headers,
            "format": spec.format,
            "from_start": spec.from_start,
        }
        self.id = self._get("POST", "forwards", json.dumps(body).encode(), address).id

    def delivered(self) -> int:
        """The server's count, or the last known one if the forward was removed."""
        self._status()
        return self._last_delivered

    def wait(self, timeout: float | None) -> bool:
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        if self._producer.is_ending:
            return False
        # Commit first, so that the head includes it.
        return self._commit(deadline) and self._reach_head(deadline)

    def close(self) -> None:
        _unless_removed(lambda: self._request("DELETE", f"forwards/{quote(self.id)}"))

    def _commit(self, deadline: float) -> bool:
        while not self._producer.flush(min(COMMIT_TIMEOUT, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return False
        return True

    def _reach_head(self, deadline: float) -> bool:
        """Wait until it has sent everything up to the journal's present head; false once it was removed."""
        head, pause = None, threading.Event()
        while True:
            try:
                status = self._status()
            except ServerUnreachable as error:
                log.debug("waiting for a forward: %s", error)
            else:
                if status is None:
                    return False
                position = Cursor.parse(status.cursor).offset
                head = position + status.lag if head is None else head
                if position >= head or not status.lag:
                    return True
            if time.monotonic() >= deadline:
                return False
            pause.wait(POLL_INTERVAL)

    def _status(self) -> ForwardStatus | None:
        """Return its present status; ``None`` once it was removed."""
        status = _unless_removed(lambda: self._get("GET", f"forwards/{quote(self.id)}"))
        if status is not None:
            self._last_delivered = status.delivered
        return status

    def _get(
        self, method: str, path: str, body: bytes | None = None, address: Address | None = None
    ) -> ForwardStatus:
        answer = self._request(method, path, body, address)
        return read_answer(answer, ForwardStatus, "the server")  # type: ignore[no-any-return]

    def _request(
        self, method: str, path: str, body: bytes | None = None, address: Address | None = None
    ) -> bytes:
        address = address or self._producer.locate()
        if address is None:
            raise ServerUnreachable("the server that keeps this forward is away; it goes on when it is back")
        return fetch(address, method, path, body)


def _unless_removed(ask: Callable[[], T]) -> T | None:
    """Return what *ask* returns; ``None`` when the server does not know the forward any more."""
    try:
        return ask()
    except RequestRefused as error:
        if error.code != "unknown_forward":
            raise
        return None
