"""`follow`: a subscription as an async iterator, across reconnects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Literal

from .._version import __version__
from ..errors import RequestRefused, ServerUnreachable
from ..protocol.actions import Send
from ..protocol.messages import Bye, ErrorMessage, Reply
from ..protocol.subscriber import Apply, Restart, SubscriberSide, Subscription
from ..transport.api import Api
from ..transport.discovery import Address
from ..transport.link import ReconnectingWebSocket

log = logging.getLogger(__name__)
MAX_UNREAD = 16
"""Maximum number of items that wait for the caller; then the socket is not read, which the server notices."""

_Item = Restart | Apply | Exception


class _Feed:
    """Joins the WebSocket to the sans-IO side and puts what comes out into a queue."""

    def __init__(self, locate: Callable[[], Address | None], subscription: Subscription) -> None:
        self.items: asyncio.Queue[_Item] = asyncio.Queue(MAX_UNREAD)
        self._side = SubscriberSide(f"jupyter_agent/{__version__}")
        self._side.subscribe(subscription)
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._down.set()
        self._link = ReconnectingWebSocket(
            locate, connected=self._connected, received=self._received, disconnected=self._disconnected
        )

    async def run(self, patience: float | None) -> None:
        """Keep the connection until cancelled; an error that ends it for good is the last item."""
        link = asyncio.create_task(self._link.run(), name="jupyter-agent-follow-link")
        watch = asyncio.create_task(self._watch(patience), name="jupyter-agent-follow-patience")
        try:
            done, _ = await asyncio.wait({link, watch}, return_when=asyncio.FIRST_COMPLETED)
            error = done.pop().exception()
            if isinstance(error, Exception):
                await self.items.put(error)
        finally:
            link.cancel()
            watch.cancel()
            await asyncio.wait({link, watch})

    async def _watch(self, patience: float | None) -> None:
        """Raise `ServerUnreachable` after *patience* seconds without a connection (``None``: never)."""
        while True:
            await self._down.wait()
            try:
                async with asyncio.timeout(patience):
                    await self._up.wait()
            except TimeoutError as error:
                url = self._link.address.url if self._link.address else ""
                raise ServerUnreachable(
                    f"the connection to {url or 'the server'} is lost", url=url
                ) from error

    def _connected(self) -> list[Send]:
        self._up.set()
        self._down.clear()
        return self._side.connected()

    def _disconnected(self) -> None:
        self._up.clear()
        self._down.set()

    async def _received(self, frame: str | bytes) -> None:
        for item in self._side.receive(frame):
            match item:
                case Send():
                    await self._link.send(item.frame)
                case Restart() | Apply():
                    await self.items.put(item)
                case ErrorMessage() if not item.temporary:
                    await self.items.put(RequestRefused(item.message, code=item.code))
                case ErrorMessage():
                    self._link.disconnect()
                case Bye() | Reply():
                    log.debug("received %s", item)


async def follow(
    api: Api,
    tasks: Literal["*"] | Sequence[str],
    *,
    after: str | None,
    tail: int | None,
    types: Sequence[str] | None = None,
    patience: float | None,
) -> AsyncGenerator[Restart | Apply]:
    """See `AgentClient.follow`. Asks for the health first, so that a server that is away raises at once."""
    await api.health()
    named: Literal["*"] | list[str] = "*" if tasks == "*" else list(tasks)
    feed = _Feed(api.locate, Subscription(1, named, after, tail, list(types) if types else None))
    runner = asyncio.create_task(feed.run(patience), name="jupyter-agent-follow")
    try:
        while True:
            item = await feed.items.get()
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        runner.cancel()
        await asyncio.wait({runner})
