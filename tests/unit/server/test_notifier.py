"""Notifications: which events are worth one, how they are worded, and how apprise sends them."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from traitlets import TraitError

from jupyter_agent.core.events import Error, Prompt, State, TaskState
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.server.background import notifier as notifier_module
from jupyter_agent.server.background.apprise import apprise_sender
from jupyter_agent.server.background.notification import ON, Notification, NotificationPolicy, message
from jupyter_agent.server.background.notifier import Notifier
from jupyter_agent.server.delivery.feed import Feed
from jupyter_agent.server.extension import JupyterAgent
from tests.support.builders import Origin, event, state, story, task_id
from tests.support.journal import NowHolder, batches

NOW = 2000.0
EVERYTHING = NotificationPolicy(frozenset(ON))


class Scene:
    """A journal, and a notifier with a fake service. ``sent``: titles and texts."""

    def __init__(self, policy: NotificationPolicy, before: list[Any]) -> None:
        self.journal = MemoryJournal("h", "E")
        self.journal.append(batches(before), 0.0)
        self.feed = Feed()
        self.holder = NowHolder(self.feed, self.journal)
        self.feed.attach(self.holder)  # type: ignore[arg-type]
        self.feed.start(asyncio.get_running_loop(), self.journal.head)
        self.sent: list[tuple[str, str, bool]] = []
        self.pausing, self.go_on = asyncio.Event(), asyncio.Event()
        self.wall, self.lag = NOW, 0.0
        self.send: Callable[[str, str, bool], bool] = self._send
        self.notifier = Notifier(
            self.feed,
            policy,
            lambda: lambda *words: self.send(*words),
            clock_lag=lambda _: self.lag,
            clock=lambda: self.wall,
            monotonic=lambda: 0.0,
            pause=self._pause,
        )

    def _send(self, title: str, text: str, is_bad: bool) -> bool:
        self.sent.append((title, text, is_bad))
        return True

    async def _pause(self, seconds: float) -> None:
        self.pausing.set()
        await self.go_on.wait()

    def append(self, *events: Any) -> None:
        self.holder.call(lambda session: session.append(*batches(events)))

    async def next(self, *events: Any) -> tuple[str, str, bool]:
        """Append *events*; return the message that they lead to."""
        self.pausing.clear()
        self.append(*events)
        self.go_on.set()
        async with asyncio.timeout(10):
            await self.pausing.wait()
        self.go_on.clear()
        return self.sent[-1]


@asynccontextmanager
async def scene(
    policy: NotificationPolicy = EVERYTHING, before: list[Any] | None = None
) -> AsyncIterator[Scene]:
    made = Scene(policy, before or story(end=False))
    made.notifier.start()
    try:
        yield made
    finally:
        await made.notifier.stop()


def ended(n: int, to: TaskState, seconds: float = 198.0, **fields: Any) -> Any:
    """The end of the task of `story` after so many *seconds*."""
    return event(n, "state", State(to, **fields), time=1002.0 + seconds)


@pytest.mark.asyncio
class TestTelling:
    @pytest.mark.parametrize(
        ("last", "told"),
        [
            (
                ended(6, TaskState.FAILED, error=Error("ValueError", "no\nway")),
                ("train failed", "After 3m 18s: ValueError: no", True),
            ),
            (
                ended(6, TaskState.INTERRUPTED, reason="the process that ran it is gone"),
                ("train was interrupted", "After 3m 18s: the process that ran it is gone", True),
            ),
            (ended(6, TaskState.COMPLETED), ("train completed", "After 3m 18s", False)),
            (
                ended(6, TaskState.COMPLETED, 1e301),  # a broken clock
                ("train completed", "After an unknown time", False),
            ),
            (ended(6, TaskState.CANCELLED), ("train was cancelled", "After 3m 18s", False)),
            (
                event(6, "prompt", Prompt("p", "Go\non?", ("yes", "no"))),
                ("train asks", "Go on? (yes / no)", False),
            ),
        ],
    )
    async def test_the_name_what_happened_after_how_long_and_why(
        self, last: Any, told: tuple[str, str, bool]
    ) -> None:
        async with scene() as made:
            assert await made.next(last) == told

    @pytest.mark.parametrize(
        ("policy", "events"),
        [
            (NotificationPolicy(), [ended(6, TaskState.COMPLETED)]),
            (EVERYTHING, [ended(6, TaskState.COMPLETED, seconds=29.0)]),
            (EVERYTHING, [ended(6, TaskState.FAILED, seconds=NOW - 1002 - 3601)]),
            (EVERYTHING, [ended(6, TaskState.INTERRUPTED), state(7, TaskState.RUNNING)]),
            (EVERYTHING, [ended(6, TaskState.FAILED), state(7, TaskState.QUEUED, attempt=2)]),
            (
                EVERYTHING,
                [event(6, "prompt", Prompt("p", "?")), event(7, "input", b'{"text":"y","prompt_id":"p"}')],
            ),
            (EVERYTHING, [event(6, "prompt", b'{"prompt_id":7}')]),
        ],
        ids=["unasked", "short", "old", "only cut off", "tried again", "answered", "unreadable"],
    )
    async def test_what_is_no_news_is_not_sent(self, policy: NotificationPolicy, events: list[Any]) -> None:
        other = story(task=task_id(1), producer=task_id(2))
        other[-1] = event(
            6, "state", State(TaskState.FAILED, reason="it"), task=task_id(1), producer=task_id(2), time=NOW
        )
        async with scene(policy) as made:
            made.append(*events)
            assert (await made.next(*other))[0] == "train failed"
            assert len(made.sent) == 1

    async def test_what_was_before_it_started_is_history(self) -> None:
        async with scene(before=[*story(end=False), ended(6, TaskState.FAILED)]) as made:
            await made.next(*_failing(1))
            assert [text for _, text, _ in made.sent] == ["After 16m 38s"]

    async def test_each_attempt_has_its_own_duration(self) -> None:
        async with scene() as made:
            await made.next(ended(6, TaskState.FAILED))
            told = await made.next(state(7, TaskState.QUEUED, attempt=2), *_failed_again())
            assert told[1] == "After 5.0s: it"

    async def test_much_at_once_is_one_message_and_what_follows_soon_is_the_next(self) -> None:
        async with scene() as made:
            await made.next(ended(6, TaskState.FAILED))
            many = [one for number in range(12) for one in _failing(number)]
            title, text, is_bad = await made.next(*many)
            assert (title, is_bad) == ("Tasks: 12 failed", True)
            assert text.count("\n") == 10
            assert text.endswith("and 2 more")
            assert len(made.sent) == 2

    @pytest.mark.parametrize("how", ["raises", "says no"])
    async def test_a_service_that_fails_is_a_debug_line_without_a_secret(
        self, how: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        def send(*_: object) -> bool:
            if how == "raises":
                raise OSError("no way to mailto://me:secret@example.org")
            return False

        async with scene() as made:
            made.sent.append(("", "", False))
            made.send = send
            await made.next(ended(6, TaskState.FAILED))
        (line,) = [r for r in caplog.records if r.name.startswith("jupyter_agent")]
        assert line.levelno == logging.DEBUG
        assert "secret" not in caplog.text

    async def test_a_service_that_hangs_delays_no_other_work_and_is_not_waited_for_twice(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caplog.set_level(logging.DEBUG)
        monkeypatch.setattr(notifier_module, "SEND_TIMEOUT", 0.05)
        free = threading.Event()
        async with scene() as made:
            made.sent.append(("", "", False))
            made.send = lambda *_: free.wait(20)
            await made.next(ended(6, TaskState.FAILED))
            await made.next(*_failing(1))
        assert "not sent within" in caplog.text
        assert "1 more are left out" in caplog.text
        free.set()

    @pytest.mark.parametrize("jump", [40 * 86_400.0, -3600.0, -NOW], ids=["ahead", "back", "1970"])
    async def test_a_clock_that_was_set_silences_nothing(self, jump: float) -> None:
        async with scene() as made:
            made.wall += jump
            told = await made.next(ended(6, TaskState.FAILED))
            assert told[0] == "train failed"

    @pytest.mark.parametrize("lag", [7200.0, -7200.0])
    async def test_a_machine_whose_clock_differs_is_heard_and_its_old_news_are_not(self, lag: float) -> None:
        async with scene() as made:
            made.lag = lag
            made.append(event(6, "prompt", Prompt("p", "old?"), time=NOW - lag - 4000))
            told = await made.next(event(7, "prompt", Prompt("q", "new?"), time=NOW - lag - 1))
            assert told[:2] == ("train asks", "new?")
            assert len(made.sent) == 1

    async def test_a_task_whose_clock_was_set_back_meanwhile_is_not_called_short(self) -> None:
        async with scene(NotificationPolicy(frozenset(ON), after=30)) as made:
            told = await made.next(ended(6, TaskState.COMPLETED, -100.0))
            assert told[0] == "train completed"

    async def test_with_nothing_that_sends_it_is_over(self) -> None:
        made = Scene(EVERYTHING, story(end=False))
        notifier = Notifier(made.feed, EVERYTHING, lambda: None)
        notifier.start()
        assert notifier._task is not None
        async with asyncio.timeout(10):
            await notifier._task
        await notifier.stop()
        await notifier.stop()


def _failed_again() -> list[Any]:
    data = State(TaskState.FAILED, reason="it")
    return [
        event(8, "state", State(TaskState.RUNNING), attempt=2, time=1100.0),
        event(9, "state", data, attempt=2, time=1105.0),
    ]


def _failing(number: int) -> list[Any]:
    origin = Origin(task=task_id(10 + number), producer=task_id(30 + number))
    return [*story(end=False, **origin), event(6, "state", State(TaskState.FAILED), time=NOW, **origin)]


def test_different_things_are_counted_in_the_title() -> None:
    news = [
        Notification("prompt", "a asks", "?"),
        Notification("failed", "b failed", "x"),
        Notification("failed", "c failed", "y"),
    ]
    assert message(news) == ("Tasks: 2 failed, 1 asking", "a asks. ?\nb failed. x\nc failed. y")


@contextmanager
def service() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web hook: its address for apprise, and what it was sent."""
    got: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(json.loads(body) | {"auth": self.headers["Authorization"]})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"json://me:secret@127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # by what apprise imports
def test_apprise_delivers_and_says_nothing_of_the_address(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    with service() as (address, got):
        monkeypatch.setenv("HOOK", address)
        send = apprise_sender(
            ["env:HOOK", "nonsense", "wrong://secret@example.org", "env:NOT_THERE"], told.append
        )
        assert send is not None
        assert send("train failed", "After 5.0s: <b>no</b>", True)
    assert [(one["title"], one["message"], one["type"]) for one in got] == [
        ("train failed", "After 5.0s: <b>no</b>", "failure")
    ]
    assert got[0]["auth"].startswith("Basic ")
    assert told == [
        "entry 2 of c.JupyterAgent.notify is not an address that apprise understands",
        "entry 3 of c.JupyterAgent.notify (wrong://…) is not an address that apprise understands",
        "entry 4 of c.JupyterAgent.notify (env:NOT_THERE) is not an address that apprise understands",
    ]
    assert not send("gone", "x", False)
    assert "secret" not in caplog.text


def test_without_apprise_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    told: list[str] = []
    assert apprise_sender(["json://localhost"], told.append) is None
    assert told == ["c.JupyterAgent.notify needs apprise: pip install 'jupyter-agent-tasks[notify]'"]


def test_a_setting_that_is_no_list_is_refused_without_repeating_it() -> None:
    for wrong in ({"mailto://me:secret@example.org": 1}, [7, "mailto://me:secret@example.org"]):
        with pytest.raises(TraitError, match="must be a list of addresses") as refused:
            JupyterAgent(notify=wrong)
        assert "secret" not in str(refused.value)
    with pytest.raises(TraitError, match="notify_on"):
        JupyterAgent(notify_on=["sometimes"])
    assert sorted(JupyterAgent().notify_on) == ["failed", "interrupted", "prompt"]
