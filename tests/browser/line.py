"""The way from a browser to a server: one address that stays while the server behind it is another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

from tests.faults.proxy import Proxy
from tests.faults.schedules import Step

PATIENCE = 10.0


class Line:
    """A proxy on a loop and in a thread of its own; `close` ends both."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line")
        self._thread.start()
        there = urlsplit(url)
        assert there.hostname is not None
        assert there.port is not None
        self._proxy = Proxy(there.hostname, there.port)
        self._call(self._proxy.start())
        self.url = f"http://127.0.0.1:{self._proxy.port}{there.path}"

    def lead_to(self, url: str) -> None:
        """From now on new connections go there."""
        there = urlsplit(url)
        assert there.hostname is not None
        assert there.port is not None
        self._proxy.target = (there.hostname, there.port)

    def cut(self) -> None:
        """Every connection breaks, and none can be made until `heal`."""
        self._call(self._proxy.do(Step("refuse", 0.0)))

    def heal(self) -> None:
        """Everything passes again."""
        self._call(self._proxy.heal())

    def close(self) -> None:
        """Shut it; every connection ends."""
        self._call(self._proxy.close())
        self._call(asyncio.sleep(0.1))  # closed sockets let go in the loop's next turns
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def _call(self, job: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(job, self._loop).result(PATIENCE)
