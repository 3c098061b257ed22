"""A producer that is back: its tasks that were believed interrupted are running.

In steps, because it may have had a million tasks, and a thousand of them may be interrupted.
"""

from __future__ import annotations

from functools import partial

from ...core.events import State, TaskState, decode_event
from ...core.query import TaskQuery
from ...journal.base import HolderEvent, PendingCommand
from ...journal.session import JournalSession
from ...journal.task_search import TaskSearch
from ..delivery.feed import Feed
from ..prompts import reopen

INTERRUPTED = TaskQuery(state=TaskState.INTERRUPTED, limit=1000)
"""The tasks that may have to be set running again."""

SCANNED, AT_ONCE = 5000, 20
"""Rows that are scanned for them in one step, and tasks that are set running in one."""


async def reconnect(feed: Feed, producer: str) -> tuple[int, list[PendingCommand]]:
    """Set the interrupted tasks of a producer to running again.

    Return the last number that the journal has of it, and the commands that wait for it. Nothing is set for a
    producer that is known to be dead: it was killed before its hello was read.
    """
    search = TaskSearch(INTERRUPTED, producer=producer)
    while await feed.call(partial(_search, search, producer)):
        pass
    for start in range(0, len(search.ids), AT_ONCE):
        await feed.call(partial(_set_running, search.ids[start : start + AT_ONCE], producer))
    return await feed.call(partial(_waiting, producer))


def _search(search: TaskSearch, producer: str, session: JournalSession) -> bool:
    return producer not in session.dead_producers and search.step(session.journal, SCANNED)


def _set_running(ids: list[str], producer: str, session: JournalSession) -> None:
    if producer in session.dead_producers:
        return
    for task in session.journal.tasks_of(ids):
        if task.state is not TaskState.INTERRUPTED or task.producer != producer:
            continue  # it went on, or was run again elsewhere, since it was found
        last = session.journal.tail(task.id, 1, ["state"])
        if last and decode_event(last[0].encoded).producer != producer:
            running = State(TaskState.RUNNING, reason="its process is back")
            session.append(HolderEvent(task.id, task.attempt, "state", running))
            reopen(session, task)


def _waiting(producer: str, session: JournalSession) -> tuple[int, list[PendingCommand]]:
    row = session.journal.producer(producer)
    is_dead = producer in session.dead_producers
    return (0 if row is None else row.last_n), ([] if is_dead else session.journal.pending(producer))
