"""The notifier: sends notifications about new states and questions of tasks.

Whatever happens while one message is being sent, or within `PAUSE` seconds after it, goes into the next
message together, so that a hundred failures are two messages. The sender runs in a thread; it knows
addresses, which are secrets and must not be logged.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from ...core.events import UNREADABLE, Event, Prompt, State, decode_data, decode_event
from ..delivery.feed import Feed, SubscriptionFilter
from .notification import Notification, NotificationPolicy, message
from .periodic import PeriodicService

log = logging.getLogger(__name__)
T = TypeVar("T")
Send = Callable[[str, str, bool], bool]
"""Sends a title and a text, and whether it is about a failure; returns True if every recipient got it."""

SEND_TIMEOUT = 60.0
"""Seconds to wait for a message; then its thread is abandoned."""

PAUSE = 5.0
"""Seconds after a message in which notifications are collected for the next one."""

STALE = 3600.0
"""Age in seconds beyond which an event is too old to notify about: it was recovered late. By the clock of its
producer, and whatever this process's clock was set to meanwhile: a clock that is wrong must not silence."""

_EVENT_FILTER = SubscriptionFilter(None, frozenset(("state", "prompt")))


class Notifier(PeriodicService):
    """Notifies of what happens after `start`. *load* returns the sender, or ``None`` when there is none.

    *clock_lag* returns by how many seconds a producer's clock is behind this process's.
    """

    name = "notifier"

    def __init__(
        self,
        feed: Feed,
        policy: NotificationPolicy,
        load: Callable[[], Send | None],
        *,
        clock_lag: Callable[[str], float] = lambda _producer: 0.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(log)
        self._feed = feed
        self._policy = policy
        self._load = load
        self._clock_lag = clock_lag
        self._clock = clock
        self._monotonic = monotonic
        self._begun = clock() - monotonic()
        self._pause = pause
        self._position = 0
        self._send: Send | None = None
        self._sending: asyncio.Future[bool] | None = None

    def start(self) -> None:
        """Notify of what is committed from now on."""
        self._position = self._feed.head
        self._feed.subscribe(self, None)
        super().start()

    async def stop(self) -> None:
        """Stop notifying. A message that is being sent is left to its thread. Idempotent."""
        self._feed.unsubscribe(self)
        await super().stop()

    def on_commit(self, _previous: int) -> None:
        """Read the new events (see `CommitListener`)."""
        self.wake()

    async def setup(self) -> bool:
        try:
            self._send = await _in_thread(self._load)
        except Exception as error:  # noqa: BLE001 - of apprise or what it imports; it may hold an address
            log.error("notifications are off: apprise cannot be loaded (%s)", type(error).__name__)
        return self._send is not None

    async def tick(self) -> float:
        """Send what the next page of events is worth."""
        notifications, may_have_more = await self._read()
        if notifications:
            await self._deliver(notifications)
            await self._pause(PAUSE)
            return 0.0
        return 0.0 if may_have_more else math.inf

    def interval(self) -> float:
        return math.inf

    async def _read(self) -> tuple[list[Notification], bool]:
        """Return what to notify of from the next page, and whether another page may follow."""
        page = await self._feed.page(self._position, _EVENT_FILTER)
        self._position = page.last
        found = [await self._notification(decode_event(event.encoded)) for event in page.events]
        return [one for one in found if one is not None], bool(page.events)

    async def _notification(self, event: Event) -> Notification | None:
        if event.flag is not None or self._age(event) > STALE:
            return None
        try:
            data = decode_data(event)
        except UNREADABLE:
            return None
        task = await self._feed.call(lambda session: session.journal.task(event.task))
        if task is None or task.attempt != event.attempt:
            return None
        if isinstance(data, State):
            return self._policy.on_state(event, data, task)
        return self._policy.on_prompt(data, task) if isinstance(data, Prompt) else None

    def _age(self, event: Event) -> float:
        """Return the seconds since *event*, by this clock as it is or went on from the start: the fewer."""
        now = min(self._clock(), self._begun + self._monotonic())
        return now - self._clock_lag(event.producer) - event.time

    async def _deliver(self, notifications: Sequence[Notification]) -> None:
        """Send one message. Never raises, and logs only the type of an error."""
        if self._send is None:
            return
        if self._sending is not None and not self._sending.done():
            log.debug("a notification hangs; %d more are left out", len(notifications))
            return
        send, (title, text) = self._send, message(notifications)
        is_bad = any(one.is_bad for one in notifications)
        self._sending = _in_thread(lambda: send(title, text, is_bad))
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                delivered = await asyncio.shield(self._sending)
        except TimeoutError:
            log.debug("a notification was not sent within %.0f s", SEND_TIMEOUT)
            return
        except Exception as error:  # noqa: BLE001 - whatever a service's plugin raises; it may hold the address
            log.debug("a notification could not be sent: %s", type(error).__name__)
            return
        if not delivered:
            log.debug("a notification did not reach every recipient")


def _in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """Run *work* in a daemon thread of its own, which never delays the process's exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    done.add_done_callback(_retrieve)

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = (work(), None)
        except Exception as error:  # noqa: BLE001 - the future gets it
            outcome = (None, error)
        with suppress(RuntimeError):  # the loop is closed, and nothing awaits the result any more
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="jupyter-agent-notify", daemon=True).start()
    return done


def _retrieve(done: asyncio.Future[T]) -> None:
    """Keep asyncio from logging an exception that comes too late: it may hold an address."""
    if not done.cancelled():
        done.exception()
