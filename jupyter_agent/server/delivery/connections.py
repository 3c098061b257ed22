"""The registry: every open connection, by user, and who came and went."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Literal

from ...journal.base import PendingCommand
from ...protocol.actions import CloseWith
from ...protocol.messages import Close
from .. import metrics
from .writer import ConnectionWriter


@dataclass(eq=False, slots=True)
class Connection:
    """One open WebSocket after its ``hello``. ``producer`` is ``None`` for subscribers.

    ``backlog`` are commands that came before those were sent which had waited for the producer; ``None``
    from then on.
    """

    id: str
    user: str
    role: Literal["subscriber", "producer"]
    client: str
    writer: ConnectionWriter
    producer: str | None = None
    host: str | None = None
    backlog: list[PendingCommand] | None = field(default_factory=list)


class Registry:
    """Belongs to the event loop."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._connections: dict[str, Connection] = {}
        self._producers: dict[str, Connection] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def users(self) -> dict[str, list[Connection]]:
        """The connections of each user."""
        found: dict[str, list[Connection]] = {}
        for connection in self._connections.values():
            found.setdefault(connection.user, []).append(connection)
        return found

    def add(self, connection: Connection) -> None:
        """A connection said hello. A producer that was connected already is replaced."""
        self._connections[connection.id] = connection
        self._empty.clear()
        if connection.producer is not None:
            old = self._producers.get(connection.producer)
            if old is not None:
                old.writer.post(CloseWith(Close.REPLACED, "this producer has connected again"))
            self._producers[connection.producer] = connection
        metrics.CONNECTIONS.labels(connection.role).inc()
        self._log.info("%s connected: %s %s", connection.user, connection.role, _who(connection))

    def remove(self, connection: Connection, code: int | None) -> None:
        """A connection is gone; *code* is its close code, if one came. Again is nothing."""
        if self._connections.pop(connection.id, None) is None:
            return
        if not self._connections:
            self._empty.set()
        if connection.producer is not None and self._producers.get(connection.producer) is connection:
            del self._producers[connection.producer]
        metrics.CONNECTIONS.labels(connection.role).dec()
        how = "without a goodbye" if code is None else f"code {code}"
        self._log.info("%s disconnected: %s %s, %s", connection.user, connection.role, _who(connection), how)

    async def empty(self, patience: float) -> bool:
        """Wait until nobody is connected; false when *patience* seconds pass first."""
        try:
            async with asyncio.timeout(patience):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def producer(self, producer: str | None) -> Connection | None:
        """The connection of a producer, if it has one now."""
        return self._producers.get(producer) if producer is not None else None

    def all(self) -> list[Connection]:
        """Every open connection."""
        return list(self._connections.values())

    def lag(self, head: int) -> int:
        """How many offsets the slowest subscription is behind *head*."""
        positions = [
            reader.position for c in self._connections.values() for reader in c.writer.readers.values()
        ]
        return max(0, head - min(positions, default=head))


def _who(connection: Connection) -> str:
    """The client's own words, made harmless for a log line."""
    name = "".join(c if c.isprintable() else "?" for c in connection.client[:60])
    return f"{connection.id[-6:]} {name}".rstrip()
