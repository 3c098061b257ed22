"""A recording context for tests of targets, and a way to stop a running target."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_agent.core.events import Data, Display, Log, Progress
from jupyter_agent.runtime.context import TaskContext, set_current
from jupyter_agent.runtime.interrupt import SignalInterrupter
from tests.support.builders import TASK, until


class RecordingSink:
    """A `TaskSink` that keeps every event."""

    id = TASK

    def __init__(self) -> None:
        self.events: list[Data] = []
        self.context = TaskContext(self, 1)

    def emit(self, attempt: int, kind: str, data: Data) -> int:
        self.events.append(data)
        return len(self.events)

    def save_checkpoint(self, attempt: int, state: object) -> int:
        raise AssertionError("no target saves checkpoints by itself")

    def load_checkpoint(self, default: object) -> object:
        return default

    def text(self, stream: str) -> str:
        """All that was logged to *stream*, after the rest of it was written."""
        self.context.flush()
        return "".join(one.text for one in self.events if isinstance(one, Log) and one.stream == stream)

    @property
    def progress(self) -> list[Progress]:
        return [one for one in self.events if isinstance(one, Progress)]

    @property
    def displays(self) -> list[Display]:
        return [one for one in self.events if isinstance(one, Display)]


@contextmanager
def current(sink: RecordingSink) -> Iterator[TaskContext]:
    """Make *sink*'s context the current one."""
    before = set_current(sink.context)
    try:
        yield sink.context
    finally:
        set_current(before)


def run_and_stop(
    sink: RecordingSink,
    call: Callable[[], Any],
    ready: Callable[[], Any],
    again: Callable[[], Any] | None = None,
) -> Any:
    """Run *call* in this thread, and ask it to stop as a worker does as soon as *ready* is true; once more
    when *again* is."""
    stop = SignalInterrupter(signal.SIGTERM)
    trouble: list[BaseException] = []

    def ask() -> None:
        for condition in filter(None, (ready, again)):
            try:
                until(condition)
            except BaseException as error:
                trouble.append(error)
            sink.context.request_cancel()
            stop.throw()

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        with current(sink):
            return stop.run(call)
    finally:
        asker.join()
        assert not trouble, trouble
