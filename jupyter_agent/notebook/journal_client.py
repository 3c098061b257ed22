"""Journal client: a kernel's queries and commands, sent to the journal's server or to a one-shot program.

A kernel never opens a journal itself: where no server holds it, a process of its own does.
"""

from __future__ import annotations

from typing import Any, Protocol

from ..core.events import Event
from ..core.ids import is_ulid
from ..core.query import TaskQuery
from ..core.task import Task
from ..errors import UnknownTask
from ..producer.producer import Producer


class _Journals(Protocol):
    def tasks(self, query: TaskQuery) -> list[Task]: ...

    def task(self, task_id: str) -> Task: ...

    def all_events(self, task_id: str, after: str | None) -> list[Event]: ...

    def command(self, task_id: str, command: str, args: dict[str, Any]) -> None: ...


def show_task(producer: Producer, task_id: str) -> Task:
    """Return the snapshot of one task. Raises `UnknownTask`."""
    if not is_ulid(task_id):
        raise UnknownTask(f"{task_id[:80]!r} is not a task id; ja.tasks() lists them", task_id=task_id)
    try:
        return _journals(producer).task(task_id)
    except UnknownTask as error:
        raise UnknownTask(f"{error}; ja.tasks() lists those there are", task_id=task_id) from None


def list_tasks(
    producer: Producer,
    *,
    state: str | None = None,
    name: str | None = None,
    key: str | None = None,
    limit: int = 50,
) -> list[Task]:
    """Return the newest tasks, newest first."""
    return _journals(producer).tasks(TaskQuery(state=state, name=name, key=key, limit=limit))


def task_events(producer: Producer, task_id: str, after: str | None = None) -> list[Event]:
    """Return all events of a task, or those after a cursor."""
    return _journals(producer).all_events(task_id, after)


def command(producer: Producer, task_id: str, word: str, **args: Any) -> None:
    """Send a command to a task. Raises `NotNow` when it makes no sense now, `UnknownTask`."""
    _journals(producer).command(task_id, word, args)


def _journals(producer: Producer) -> _Journals:
    # Imported here: a kernel that asks about no task needs neither HTTP nor subprocesses.
    address = producer.locate()
    if address is None:
        from ..transport.one_shot_program import OneShotProgram

        return OneShotProgram()
    from ..transport.blocking_api import BlockingApi

    return BlockingApi(address)
