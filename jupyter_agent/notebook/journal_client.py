"""Journal client: a kernel's queries and commands, sent to the journal's server or to a one-shot program.

A kernel never opens a journal itself: where no server holds it, a process of its own does. That process is
also asked about tasks that the kernel's server does not know while there are other journals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ..core.events import Event
from ..core.ids import is_ulid
from ..core.query import TaskQuery
from ..core.task import Task
from ..errors import UnknownTask
from ..producer.producer import Producer
from ..system.paths import DataPaths

T = TypeVar("T")


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
        return _find(producer, lambda journals: journals.task(task_id))
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
    query = TaskQuery(state=state, name=name, key=key, limit=limit)
    if key is not None and _has_others(producer.paths):
        return _all_journals().tasks(query)  # any of them may have the task that the key stands for
    return _journals(producer).tasks(query)


def task_events(producer: Producer, task_id: str, after: str | None = None) -> list[Event]:
    """Return all events of a task, or those after a cursor."""
    return _find(producer, lambda journals: journals.all_events(task_id, after))


def command(producer: Producer, task_id: str, word: str, **args: Any) -> None:
    """Send a command to a task. Raises `NotNow` when it makes no sense now, `UnknownTask`."""
    _find(producer, lambda journals: journals.command(task_id, word, args))


def _find(producer: Producer, action: Callable[[_Journals], T]) -> T:
    """Call *action* with this process's own journal; where that does not know the task, with all of them."""
    try:
        return action(_journals(producer))
    except UnknownTask:
        if not _has_others(producer.paths):
            raise
    return action(_all_journals())


def _has_others(paths: DataPaths) -> bool:
    return sum(folder.is_dir() for folder in paths.journals.glob("*")) > 1


def _all_journals() -> _Journals:
    from ..transport.one_shot_program import OneShotProgram

    return OneShotProgram()


def _journals(producer: Producer) -> _Journals:
    # Imported here: a kernel that asks about no task needs neither HTTP nor subprocesses.
    address = producer.locate()
    if address is None:
        return _all_journals()
    from ..transport.blocking_api import BlockingApi

    return BlockingApi(address)
