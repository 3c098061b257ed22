"""Index from notebook cells to the tasks they started: a table beside ``tasks``.

Older journals do not have the table; it is created and filled when they are opened.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from sqlite3 import Connection

from ...core.task import Task
from ..base import CellLocation
from .schema import SOUND_SNAPSHOT, Row

_FILL = (
    f"INSERT INTO cells SELECT id, ifnull(json_extract({SOUND_SNAPSHOT}, '$.notebook'), ''), "
    f"ifnull(json_extract({SOUND_SNAPSHOT}, '$.cell'), '') FROM tasks"
)
CREATE = (
    "CREATE TABLE cells (task TEXT PRIMARY KEY, notebook TEXT NOT NULL, cell TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX cells_by_spot ON cells (cell, notebook)",
    _FILL,
)
_LOCATIONS = "SELECT DISTINCT notebook, cell FROM cells"
WITHIN = (
    "id IN (SELECT task FROM json_each(?) AS wanted CROSS JOIN cells"
    " ON cell = json_extract(wanted.value, '$[1]') AND notebook = json_extract(wanted.value, '$[0]'))"
)
"""The condition for tasks started in one of several locations; its value is `locations_value`."""


def rows(tasks: Iterable[Task]) -> list[Row]:
    """Return the rows of *tasks*."""
    return [(t.id, t.notebook or "", t.cell or "") for t in tasks]


def cell_locations(db: Connection, cells: Collection[str] | None) -> Iterator[CellLocation]:
    """Return every known location, or only those of *cells*."""
    of_cells = " WHERE cell IN (SELECT value FROM json_each(?))"
    found = (
        db.execute(_LOCATIONS)
        if cells is None
        else db.execute(_LOCATIONS + of_cells, [json.dumps(list(cells))])
    )
    return (CellLocation(notebook or None, cell or None) for notebook, cell in found if notebook or cell)


def locations_value(locations: Collection[CellLocation]) -> str:
    """Return the value for `WITHIN`."""
    return json.dumps([(notebook or "", cell or "") for notebook, cell in locations])
