"""Index from notebook cells to the tasks they started: a table beside ``tasks``.

Older journals do not have the table; it is created empty when they are opened, and filled in steps.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from sqlite3 import Connection

from ...core.task import Task
from ..base import CellLocation
from .schema import MARK_UNLISTED, MARK_UNPLACED, SOUND_SNAPSHOT, Row

FILL = (
    f"INSERT OR REPLACE INTO cells SELECT id, ifnull(json_extract({SOUND_SNAPSHOT}, '$.notebook'), ''), "
    f"ifnull(json_extract({SOUND_SNAPSHOT}, '$.cell'), '') FROM tasks"
    " WHERE id IN (SELECT value FROM json_each(?))"
)
CREATE = (
    "CREATE TABLE cells (task TEXT PRIMARY KEY, notebook TEXT NOT NULL, cell TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX cells_by_spot ON cells (cell, notebook)",
    MARK_UNLISTED,
    MARK_UNPLACED,
)
_LOCATIONS = """
WITH RECURSIVE found (cell, notebook) AS (
    SELECT * FROM (SELECT cell, notebook FROM cells WHERE (cell, notebook) > (?, ?)
                   ORDER BY cell, notebook LIMIT 1)
    UNION ALL
    SELECT following.cell, following.notebook FROM found JOIN cells AS following ON following.task = ifnull(
        (SELECT task FROM cells WHERE cells.cell = found.cell AND cells.notebook > found.notebook
         ORDER BY cells.notebook LIMIT 1),
        (SELECT task FROM cells WHERE cells.cell > found.cell ORDER BY cells.cell, cells.notebook LIMIT 1)))
SELECT notebook, cell FROM found LIMIT ?
"""
"""Each location once, from one to the next by the index: there are far fewer than tasks."""

_LOCATIONS_OF = "SELECT DISTINCT notebook, cell FROM cells WHERE cell IN (SELECT value FROM json_each(?))"
TASKS, AT = "cells CROSS JOIN tasks ON id = cells.task", "cells.cell = ? AND cells.notebook = ?"
"""The tasks started in one location, in the order of their ids, and the condition; its values: `places`."""

AMONG = (
    "(SELECT length(cell) || ':' || cell || notebook FROM cells WHERE task = id)"
    " IN (SELECT value FROM json_each(?))"
)
"""The condition for tasks started in any of many locations; its value: `encoded`."""


def rows(tasks: Iterable[Task]) -> list[Row]:
    """Return the rows of *tasks*."""
    return [(t.id, t.notebook or "", t.cell or "") for t in tasks]


def cell_locations(
    db: Connection, cells: Collection[str] | None, after: CellLocation, limit: int | None
) -> Iterator[CellLocation]:
    """See `base.Journal.cell_locations`."""
    if cells is None:
        found = db.execute(_LOCATIONS, [*after.spot, -1 if limit is None else limit])
    else:
        found = db.execute(_LOCATIONS_OF, [json.dumps(list(cells))])
    return (CellLocation(notebook or None, cell or None) for notebook, cell in found if notebook or cell)


def places(locations: Collection[CellLocation]) -> list[tuple[str, str]]:
    """Return the values for `AT`, one for each location."""
    return [location.spot for location in locations]


def encoded(spots: Collection[tuple[str, str]]) -> str:
    """Return the value for `AMONG`."""
    return json.dumps([f"{len(cell)}:{cell}{notebook}" for cell, notebook in spots])
