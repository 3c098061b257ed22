"""Health notices: tells every subscriber when the sentences of the server's health change."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ...journal.health import JournalHealth
from ...protocol.actions import encode
from ...protocol.messages import Heartbeat
from ..delivery.connections import Registry
from ..delivery.feed import Feed
from .periodic import PeriodicService

MAX_UNREADABLE = 3
"""Maximum number of unreadable spools that are named."""

MAX_PROCESSES = 3
"""Maximum number of processes whose spools have trouble that are named."""

PERIOD = 1.0
"""Seconds between two looks at the health."""


def health_sentences(health: JournalHealth, registry: Registry) -> list[str]:
    """Return what happened to the journal and to spools, and why spools or journal cannot be used now."""
    unreadable = list(health.unreadable.values())
    if len(unreadable) > MAX_UNREADABLE:
        more = len(unreadable) - MAX_UNREADABLE
        unreadable[MAX_UNREADABLE:] = [f"{more} more spools cannot be stored; the server's log names them"]
    living = registry.spool_troubles()
    if len(living) > MAX_PROCESSES:
        more = len(living) - MAX_PROCESSES
        living[MAX_PROCESSES:] = [f"{more} more processes cannot write their spools; each says so on stderr"]
    return [*health.notices, *unreadable, *living, *([health.trouble] if health.trouble else [])]


class HealthNotices(PeriodicService):
    """Compares; a new connection gets the sentences with its welcome."""

    name = "health notices"

    def __init__(
        self,
        feed: Feed,
        registry: Registry,
        log: logging.Logger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(log)
        self._feed = feed
        self._registry = registry
        self._clock = clock
        self._told: list[str] = []

    async def tick(self) -> float:
        sentences = health_sentences(self._feed.holder.health, self._registry)
        if sentences != self._told:
            self._told = sentences
            frame = encode(Heartbeat(self._clock(), {}, sentences))
            for connection in self._registry.all():
                if connection.role == "subscriber":
                    connection.writer.post(frame)
        return PERIOD

    def interval(self) -> float:
        return PERIOD
