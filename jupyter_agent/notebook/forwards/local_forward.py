"""A forward that a thread of this process runs, from this process's spool."""

from __future__ import annotations

import asyncio
import threading

from ...forwarding.sender import Sender
from ...forwarding.spec import ForwardSpec
from ...producer.producer import Producer
from ...system.ids import new_id
from ...transport.thread_loop import run_in_thread
from .spool_source import SpoolSource


class LocalForward:
    """See `forward_to.Runner`. Owns its thread until `close`."""

    def __init__(self, producer: Producer, spec: ForwardSpec) -> None:
        self.id = new_id()
        self._spool = producer.spool
        self._progress = threading.Condition()
        self._source = SpoolSource(producer, spec, self._notify)
        self._sender = Sender(self._source, spec.url, spec.headers, spec.format)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="jupyter-agent-forward", daemon=True)
        self._thread.start()
        self._ready.wait()

    def delivered(self) -> int:
        return self._source.delivered

    def wait(self, timeout: float | None) -> bool:
        last = self._spool.last
        with self._progress:
            self._progress.wait_for(lambda: self._ended or self._source.position >= last, timeout)
            return self._source.position >= last

    def close(self) -> None:
        loop, main = self._loop, self._main
        if loop is not None and main is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(main.cancel)
            self._thread.join()

    def _notify(self) -> None:
        with self._progress:
            self._progress.notify_all()

    def _run(self) -> None:
        run_in_thread(self._send())
        self._ended = True
        self._notify()

    async def _send(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.create_task(self._sender.run(), name="jupyter-agent-forward")
        self._ready.set()
        await asyncio.wait([self._main])
