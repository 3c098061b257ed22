"""The events of this process's spool, as a source for a forward."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from msgspec import Struct
from msgspec.json import Decoder

from ...forwarding.sender import OutgoingBatch
from ...forwarding.serializers import serialize
from ...forwarding.spec import ForwardSpec
from ...producer.producer import Producer

log = logging.getLogger(__name__)
POLL_INTERVAL = 0.05
"""Seconds between two reads of the spool."""


class _Head(Struct):
    task: str
    type: str


_head = Decoder(_Head)


class SpoolSource:
    """See `forwarding.sender.EventSource`. *on_progress* is called whenever ``position`` changes.

    ``position``: the number of the last event that was sent or passed over. ``delivered``: how many were
    acknowledged.
    """

    def __init__(self, producer: Producer, spec: ForwardSpec, on_progress: Callable[[], None]) -> None:
        self.position = 0
        self.delivered = 0
        self._producer = producer
        self._spec = spec
        self._on_progress = on_progress

    async def next(self, limit: int) -> OutgoingBatch:
        while True:
            batch = self._producer.spool.batch(self.position, events=limit)
            if batch is None:
                await asyncio.sleep(POLL_INTERVAL)
                continue
            if batch.base > self.position + 1:
                log.debug("the spool dropped the events before %d before the peer took them", batch.base)
            frames = [serialize(body, self._spec.format) for body in batch.bodies if self._wants(body)]
            if frames:
                return OutgoingBatch(frames, batch.last)
            self._move(batch.last)

    async def acknowledge(self, batch: OutgoingBatch) -> None:
        self.delivered += len(batch.frames)
        self._move(batch.position)

    async def is_exhausted(self) -> bool:
        return False

    async def wait_for_events(self) -> None:
        """Return at once: a running process may always emit more."""

    def _move(self, position: int) -> None:
        self.position = position
        self._on_progress()

    def _wants(self, body: bytes) -> bool:
        head = _head.decode(body)
        tasks, types = self._spec.tasks, self._spec.types
        return (tasks is None or head.task in tasks) and (types is None or head.type in types)
