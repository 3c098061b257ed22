"""Search for tasks by a reader on the event loop: the journal serves other requests between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from msgspec.structs import replace

from ...core.query import TaskQuery, TasksPage
from ...core.task import Task
from ...journal.base import SCAN_LIMIT, CellLocation
from ...journal.operations.pace import Pace
from ...journal.session import JournalSession
from ...journal.task_search import TaskSearch
from .feed import Feed

SEARCH_SECONDS = 0.08
"""Seconds after which a search ends with the step that it is in: the page says that there may be more."""

_FIRST_STEP, _SMALLEST_STEP = 500, 100
"""Rows that a step scans: with a cold disk, those of ``tasks`` take a tenth of a millisecond each."""


async def find_tasks(
    feed: Feed,
    query: TaskQuery,
    locations: Collection[CellLocation] | None,
    scan_limit: int = SCAN_LIMIT,
    clock: Callable[[], float] = time.monotonic,
) -> TasksPage:
    """Return a page of tasks, with the cursor up to which their snapshots are folded.

    Without ``before``, a search that went to the end of the page; see `TasksPage`. A step scans at most
    *scan_limit* rows. A task whose state changed during the search, so that it no longer
    fits, is left out.
    """
    limit, deadline = query.limit, clock() + SEARCH_SECONDS
    search = TaskSearch(replace(query, limit=None if limit is None else limit + 1), locations=locations)
    pace = Pace(min(_FIRST_STEP, scan_limit), scan_limit, smallest=min(_SMALLEST_STEP, scan_limit))
    tasks: list[Task] | None = None
    while tasks is None:
        cursor, tasks = await _step(feed, search, limit, pace, lambda: clock() >= deadline)
    more = limit is not None and len(search.ids) > limit
    before = None if more else search.before
    fitting = [task for task in tasks if query.state is None or task.state == query.state]
    return TasksPage(fitting, more or before is not None, cursor, before)


async def _step(
    feed: Feed, search: TaskSearch, limit: int | None, pace: Pace, is_over: Callable[[], bool]
) -> tuple[str, list[Task] | None]:
    """Search on; return the snapshots, read in the job of the last step, and ``None`` before it."""
    is_last = False

    def job(session: JournalSession) -> list[Task]:
        nonlocal is_last
        with pace.step() as rows:
            is_last = not search.step(session.journal, rows) or is_over()
        return session.journal.tasks_of(search.ids[:limit]) if is_last else []

    cursor, tasks = await feed.snapshots(job)
    return cursor, tasks if is_last else None
