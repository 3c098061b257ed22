"""Next items of a subscription, for processes that poll a journal."""

from __future__ import annotations

from ...core.ids import Cursor
from ...core.query import TaskQuery
from ...protocol.subscriber import Apply, Restart
from ..base import TAIL_TYPES
from ..session import JournalSession
from .tasks import PAGE, cursor_at, decoded

MAX_PAGES = 20
"""Maximum number of pages of events in one answer."""

MAX_SNAPSHOTS = 200
"""Maximum number of tasks with which a subscription to all of them begins."""


def next_items(
    session: JournalSession, named: list[str] | None, after: str | None, tail: int | None
) -> list[Restart | Apply]:
    """Return what a server would send now to a subscription that is at the cursor *after*.

    *named*: the ids of its tasks, ``None`` for all. *tail*: how many of the last log, message and display
    events of each named task come first when it begins.
    """
    start = _recovered(session, named, after)
    if start is None:
        return _beginning(session, named, tail)
    items: list[Restart | Apply] = []
    while len(items) < MAX_PAGES and (stored := session.journal.read(start, PAGE, tasks=named)):
        start = stored[-1].offset
        items.append(Apply(1, decoded(stored), cursor_at(session, start)))
    return items


def _recovered(session: JournalSession, named: list[str] | None, after: str | None) -> int | None:
    """Return the offset to go on from; ``None`` when the subscription has to start over."""
    if after is None:
        return None
    cursor = Cursor.parse(after)
    known = cursor.epoch == session.journal.epoch and session.journal.recoverable(cursor.offset, named)
    return cursor.offset if known else None


def _beginning(session: JournalSession, named: list[str] | None, tail: int | None) -> list[Restart | Apply]:
    journal, here = session.journal, cursor_at(session, session.journal.head)
    if named is None:
        tasks = journal.tasks(TaskQuery(limit=MAX_SNAPSHOTS))
        return [Restart(1, tasks, len(tasks) == MAX_SNAPSHOTS, here)]
    tasks = [task for task in map(journal.task, named) if task is not None]
    for task in tasks:
        task.cursor = here
    tails = [journal.tail(name, tail, TAIL_TYPES) for name in named] if tail else []
    last = sorted(event for events in tails for event in events)
    if not last:
        return [Restart(1, tasks, False, here)]
    return [Restart(1, tasks, False, cursor_at(session, last[0].offset - 1)), Apply(1, decoded(last), here)]
