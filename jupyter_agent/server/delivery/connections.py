"""The registry: every open connection after its hello."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ...journal.base import PendingCommand
from ...protocol.actions import CloseWith
from ...protocol.messages import Close
from .. import metrics
from .writer import ConnectionWriter

_ALIKE = 1.0
"""Seconds by which two clocks may differ and count as the same."""

_MAX_LAGS = 1000
"""Maximum number of producers whose clocks are remembered after they have gone."""


@dataclass(eq=False, slots=True)
class Connection:
    """One open WebSocket after its ``hello``. ``producer`` is ``None`` for subscribers.

    ``backlog`` are commands that were submitted before the older ones, which wait in the journal for this
    producer, have been sent; ``None`` from then on. ``unanswered`` returns for how many seconds the peer has
    not answered a ping. ``clock_lag``: by how many seconds its clock was behind this process's at the hello.
    ``acked``: what a journal had acknowledged to the producer by then. ``spool_trouble``: what is wrong with
    the producer's spool now; empty: nothing.
    """

    id: str
    user: str
    role: Literal["subscriber", "producer"]
    client: str
    writer: ConnectionWriter
    producer: str | None = None
    host: str | None = None
    backlog: list[PendingCommand] | None = field(default_factory=list)
    unanswered: Callable[[], float] = lambda: 0.0
    clock_lag: float = 0.0
    acked: int = 0
    spool_trouble: str = ""


class Registry:
    """All connections, and those of producers by their id. Belongs to the event loop."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._connections: dict[str, Connection] = {}
        self._producers: dict[str, Connection] = {}
        self._clock_lags: dict[str, float] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        """Add a connection; the previous one of the same producer is closed."""
        self._connections[connection.id] = connection
        self._empty.clear()
        if connection.producer is not None:
            old = self._producers.get(connection.producer)
            if old is not None:
                old.writer.post(CloseWith(Close.REPLACED, "this producer has connected again"))
            self._producers[connection.producer] = connection
            self._note_clock(connection.producer, connection.clock_lag)
        metrics.CONNECTIONS.labels(connection.role).inc()
        self._log.info("%s connected: %s %s", connection.user, connection.role, _label(connection))

    def remove(self, connection: Connection, code: int | None) -> None:
        """Remove a closed connection; *code* is its close code, if one came. Idempotent."""
        if self._connections.pop(connection.id, None) is None:
            return
        if not self._connections:
            self._empty.set()
        if connection.producer is not None and self._producers.get(connection.producer) is connection:
            del self._producers[connection.producer]
        metrics.CONNECTIONS.labels(connection.role).dec()
        how = "without a close frame" if code is None else f"code {code}"
        self._log.info(
            "%s disconnected: %s %s, %s", connection.user, connection.role, _label(connection), how
        )

    async def wait_empty(self, seconds: float) -> bool:
        """Wait until no connection is left; return False when *seconds* pass first."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def producer(self, producer: str | None) -> Connection | None:
        """Return the connection of a producer, if it has one now."""
        return self._producers.get(producer) if producer is not None else None

    def clock_lag(self, producer: str) -> float:
        """Return by how many seconds a producer's clock is behind this process's, as far as it is known."""
        return self._clock_lags.get(producer, 0.0)

    def _note_clock(self, producer: str, lag: float) -> None:
        self._clock_lags.pop(producer, None)
        if abs(lag) > _ALIKE:
            self._clock_lags[producer] = lag
        for oldest in list(self._clock_lags)[:-_MAX_LAGS]:
            del self._clock_lags[oldest]

    def spool_troubles(self) -> list[str]:
        """Return what is wrong now with the spools of connected producers."""
        return [one.spool_trouble for one in self._producers.values() if one.spool_trouble]

    def all(self) -> list[Connection]:
        """Return every open connection."""
        return list(self._connections.values())

    def lag(self, head: int) -> int:
        """Return how many offsets the slowest subscription is behind *head*."""
        positions = [
            reader.position for c in self._connections.values() for reader in c.writer.readers.values()
        ]
        return max(0, head - min(positions, default=head))


def _label(connection: Connection) -> str:
    """Return the connection's id and its client's name, which is untrusted text, for a log line."""
    name = "".join(c if c.isprintable() else "?" for c in connection.client[:60])
    return f"{connection.id[-6:]} {name}".rstrip()
