"""Notifications: what a person should know who looks at no view, by whatever service they use.

A follower of states and questions, from now on. What happens while one message is on its way, or soon after
it, becomes the next one together, so that a hundred failures are two messages. Sending is apprise's, in a
thread; addresses are secrets and in no log.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from ...core.events import UNREADABLE, Event, Prompt, State, TaskState, decode_data, decode_event
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...errors import AgentError
from ...rendering.durations import duration_label
from ..delivery.feed import Feed, SubscriptionFilter

log = logging.getLogger(__name__)
T = TypeVar("T")
Send = Callable[[str, str, bool], bool]
"""Sends a title and a text (and whether that is bad news); whether all who were to get it did."""

ON = ("completed", "failed", "cancelled", "interrupted", "prompt")
SEND_TIMEOUT = 60.0
PAUSE = 5.0
"""Seconds after a message in which what happens is kept for the next one."""

STALE = 3600.0
"""Seconds after which what happened is no news: it was in a journal or a spool that was taken in late."""

MAX_LINES = 10
MAX_TEXT = 300
_INTEREST = SubscriptionFilter(None, frozenset(("state", "prompt")))
_SHORT = (TaskState.COMPLETED, TaskState.CANCELLED)


@dataclass(frozen=True, slots=True)
class NotificationPolicy:
    """What to tell of (see `ON`); tasks that took less than ``after`` seconds end well in silence."""

    on: frozenset[str] = frozenset(("failed", "interrupted", "prompt"))
    after: float = 30.0


class Notification(NamedTuple):
    """One thing to tell, as a title and a text."""

    word: str
    title: str
    text: str


class Notifier:
    """Owns its task, from `start` to `stop`. *load* gives what sends, or ``None`` when nothing can."""

    def __init__(
        self,
        feed: Feed,
        wishes: NotificationPolicy,
        load: Callable[[], Send | None],
        *,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._feed = feed
        self._wishes = wishes
        self._load = load
        self._clock = clock
        self._pause = pause
        self._wake = asyncio.Event()
        self._place = 0
        self._sending: asyncio.Future[bool] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Tell of what happens from now on."""
        self._place = self._feed.head
        self._feed.subscribe(self, None)
        self._task = asyncio.create_task(self._run(), name="jupyter-agent-notify")

    async def stop(self) -> None:
        """Tell no more; again is nothing. A message that is on its way is left to its thread."""
        self._feed.unsubscribe(self)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def on_commit(self, _previous: int) -> None:
        """There may be news (see `feed.Follower`)."""
        self._wake.set()

    async def _run(self) -> None:
        try:
            send = await _in_thread(self._load)
        except Exception as error:  # noqa: BLE001 - of apprise or what it imports; it may hold an address
            log.error("notifications are off: apprise cannot be loaded (%s)", type(error).__name__)
            return
        while send is not None:
            self._wake.clear()
            try:
                news, more = await self._read()
            except AgentError as error:
                log.debug("no news can be read now: %s", error)
                news, more = [], False
            except Exception:  # a fault of ours in one piece of news must not be the last
                log.exception("what to notify of could not be made out; it goes on with what comes")
                news, more = [], False
            if news:
                await self._tell(send, news)
                await self._pause(PAUSE)
            elif not more:
                await self._wake.wait()

    async def _read(self) -> tuple[list[Notification], bool]:
        """What there is to tell of the next page, and whether there may be another."""
        page = await self._feed.page(self._place, _INTEREST)
        self._place = page.last
        found = [await self._news(decode_event(event.encoded)) for event in page.events]
        return [news for news in found if news is not None], bool(page.events)

    async def _news(self, event: Event) -> Notification | None:
        if event.flag is not None or self._clock() - event.time > STALE:
            return None
        try:
            data = decode_data(event)
        except UNREADABLE:
            return None
        task = await self._feed.call(lambda session: session.journal.task(event.task))
        if task is None or task.attempt != event.attempt:
            return None
        if isinstance(data, State):
            return self._ended(event, data, task)
        return self._asked(data, task) if isinstance(data, Prompt) else None

    def _ended(self, event: Event, data: State, task: Task) -> Notification | None:
        """Nothing for a state that the task has left meanwhile: it was only cut off, or is tried again."""
        if data.state.value not in self._wishes.on or task.state is not data.state:
            return None
        took = None if task.started is None else max(0.0, event.time - task.started)
        if data.state in _SHORT and (took or 0.0) < self._wishes.after:
            return None
        why = _why(data)
        after = "" if took is None else f"After {duration_label(took)}"
        text = ": ".join(filter(None, (after, why))) or "It had not begun"
        return Notification(data.state.value, f"{_name(task)} {_VERBS[data.state]}", text)

    def _asked(self, data: Prompt, task: Task) -> Notification | None:
        """Nothing for a question that was answered meanwhile."""
        if "prompt" not in self._wishes.on or task.prompt is None or task.prompt.prompt_id != data.prompt_id:
            return None
        choices = f" ({' / '.join(data.choices)})" if data.choices else ""
        return Notification("prompt", f"{_name(task)} asks", _short(data.text + choices))

    async def _tell(self, send: Send, news: Sequence[Notification]) -> None:
        if self._sending is not None and not self._sending.done():
            log.debug("a notification hangs; %d more are left out", len(news))
            return
        title, text = message(news)
        is_bad = any(one.word in ("failed", "interrupted") for one in news)
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
            log.debug("a notification did not get through to everybody")


def _in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """What *work* gives, done in a thread that keeps nobody from ending."""
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
        with suppress(RuntimeError):  # the loop is closed, and nobody wants to know any more
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="jupyter-agent-notify", daemon=True).start()
    return done


def _retrieve(done: asyncio.Future[T]) -> None:
    """Of what came too late, asyncio shall not log the exception: it may hold an address."""
    if not done.cancelled():
        done.exception()


def message(news: Sequence[Notification]) -> tuple[str, str]:
    """Title and text of one message about all of *news*."""
    if len(news) == 1:
        return news[0].title, news[0].text
    counts = {word: sum(one.word == word for one in news) for word in ON}
    told = ", ".join(f"{count} {_COUNTED.get(word, word)}" for word, count in counts.items() if count)
    lines = [f"{one.title}. {one.text}" for one in news[:MAX_LINES]]
    more = [f"and {len(news) - MAX_LINES} more"] if len(news) > MAX_LINES else []
    return f"Tasks: {told}", "\n".join(lines + more)


_COUNTED = {"prompt": "asking"}
_VERBS = {
    TaskState.COMPLETED: "completed",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "was cancelled",
    TaskState.INTERRUPTED: "was interrupted",
}


def _why(data: State) -> str:
    if data.error is not None:
        return _short(f"{data.error.type}: {data.error.message}".partition("\n")[0])
    return _short(data.reason or "")


def _name(task: Task) -> str:
    return _short(task.name) or "A task"


def _short(text: str) -> str:
    line = to_single_line(text).strip()
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
