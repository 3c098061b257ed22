"""The network between a page and its server, which a test can cut and restore."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tests.faults.proxy import Proxy, proxy
from tests.faults.schedules import Step

TIMEOUT = 30.0


class Cable:
    """A proxy in a thread of its own, because Playwright's loop has the test's.

    Its address stays while the server behind it may be another.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="cable")
        self._thread.start()
        assert self._ready.wait(TIMEOUT)

    @property
    def url(self) -> str:
        """The way to the server that leads through the cable."""
        return self._proxy.url.removesuffix("/") + self._server.path

    def pull(self) -> None:
        """Every connection ends, and none can be made."""
        self._call(self._proxy.do(Step("refuse", 0.0)))

    def plug(self) -> None:
        """Everything passes again."""
        self._call(self._proxy.heal())

    def lead_to(self, server: str) -> None:
        """From now on new connections go there."""
        self._proxy.target = target(urlsplit(server))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _call(self, job: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(job, self._loop).result(TIMEOUT)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with proxy(self._server.geturl()) as self._proxy:
            self._ready.set()
            await self._end.wait()

    _proxy: Proxy


def target(server: SplitResult) -> tuple[str, int]:
    """The host and the port of a server's address."""
    assert server.hostname is not None
    assert server.port is not None
    return server.hostname, server.port


@contextmanager
def cable(server: str) -> Iterator[Cable]:
    """A cable to the server at this address."""
    one = Cable(server)
    try:
        yield one
    finally:
        one.close()
