"""Search for tasks in steps, each of which scans a bounded number of rows.

A filter that few tasks fit may have to look at all of them. Whoever serves others searches step by step and
lets other jobs run in between.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from ..core.query import TaskQuery
from .base import SCAN_LIMIT, CellLocation, Journal


class TaskSearch:
    """The search for what `Journal.tasks` returns for the same arguments.

    ``ids``: those found so far. ``before``: the id below which the next step searches.
    """

    def __init__(
        self,
        query: TaskQuery,
        producer: str | None = None,
        locations: Collection[CellLocation] | None = None,
    ) -> None:
        self.ids: list[str] = []
        self._query = query
        self.before = query.before
        self._producer = producer
        self._locations = locations

    def step(self, journal: Journal, scan_limit: int = SCAN_LIMIT) -> bool:
        """Search on; return False when nothing is left to be searched."""
        found, before = journal.task_ids(
            self._query, producer=self._producer, locations=self._locations, scan_limit=scan_limit
        )
        self.ids += found
        limit = self._query.limit
        self._query = replace(self._query, before=before, limit=None if limit is None else limit - len(found))
        self.before = before
        return before is not None
