"""Liveness: finds out which producers are gone, takes their spools in, says what was interrupted.

The lock is the truth; everything else (a closed socket, a kernel event, the clock) is only a reason to
look at it now. One asyncio task does all the looking.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from ...errors import JournalError
from ...journal.holder import Holder
from ...journal.operations.recovery import interrupt, interrupt_orphans, read_live_spools, recover_all
from ...journal.operations.retention import Retention, prune
from ...journal.session import JournalSession, PreemptibleJob
from ...system.paths import DataPaths
from ..delivery.connections import Registry
from ..delivery.feed import Feed

PERIOD = 2.0
HURRY = 0.1
HURRY_FOR = 3.0
PRUNE_EVERY = 3600.0
STALLED_AFTER = 10.0


class Liveness:
    """Owns the looking task, from `start` to `stop`."""

    def __init__(
        self,
        feed: Feed,
        registry: Registry,
        paths: DataPaths,
        *,
        lease: float,
        retention: Retention,
        peek: bool,
        log: logging.Logger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._feed = feed
        self._registry = registry
        self._paths = paths
        self._lease = lease
        self._retention = retention
        self._peek = peek
        self._log = log
        self._clock = clock
        self._wake = asyncio.Event()
        self._hurry_until = 0.0
        self._next_prune = 0.0
        self._disconnected_since: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look; the first look is at once."""
        self._task = asyncio.create_task(self._run(), name="jupyter-agent-liveness")

    async def stop(self) -> None:
        """Stop looking; again is nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def check_soon(self) -> None:
        """Somebody may just have died: look now and, for some seconds, often."""
        self._hurry_until = time.monotonic() + HURRY_FOR
        self._wake.set()

    def on_kernel_gone(self, kernel: str) -> None:
        """A kernel was shut down or restarted; also one whose lock cannot be judged from here."""
        self.check_soon()
        self._feed.holder.call(lambda session: self._interrupt_remote(session, kernel))

    def stalled_since(self, producer: str | None) -> float | None:
        """Since when a living producer has had no connection, in Unix seconds; ``None``: it has one."""
        since = self._disconnected_since.get(producer or "")
        return since if since is not None and self._clock() - since > STALLED_AFTER else None

    async def look(self) -> None:
        """Take in what is there and interrupt what is orphaned."""
        holder = self._feed.holder

        def job(session: JournalSession) -> list[str]:
            self._recover(session, holder)
            return [task.producer for task in session.journal.open_tasks() if task.producer]

        try:
            self._keep_in_sight(await self._feed.call(PreemptibleJob(job)))
        except (JournalError, OSError) as error:
            self._log.debug("could not take in: %s", error)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - a fault of ours in one look must not be the last look
                self._log.exception("looking after the producers failed; it is tried again")
            period = HURRY if time.monotonic() < self._hurry_until else PERIOD
            try:
                async with asyncio.timeout(period):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _is_connected(self, producer: str) -> bool:
        """Asked on the journal's thread when it matters: who came back during a long job is here."""
        return self._registry.producer(producer) is not None

    def _recover(self, session: JournalSession, holder: Holder) -> None:
        now, slot = self._clock(), holder.slot.name
        taken = recover_all(session, self._paths, slot)
        if taken:
            self._log.info("took in what %d process(es) left", taken)
        if self._peek:
            read_live_spools(session, self._paths, slot)
        interrupt_orphans(session, self._paths, self._is_connected, now=now, lease=self._lease)
        if now >= self._next_prune:
            self._next_prune = now + PRUNE_EVERY
            prune(session, self._paths, self._retention, now)

    def _interrupt_remote(self, session: JournalSession, kernel: str) -> None:
        open_tasks = session.journal.open_tasks()
        remote = [t for t in open_tasks if t.kernel == kernel and not self._has_spool_here(t.producer)]
        interrupt(session, remote, "its kernel was shut down or restarted")

    def _has_spool_here(self, producer: str | None) -> bool:
        return producer is not None and (self._paths.spools / producer).is_dir()

    def _keep_in_sight(self, open_producers: list[str]) -> None:
        now = self._clock()
        missing = {producer for producer in open_producers if not self._is_connected(producer)}
        self._disconnected_since = {p: self._disconnected_since.get(p, now) for p in missing}
