"""Coroutine in a worker's main thread: SIGTERM cancels it, as asyncio cancels."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Self

from ...runtime.interrupt import SignalInterrupter

POLL_INTERVAL = 0.1
"""Seconds within which a signal is handled while an event loop waits."""


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run *coroutine* to its end and return its result."""
    with asyncio.Runner() as runner, _LoopInterrupt(runner.get_loop()) as interrupt:
        try:
            return runner.run(interrupt.watch(coroutine))
        except asyncio.CancelledError:
            if interrupt.raised is not None:
                raise interrupt.raised from None
            raise


def interrupt_blocking(interrupter: SignalInterrupter) -> None:
    """Interrupt a coroutine that was cancelled and, since it blocks, does not get to know. From any thread.

    *interrupter* stops the main thread. Does nothing once asyncio has cancelled it: what blocks then is its
    clean-up.
    """
    for interrupt in active[:]:
        interrupt.interrupt(interrupter)


class _LoopInterrupt:
    """While an event loop runs in the main thread, SIGTERM cancels the coroutine instead of raising.

    An exception raised by the signal's handler could hit any callback of the loop, which would swallow it.
    The second SIGTERM raises all the same: the coroutine went on after its cancellation. Between the two,
    `interrupt` cancels a coroutine that blocks the loop, where it blocks.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.raised: BaseException | None = None
        self._loop = loop
        self._running: asyncio.Task[Any] | None = None
        self._before: Any = None
        self._is_told = self._is_to_interrupt = False

    async def watch(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        self._running = asyncio.current_task()
        waker = asyncio.ensure_future(_wake_loop())
        try:
            return await coroutine
        finally:
            waker.cancel()

    def interrupt(self, interrupter: SignalInterrupter) -> None:
        if self.raised is not None and not self._is_told:
            self._is_to_interrupt = True
            interrupter.throw()

    def __enter__(self) -> Self:
        self._before = signal.getsignal(signal.SIGTERM)
        if callable(self._before):
            signal.signal(signal.SIGTERM, self._handle)
        active.append(self)
        return self

    def __exit__(self, *details: object) -> None:
        active.remove(self)
        if callable(self._before):
            signal.signal(signal.SIGTERM, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        try:
            self._before(number, frame)
        except BaseException as error:
            if self._running is None:
                raise
            if self.raised is None:
                self.raised = error
                self._loop.call_soon_threadsafe(self._cancel)
            elif self._is_to_interrupt:
                self._is_to_interrupt = False
                self._raise_where_it_blocks()
            else:
                raise

    def _cancel(self) -> None:
        if not self._is_told and self._running is not None:
            self._is_told = True
            self._running.cancel()

    def _raise_where_it_blocks(self) -> None:
        blocking = asyncio.current_task(self._loop)
        if blocking is None or self._is_told:
            return
        # What another task of the coroutine's raises need not end it: then `_cancel`, which waits, will.
        self._is_told = blocking is self._running
        raise asyncio.CancelledError


active: list[_LoopInterrupt] = []
"""That of the coroutine which the main thread runs."""


async def _wake_loop() -> None:
    """Wake the loop now and then: a signal just before it begins to wait is handled only when it wakes."""
    while True:  # noqa: ASYNC110 - waking is the purpose
        await asyncio.sleep(POLL_INTERVAL)
