"""Programs that follow tasks through a line, with the package's own client, and keep what they applied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Literal
from zlib import crc32

from jupyter_agent.client import AgentClient
from jupyter_agent.core.events import Event, State, decode_data
from jupyter_agent.errors import ServerUnreachable
from jupyter_agent.protocol.subscriber import Apply
from jupyter_agent.transport.discovery import Address

Fact = tuple[str, int, str, int]
"""Of one event: its producer, its number, its type and a checksum of its payload."""


def fact(event: Event) -> Fact:
    """What is compared of an event."""
    return event.producer, event.n, event.type, crc32(bytes(event.data))


def is_end(event: Event) -> bool:
    """Whether it is an event with an end state."""
    data = decode_data(event) if event.type == "state" else None
    return isinstance(data, State) and data.state.ended


class Reader:
    """Applies events from *after* on, whatever happens to the line, until `stop`, or *enough* says so.

    With *leaves_after* it is a program that ends after so many events and starts again from its cursor.
    ``restarts`` counts how often it was told to begin anew from snapshots.
    """

    def __init__(
        self,
        address: Address | Callable[[], Address | None],
        tasks: Literal["*"] | Sequence[str],
        after: str,
        *,
        enough: Callable[[Event], bool] = lambda _: False,
        leaves_after: int | None = None,
    ) -> None:
        self.facts: dict[str, list[Fact]] = {}
        self.ends: set[str] = set()
        self.applied = 0
        self.restarts = 0
        self.moved = asyncio.Event()
        self._address = address
        self._tasks = tasks
        self._cursor = after
        self._enough = enough
        self._leaves_after = leaves_after
        self._done = False

    async def run(self) -> None:
        """Follow; a server that cannot be reached is asked again a little later."""
        while not self._done:
            try:
                await self._follow()
            except ServerUnreachable:
                await asyncio.sleep(0.05)

    async def until(self, done: Callable[[], bool], seconds: float) -> None:
        """Wait until *done*, which is looked at whenever something was applied; `TimeoutError` if not."""
        async with asyncio.timeout(seconds):
            while not done():
                self.moved.clear()
                await self.moved.wait()

    async def _follow(self) -> None:
        async with (
            AgentClient(self._address) as client,
            aclosing(client.follow(self._tasks, after=self._cursor)) as items,
        ):
            async for item in items:
                if isinstance(item, Apply):
                    self._take(item)
                else:
                    self.restarts += 1
                self._cursor = item.cursor or self._cursor
                self.moved.set()
                if self._done or self._leaves():
                    return

    def _take(self, item: Apply) -> None:
        for event in item.events:
            self.facts.setdefault(event.task, []).append(fact(event))
            if is_end(event):
                self.ends.add(event.task)
            self._done = self._done or self._enough(event)
        self.applied += len(item.events)

    def _leaves(self) -> bool:
        if self._leaves_after is None or self.applied < self._leaves_after:
            return False
        self._leaves_after = None
        return True
