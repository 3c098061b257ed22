"""Task as its views see it: without its result, so that a view does not keep the result in memory."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ...core.events import Log
from ...core.ids import short_id
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...rendering.curves import Curve
from ...rendering.formats import age
from ...runtime.local_task import LocalTask
from ...runtime.origin import kernel_shell
from ..task_source import TaskSource


class TaskView:
    """What a view draws and commands; implements `bundle.Viewable`.

    *local* is the task itself if this process runs it. *slim* asks for a view of one line.
    """

    def __init__(self, source: TaskSource, local: LocalTask | None, *, slim: bool) -> None:
        self.local = local
        self.slim = slim
        self.name = source.snapshot().name
        self._source = source

    @property
    def id(self) -> str:
        return self._source.id

    @property
    def is_local(self) -> bool:
        """Whether this process runs the task."""
        return self.local is not None

    @property
    def log_tail(self) -> Iterable[Log]:
        """The end of the log; empty for a task of another process."""
        return self.local.sink.log_tail if self.local is not None else ()

    @property
    def curves(self) -> Iterable[Curve]:
        """The metrics; none for a task of another process, and where a page draws them."""
        return (self.local.sink.curves or ()) if self.local is not None else ()

    def snapshot(self) -> Task:
        """Return the present snapshot."""
        return self._source.snapshot()

    def seen(self) -> Task:
        """Return the last known snapshot."""
        return self._source.seen()

    def cancel(self) -> bool:
        return self._source.cancel()

    def retry(self) -> None:
        self._source.retry()

    def send(self, text: str, prompt_id: str | None) -> None:
        self._source.send(text, prompt_id)

    def __repr__(self) -> str:
        """Return name, state, age and short id; in a notebook, whose outputs may be compared, the name."""
        name = to_single_line(self.name)
        if kernel_shell() is not None:
            return f"<Task {name}>"
        task = self.seen()
        when = task.ended or task.started or task.created
        since = f" {age(time.time() - when)}" if when else ""
        return f"<Task {name} {task.state.value}{since} {short_id(task.id)}>"
