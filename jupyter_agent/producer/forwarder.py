"""Forwarder: a daemon thread that sends the spool to the holder and receives commands.

It has an event loop of its own, so that a cell that blocks the kernel blocks neither events nor commands.

It also runs the samplers (the newest progress of each running task), at most `SAMPLE_RATE` times a second.
No event wakes it, since waking a thread costs a system call and the GIL: while tasks run it polls the spool
every `SPOOL_POLL_INTERVAL` seconds, and sleeps when none do.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from .._version import __version__
from ..errors import RequestRefused
from ..protocol.actions import Send, encode
from ..protocol.messages import (
    NOT_STORED,
    SPOOL_TROUBLE,
    Ack,
    Close,
    CommandOrder,
    ErrorMessage,
    Handled,
    Nack,
    SpoolTrouble,
)
from ..protocol.producer import ProducerSide
from ..system.host import host
from ..transport.discovery import Address
from ..transport.link import POLL_INTERVAL, ReconnectingWebSocket
from ..transport.thread_loop import run_in_thread
from .spool import Spool
from .spool_report import SpoolReport

log = logging.getLogger(__name__)
SAMPLE_RATE = 20
"""Maximum number of samples a second."""

SPOOL_POLL_INTERVAL = 0.007
"""Seconds between two checks for new events while tasks run."""

REPAIR_INTERVAL = 1.0
"""Seconds between two checks whether all of the spool's files are still there. Lock and newest segment are
checked with each sample."""

REFUSAL_QUIET_SECONDS = 60.0
"""Seconds without a refused batch after which the next one is logged again."""

PAUSE_AFTER_ERROR = 1.0
"""Seconds before events that the server could not store are sent again."""


class ProducerPort(Protocol):
    """What the forwarder needs of the producer: it samples running tasks and handles commands."""

    def sample(self) -> bool:
        """Write the newest values of running tasks to the spool; false when no task runs."""

    def command(self, order: CommandOrder) -> None:
        """Handle a command for one of this producer's tasks. Returns soon and never raises."""


class Forwarder:
    """Owns the thread, its event loop and the tasks on it, from `start` to `close`."""

    def __init__(self, spool: Spool, samplers: ProducerPort, locate: Callable[[], Address | None]) -> None:
        self._spool = spool
        self._port = samplers
        self._locate = locate
        self._side = ProducerSide(spool.producer, f"jupyter_agent/{__version__}", host())
        self._link = ReconnectingWebSocket(
            locate, connected=self._connected, received=self._received, disconnected=self._on_disconnect
        )
        self._seen_commands: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._progress = threading.Condition()
        self._started, self._ended = threading.Event(), threading.Event()
        self._closing = False
        self._resume_at = self._repair_at = 0.0
        self._was_in_place = True
        self._unsent_notices: list[str] = []
        self._report = SpoolReport()
        self._refused_at = float("-inf")
        self._sending: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._main, name="jupyter-agent-forwarder", daemon=True)

    @property
    def acked(self) -> int:
        """The last event number that the journal has committed."""
        return self._side.acked

    @property
    def address(self) -> Address | None:
        """The server of the present connection, or of the last one."""
        return self._link.address

    @property
    def is_up(self) -> bool:
        """Whether there is a connection that the server has welcomed."""
        return self._link.is_up and self._side.welcome is not None

    def start(self) -> None:
        """Start the thread and wait until its loop runs."""
        self._thread.start()
        self._started.wait()

    def wake(self) -> None:
        """Check the spool now. Costs a system call: for starts and ends, not for each event."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)

    def flush(self, timeout: float, *, upto: int | None = None) -> bool:
        """Wait until everything emitted so far is committed; false when *timeout* seconds pass first.

        *upto*: the number of the last event that is waited for; ``None`` for all.
        """
        wanted = self._spool.last if upto is None else upto
        self.wake()
        with self._progress:
            return self._progress.wait_for(lambda: self._side.acked >= wanted, timeout)

    def close(self) -> None:
        """Close the connection and end the thread. Idempotent."""
        self._closing = True
        self._ended.set()
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._stop)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _main(self) -> None:
        try:
            run_in_thread(self._run())
        except OSError as error:
            self._keep_files(error)

    def _keep_files(self, error: OSError) -> None:
        """Go on without a connection: user code has closed all descriptors, or there are no more of them."""
        self._started.set()
        log.error(
            "the file descriptors of this process were closed or are used up (%s): "
            "servers hear no more of its tasks and call them interrupted; "
            "what they emit is stored when this process has ended",
            error.strerror,
        )
        running = True
        while not self._ended.wait(1 / SAMPLE_RATE if running else REPAIR_INTERVAL):
            running = self._port.sample()
            self._look_after_files(time.monotonic())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        link = asyncio.create_task(self._keep_linked(), name="jupyter-agent-link")
        self._sending = asyncio.create_task(self._send_loop(), name="jupyter-agent-sender")
        self._started.set()
        await asyncio.wait([self._sending])
        link.cancel()
        await asyncio.wait([link])

    def _stop(self) -> None:
        """Cancel the sender: a server that reads nothing would keep its write waiting for ever."""
        if self._sending is not None:
            self._sending.cancel()

    async def _keep_linked(self) -> None:
        while True:
            try:
                await self._link.run()
            except RequestRefused as error:
                if error.status == Close.NO_HELLO:  # a cell held the GIL for longer than the hello timeout
                    continue
                log.warning("%s; events stay in the spool until another server accepts them", error)
                await self._other_server(self._link.address)

    async def _other_server(self, refused: Address | None) -> None:
        """Wait until there is a server other than *refused*."""
        while True:
            if self._locate() not in (None, refused):
                return
            await asyncio.sleep(POLL_INTERVAL)

    async def _send_loop(self) -> None:
        loop = asyncio.get_running_loop()
        next_sample = 0.0
        running = True
        while not self._closing:
            # Cleared before looking, not after: what is emitted from here on wakes the next round.
            self._wake.clear()
            if not running or loop.time() >= next_sample:  # after an idle wait, a wake may mean a new sampler
                running = self._port.sample()
                next_sample = loop.time() + 1 / SAMPLE_RATE
                self._look_after_files(loop.time())
                await self._report_trouble(loop.time())
            if not await self._send_batch(loop.time()):
                await self._sleep(SPOOL_POLL_INTERVAL if running else self._idle_interval())

    def _look_after_files(self, now: float) -> None:
        if now >= self._repair_at or (self._was_in_place and not self._spool.is_in_place()):
            self._spool.repair()
            self._was_in_place = self._spool.is_in_place()  # else: not again before the interval is over
            self._repair_at = now + REPAIR_INTERVAL
        self._unsent_notices += self._spool.notices.report()

    async def _report_trouble(self, now: float) -> None:
        due = self._report.due(self._spool.trouble, now)
        if due is None or not self._side.accepts(SPOOL_TROUBLE):
            return
        self._report.sent(due)  # before the wait, in which another connection may begin
        if not await self._link.send(encode(SpoolTrouble(due))):
            self._report.forget()

    def _idle_interval(self) -> float | None:
        """Return how long to sleep while no task runs: ``None``, unless only the spool has some events.

        Nor while its trouble is shown, since the server is told when that is over.
        """
        return REPAIR_INTERVAL if self._side.acked < self._spool.last or self._report.shown else None

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send_batch(self, now: float) -> bool:
        side = self._side
        if not side.may_send or now < self._resume_at:
            return False
        batch = self._spool.batch(side.sent)
        if batch is None:
            return False
        notices = self._unsent_notices
        publish = side.publish(batch.base, batch.first, batch.last, batch.bodies, notices)
        sent = await self._link.send(publish.frame)
        if sent:
            self._unsent_notices = self._unsent_notices[len(notices) :]
        return sent

    def _connected(self) -> list[Send]:
        return self._side.connected(time.time())

    def _on_disconnect(self) -> None:
        self._side.welcome = None
        self._report.forget()
        self._wake.set()

    async def _received(self, frame: str | bytes) -> None:
        match message := self._side.receive(frame, self._spool.last, self._spool.base):
            case Ack(upto):
                self._spool.free(upto)
            case Nack():
                log.debug("the journal requests events again, from %d", message.expected)
            case CommandOrder():
                await self._execute(message)
            case ErrorMessage():
                self._pause(message)
        self._wake.set()
        with self._progress:
            self._progress.notify_all()

    async def _execute(self, order: CommandOrder) -> None:
        # The server repeats a command after each reconnect until it is handled. The whole command identifies
        # it: a new journal counts its offsets from the beginning again.
        identity = hash(encode(order))
        if identity not in self._seen_commands:
            self._seen_commands.add(identity)
            self._port.command(order)
        await self._link.send(encode(Handled(order.offset)))

    def _pause(self, error: ErrorMessage) -> None:
        """The server could not store events: send them again after `PAUSE_AFTER_ERROR`."""
        log.debug("the server says %s: %s", error.code, error.message)
        if error.temporary:
            assert self._loop is not None
            if error.code == NOT_STORED:
                self._report_refusal(error.message, self._loop.time())
            self._side.sent = self._side.acked
            self._side.in_flight.clear()
            self._resume_at = self._loop.time() + PAUSE_AFTER_ERROR
            self._loop.call_later(PAUSE_AFTER_ERROR, self._wake.set)

    def _report_refusal(self, message: str, now: float) -> None:
        if now - self._refused_at >= REFUSAL_QUIET_SECONDS:
            log.error("%s; they stay in the spool of this process until the server can store them", message)
        self._refused_at = now
