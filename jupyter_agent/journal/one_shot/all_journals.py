"""All journals of a user as one: over HTTP where a server holds them, else opened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ...core.events import Event
from ...core.query import TaskQuery
from ...core.task import Task
from ...errors import AgentError, JournalHeld, RequestRefused, ServerUnreachable, UnknownTask
from ...system.paths import DataPaths
from ...transport.blocking_api import BlockingApi
from ...transport.discovery import find_address
from ..slots import known_slots
from .journal import OneShotJournal

T = TypeVar("T")
Source = BlockingApi | OneShotJournal
ANSWER_TIMEOUT = 5.0
"""Seconds that a journal's holder may take to answer, while it starts or ends."""

_RETRY = 0.1


class AllJournals:
    """The journals of one user. Every method blocks, and raises `AgentError` with a sentence for the user."""

    def __init__(self, paths: DataPaths) -> None:
        self._paths = paths

    def tasks(self, query: TaskQuery) -> list[Task]:
        """Return the newest tasks of all journals, newest first by id."""
        found = [self._use(slot, lambda source: source.tasks(query)) for slot in known_slots(self._paths)]
        return merge_tasks(found, query.limit)

    def task(self, task_id: str) -> Task:
        """Return the snapshot of one task."""
        return self._find(task_id)[1]

    def events(self, task_id: str, after: str | None) -> list[Event]:
        """Return all events of a task, or those after a cursor."""
        slot, task = self._find(task_id)
        return self._use(slot, lambda source: source.all_events(task.id, after))

    def command(self, task_id: str, command: str, args: dict[str, Any]) -> None:
        slot, task = self._find(task_id)
        self._use(slot, lambda source: source.command(task.id, command, args), once=True)

    def _find(self, task_id: str) -> tuple[str, Task]:
        """Return the task and its journal.

        Raises `UnknownTask`, whose message names the journals that do not answer.
        """
        errors: list[AgentError] = []
        slots = known_slots(self._paths)
        for slot in slots:
            try:
                return slot, self._use(slot, lambda source: source.task(task_id))
            except UnknownTask:
                continue
            except AgentError as error:
                errors.append(error)
        if len(errors) == len(slots):
            raise errors[0]
        raise UnknownTask(f"there is no task {task_id}{not_asked(map(str, errors))}", task_id=task_id)

    def _use(self, slot: str, action: Callable[[Source], T], *, once: bool = False) -> T:
        """Call *action* with the journal's present holder, else with the journal itself.

        When the holder changes in between, *action* is repeated, unless it may be done only *once*.
        """
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while True:
            try:
                return action(self._open(slot))
            except JournalHeld as held:
                if time.monotonic() > deadline:
                    raise unresponsive(slot, held) from held
            except ServerUnreachable:
                if once or time.monotonic() > deadline:
                    raise
            time.sleep(_RETRY)

    def _open(self, slot: str) -> Source:
        address = find_address(self._paths, slot)
        if address is not None and _is_there(api := BlockingApi(address)):
            return api
        return OneShotJournal(self._paths, slot)


def _is_there(api: BlockingApi) -> bool:
    """Return whether the holder answers and accepts the key.

    A stale address may be another program's now.
    """
    try:
        return "journal" in api.health()
    except (ServerUnreachable, RequestRefused):
        return False


def merge_tasks(found: list[list[Task]], limit: int | None) -> list[Task]:
    """Return the newest tasks of several journals, newest first; *limit* of ``None``: all."""
    merged = {task.id: task for tasks in found for task in tasks}
    return sorted(merged.values(), key=lambda task: task.id, reverse=True)[:limit]


def not_asked(troubles: Iterable[str]) -> str:
    """Return the end of a sentence: why some journals could not be asked; empty when all were."""
    why = "; ".join(troubles)
    return f"; not asked: {why}" if why else ""


def unresponsive(slot: str, held: JournalHeld) -> ServerUnreachable:
    """Return the error for a journal whose holder does not answer."""
    url, pid = str(held.holder.get("url") or ""), held.holder.get("pid")
    who = f"the server at {url}" if url else "a process"
    number = f" (process {pid})" if pid else ""
    return ServerUnreachable(f"{who}{number} holds the journal {slot!r} and does not answer", url=url)
