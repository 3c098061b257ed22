"""Events and results that a process has itself: each is looked at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import Event, decode_event
from jupyter_agent.core.query import EventQuery
from jupyter_agent.journal.one_shot.journal import OneShotJournal
from jupyter_agent.notebook import local_source
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.system.paths import data_paths
from tests.support.runtime import own_producer  # noqa: F401


def cursor_of(handle: ja.TaskHandle) -> str:
    """The cursor behind everything that *handle* has so far."""
    return OneShotJournal(data_paths(), "default").events(handle.id, EventQuery()).cursor


def test_after_a_cursor_come_the_later_events_only() -> None:
    go_on, stop = threading.Event(), threading.Event()

    def work() -> None:
        print("one")
        go_on.wait(20)
        print("two")
        stop.wait(20)

    handle = ja.submit(work)
    while "one" not in handle.logs():
        handle.wait(0.01)
    seen = len(handle.events())
    cursor = cursor_of(handle)
    assert handle.events(after=cursor) == []
    go_on.set()
    while "two" not in handle.logs():
        handle.wait(0.01)
    assert [event.n for event in handle.events(after=cursor)] == [handle.events()[seen].n]
    stop.set()
    handle.wait(20)
    assert [event.type for event in handle.events(after=cursor)] == ["log", "state"]


def test_events_of_other_tasks_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        for number in range(50):
            print(number)

    handles = [ja.submit(work) for _ in range(8)]
    for handle in handles:
        handle.wait(20)
    decoded: list[bytes] = []

    def counted(body: bytes) -> Event:
        decoded.append(body)
        return decode_event(body)

    monkeypatch.setattr(local_source, "decode_event", counted)
    for handle in handles:
        assert handle.logs() == "".join(f"{number}\n" for number in range(50))
    assert len(decoded) <= current_producer().spool.last


class Counted(Future[Any]):
    """A future that counts how often its state is looked at; `taken`: it gave its result."""

    looked_at = 0
    _lock: threading.Condition

    def __init__(self) -> None:
        super().__init__()
        self.taken = threading.Event()

    @property
    def _condition(self) -> threading.Condition:
        type(self).looked_at += 1
        return self._lock

    @_condition.setter
    def _condition(self, condition: threading.Condition) -> None:
        self._lock = condition

    def result(self, timeout: float | None = None) -> Any:
        self.taken.set()
        return super().result(timeout)


class OneByOne(Executor):
    """Runs no call before the result of the one before was taken; begins when there are *count*."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._calls: list[tuple[Counted, Callable[..., Any]]] = []
        self._thread = threading.Thread(target=self._work, daemon=True)

    def submit(self, fn: Callable[..., Any], /, *_: Any, **__: Any) -> Future[Any]:
        future = Counted()
        self._calls.append((future, fn))
        if len(self._calls) == self._count:
            self._thread.start()
        return future

    def _work(self) -> None:
        for future, call in self._calls:
            future.set_result(call())
            future.taken.wait(20)


def test_a_map_looks_at_each_result_a_few_times_however_many_wait() -> None:
    Counted.looked_at = 0
    handle = ja.map(lambda number: number, range(300), on=OneByOne(300), limit=300)
    assert handle.result(60) == list(range(300))
    assert Counted.looked_at <= 10 * 300
