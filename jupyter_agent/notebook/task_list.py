"""`tasks`: handles of the newest tasks, as a list that a notebook shows as a live table.

Its still table and its text say of which moment they are: what is saved stays true. Where the extension is
installed, the table is drawn from the metadata, and goes on.
"""

from __future__ import annotations

import time
from html import escape
from typing import Any, SupportsIndex, overload

from ..core.events import TaskState
from ..core.task import Task
from ..producer.producer import current_producer
from ..rendering.signatures import readable
from ..rendering.summary import as_of, columns_of, text_table
from ..runtime.local_task import local_tasks
from ..runtime.origin import kernel_shell
from .display.bundle import Bundle
from .display.widget_sync import as_json
from .handle import TaskHandle, view_of
from .journal_client import list_tasks
from .remote_task import RemoteTask

MIME = "application/vnd.jupyter-agent.tasks.v1+json"
STATES = tuple(state.value for state in TaskState)


@readable
class TaskList(list[TaskHandle]):
    """Handles that a notebook shows as a table; so do its slices and sums."""

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> TaskHandle: ...
    @overload
    def __getitem__(self, index: slice, /) -> TaskList: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> TaskHandle | TaskList:
        found = super().__getitem__(index)
        return found if isinstance(found, TaskHandle) else TaskList(found)

    def __add__(self, more: list[TaskHandle], /) -> TaskList:  # type: ignore[override]
        return TaskList([*self, *more])

    def __radd__(self, before: list[TaskHandle], /) -> TaskList:
        return TaskList([*before, *self])

    def copy(self) -> TaskList:
        return TaskList(self)

    def to_frame(self) -> Any:
        """Return a ``pandas.DataFrame``, one row a task; ``duration`` is in seconds.

        Columns are ``id``, ``name``, ``kind``, ``state``, ``queued``, ``started``, ``ended``, ``duration``,
        then ``params.<name>`` for each parameter, and ``metrics.<name>.last``, ``.min`` and ``.max`` for each
        metric.
        Raises `ImportError` without pandas.
        """
        from .display.frame import frame_of

        return frame_of((_newest(handle) for handle in self), time.time())

    def _repr_html_(self) -> str:
        return _html(self._seen(), time.time())

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        seen, now = self._seen(), time.time()
        text = repr(self) if kernel_shell() is None else text_table(seen, now)
        data = {MIME: {"v": 1}, "text/html": _html(seen, now), "text/plain": text}
        return data, {MIME: {"tasks": [as_json(task) for task in seen]}}

    def _seen(self) -> list[Task]:
        return [view_of(handle).seen() for handle in self]


@readable
def tasks(*, state: str | None = None, name: str | None = None, limit: int = 50) -> TaskList:
    """Return the newest tasks of the journal and of this process, newest first; at most *limit*.

    *state* and *name* filter; ``None`` matches all. Raises `ValueError` for a state that does not exist and
    for a *limit* below 1.
    """
    if state is not None and state not in STATES:
        raise ValueError(f"state={state!r} does not exist; use one of {', '.join(map(repr, STATES))}")
    if limit < 1:
        raise ValueError(f"limit={limit} is less than 1; leave it out for 50")
    producer = current_producer()
    found = {task.id: task for task in list_tasks(producer, state=state, name=name, limit=limit)}
    handles = TaskList()
    own = {task.id: task for task in local_tasks.all() if _matches(task.fold, state, name)}
    for task_id in sorted({*found, *own}, reverse=True)[:limit]:
        local = local_tasks.get(task_id)
        if local is not None:
            if _matches(local.fold, state, name):
                handles.append(TaskHandle(local, local.outcome_holder))
        else:
            handles.append(TaskHandle(RemoteTask(producer, task_id, found[task_id])))
    return handles


def _newest(handle: TaskHandle) -> Task:
    """Return the present snapshot; of an ended task the last known one, which costs no request."""
    view = view_of(handle)
    seen = view.seen()
    return seen if seen.state.ended else view.snapshot()


def _matches(task: Task, state: str | None, name: str | None) -> bool:
    return (state is None or task.state == state) and (name is None or task.name == name)


def _html(tasks: list[Task], when: float) -> str:
    """Return a table of *tasks* as they were at *when*."""
    if not tasks:
        return "<p>No tasks.</p>"
    columns = columns_of(tasks)
    head = "".join(f"<th>{title}</th>" for title in columns)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in zip(*columns.values(), strict=True))
    caption = f"<caption>{escape(as_of(when))}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"
