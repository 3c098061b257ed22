"""Liveness: detects dead producers, recovers their spools, interrupts their tasks.

The spool's lock decides whether a producer lives; everything else (a closed socket, a kernel event, the
clock) is only a reason to check it now.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from ...journal.holder import Holder
from ...journal.operations.interruption import Leases, interrupt, interrupt_orphans, open_chunks
from ...journal.operations.recovery import recover_all
from ...journal.session import JournalSession, PreemptibleJob
from ...system.paths import DataPaths
from ..delivery.connections import Registry
from ..delivery.feed import Feed
from .periodic import PeriodicService

PERIOD = 2.0
"""Seconds between two checks."""

FAST_PERIOD = 0.1
FAST_FOR = 3.0
"""After `Liveness.check_soon`: seconds between two checks, and for how many seconds."""

STALLED_AFTER = 10.0
"""Seconds without a connection, or an answer to a ping, after which a living producer counts as stalled."""


class _Moment(NamedTuple):
    """One moment by both clocks: one to show, and one that counts seconds."""

    wall: float
    monotonic: float


class Liveness(PeriodicService):
    """Checks every producer of this journal that has unfinished tasks or a spool."""

    name = "liveness"

    def __init__(
        self,
        feed: Feed,
        registry: Registry,
        paths: DataPaths,
        *,
        lease: float,
        log: logging.Logger,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(log)
        self._feed = feed
        self._registry = registry
        self._paths = paths
        self._leases = Leases(lease, monotonic)
        self._clock = clock
        self._monotonic = monotonic
        self._fast_until = 0.0
        self._absent_since: dict[str, _Moment] = {}

    def check_soon(self) -> None:
        """Check now and, for `FAST_FOR` seconds, often: a producer may just have died."""
        self._fast_until = time.monotonic() + FAST_FOR
        self.wake()

    def on_kernel_gone(self, kernel: str) -> None:
        """Check soon, and interrupt tasks of *kernel* whose lock cannot be judged from this machine."""
        self.check_soon()
        job = PreemptibleJob(lambda session: self._interrupt_remote(session, kernel))
        self._feed.holder.call(job)

    def stalled_since(self, producer: str | None) -> float | None:
        """Return since when a living producer has been absent, in Unix seconds; ``None``: it is not.

        It has no connection, or it does not answer, as a stopped process (SIGSTOP) or a suspended machine.
        """
        since = self._absent_since.get(producer or "")
        return since.wall if since and self._monotonic() - since.monotonic > STALLED_AFTER else None

    async def tick(self) -> float:
        await self.check()
        return self.interval()

    def interval(self) -> float:
        return FAST_PERIOD if time.monotonic() < self._fast_until else PERIOD

    async def check(self) -> None:
        """Recover what dead processes left and interrupt orphaned tasks."""
        holder = self._feed.holder

        self._note_absent(
            await self._feed.call(PreemptibleJob(lambda session: self._recover(session, holder)))
        )

    def _is_connected(self, producer: str) -> bool:
        # Called on the journal's thread, at the moment of the decision: a producer may have
        # reconnected since the job began, and then its tasks are not orphans.
        return self._registry.producer(producer) is not None

    def _recover(self, session: JournalSession, holder: Holder) -> set[str]:
        """Return the producers that have open tasks."""
        slot = holder.slot.name
        recovered = recover_all(session, self._paths, slot)
        if recovered:
            self._log.info("recovered %d spools and journals", recovered)
        return interrupt_orphans(session, self._paths, self._is_connected, self._leases)

    def _interrupt_remote(self, session: JournalSession, kernel: str) -> None:
        for tasks in open_chunks(session):
            remote = [t for t in tasks if t.kernel == kernel and not self._has_spool_here(t.producer)]
            interrupt(session, remote, "its kernel was shut down or restarted")

    def _has_spool_here(self, producer: str | None) -> bool:
        return producer is not None and (self._paths.spools / producer).is_dir()

    def _note_absent(self, open_producers: set[str]) -> None:
        before = self._absent_since
        absent = {p: seconds for p in open_producers if (seconds := self._absence(p)) is not None}
        self._absent_since = {p: before.get(p) or self._ago(seconds) for p, seconds in absent.items()}

    def _ago(self, seconds: float) -> _Moment:
        return _Moment(self._clock() - seconds, self._monotonic() - seconds)

    def _absence(self, producer: str) -> float | None:
        """Return for how many seconds, as far as its connection says, a producer is absent; else ``None``."""
        connection = self._registry.producer(producer)
        return 0.0 if connection is None else connection.unanswered() or None
