"""`tasks`: handles of the newest tasks, as a list that a notebook shows as a live table.

The data and text of its display, by which two runs of a notebook are compared, name the tasks and contain
no ids, times or states. Those are in the metadata, as in the view of one task.
"""

from __future__ import annotations

from html import escape
from typing import SupportsIndex, overload

from ..core.events import TaskState
from ..core.sanitize import to_single_line
from ..core.task import Task
from ..producer.producer import current_producer
from ..runtime.local_task import local_tasks
from .display.bundle import Bundle
from .display.widget_sync import as_json
from .handle import TaskHandle, view_of
from .journal_client import list_tasks
from .remote_task import RemoteTask

MIME = "application/vnd.jupyter-agent.tasks.v1+json"
STATES = tuple(state.value for state in TaskState)


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

    def _repr_html_(self) -> str:
        return _html(self._seen())

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        seen = self._seen()
        data = {MIME: {"v": 1}, "text/html": _html(seen), "text/plain": repr(self)}
        return data, {MIME: {"tasks": [as_json(task) for task in seen]}}

    def _seen(self) -> list[Task]:
        return [view_of(handle).seen() for handle in self]


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


def _matches(task: Task, state: str | None, name: str | None) -> bool:
    return (state is None or task.state == state) and (name is None or task.name == name)


def _html(tasks: list[Task]) -> str:
    """Return a table of names, keys and tags: what the code gave, so that two runs compare equal."""
    if not tasks:
        return "<p>No tasks.</p>"
    columns = {
        "Task": [task.name for task in tasks],
        "Key": [task.key or "" for task in tasks],
        "Tags": [", ".join(task.tags) for task in tasks],
    }
    shown = {title: cells for title, cells in columns.items() if title == "Task" or any(cells)}
    head = "".join(f"<th>{title}</th>" for title in shown)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in zip(*shown.values(), strict=True))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(text: str) -> str:
    return f"<td>{escape(to_single_line(text))}</td>"
