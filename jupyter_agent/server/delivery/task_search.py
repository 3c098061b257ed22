"""Search for tasks by a reader on the event loop: the journal serves other requests between two steps."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from ...core.query import TaskQuery
from ...core.task import Task
from ...journal.base import SCAN_LIMIT, CellLocation
from ...journal.session import JournalSession
from ...journal.task_search import TaskSearch
from .feed import Feed


async def find_tasks(
    feed: Feed,
    query: TaskQuery,
    locations: Collection[CellLocation] | None,
    scan_limit: int = SCAN_LIMIT,
) -> tuple[str, list[Task], bool]:
    """Return the cursor up to which snapshots are folded, the tasks of a page, and whether more follow.

    A task whose state changed during the search, so that it no longer fits, is left out.
    """
    limit = query.limit
    search = TaskSearch(replace(query, limit=None if limit is None else limit + 1), locations=locations)
    going_on = True
    while going_on:
        cursor, tasks, going_on = await _step(feed, search, limit, scan_limit)
    fitting = [task for task in tasks if query.state is None or task.state == query.state]
    return cursor, fitting, limit is not None and len(search.ids) > limit


async def _step(
    feed: Feed, search: TaskSearch, limit: int | None, scan_limit: int
) -> tuple[str, list[Task], bool]:
    """Search on, and read the snapshots in the job of the last step."""
    going_on = False

    def job(session: JournalSession) -> list[Task]:
        nonlocal going_on
        going_on = search.step(session.journal, scan_limit)
        return [] if going_on else session.journal.tasks_of(search.ids[:limit])

    cursor, tasks = await feed.snapshots(job)
    return cursor, tasks, going_on
