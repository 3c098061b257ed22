"""`follow_all`: the snapshots and events of all journals in one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ...protocol.subscriber import Apply, Restart
from .journals import Journals

SlotUpdate = tuple[str, Restart | Apply]
_Queue = asyncio.Queue[SlotUpdate | Exception]
MAX_UNREAD = 16
"""Maximum number of items that wait for the caller; then the journals are not read."""

SCAN_INTERVAL = 1.0
"""Seconds between two scans for journals that did not exist when following began."""


async def follow_all(journals: Journals, *, tail: int | None = None) -> AsyncGenerator[SlotUpdate]:
    """Yield what `Journals.follow` gives for every journal, each item with its journal's name. Close it."""
    queue: _Queue = asyncio.Queue(MAX_UNREAD)
    scan = asyncio.create_task(_scan(journals, queue, tail), name="jupyter-agent-scan")
    try:
        while True:
            item = await queue.get()
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        scan.cancel()
        await asyncio.wait([scan])


async def _scan(journals: Journals, queue: _Queue, tail: int | None) -> None:
    """Feed *queue* from every journal, also from those that come later, until cancelled."""
    feeds: dict[str, asyncio.Task[None]] = {}
    try:
        while True:
            for slot in journals.slots():
                if slot not in feeds:
                    work = _feed(journals, slot, queue, tail)
                    feeds[slot] = asyncio.create_task(work, name=f"jupyter-agent-feed-{slot}")
            await asyncio.sleep(SCAN_INTERVAL)
    finally:
        for task in feeds.values():
            task.cancel()
        await asyncio.gather(*feeds.values(), return_exceptions=True)


async def _feed(journals: Journals, slot: str, queue: _Queue, tail: int | None) -> None:
    try:
        async with aclosing(journals.follow(slot, "*", tail=tail)) as items:
            async for item in items:
                await queue.put((slot, item))
    except Exception as error:  # noqa: BLE001 - the reader of the queue raises it
        await queue.put(error)
