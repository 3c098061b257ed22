"""Where tasks were started: a table beside the tasks, to find those of a notebook's cells at once.

Journals of before have no such table; they get it, filled, when they are opened.
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
_SPOTS = "SELECT DISTINCT notebook, cell FROM cells"
WITHIN = (
    "id IN (SELECT task FROM json_each(?) AS place CROSS JOIN cells"
    " ON cell = json_extract(place.value, '$[1]') AND notebook = json_extract(place.value, '$[0]'))"
)
"""The clause for tasks that were started in one of some locations; its value is `locations_value`."""


def rows(tasks: Iterable[Task]) -> list[Row]:
    """The rows of *tasks*."""
    return [(t.id, t.notebook or "", t.cell or "") for t in tasks]


def cell_locations(db: Connection, cells: Collection[str] | None) -> Iterator[CellLocation]:
    """Every location that is known; only of these *cells* when they are given."""
    of_cells = " WHERE cell IN (SELECT value FROM json_each(?))"
    found = db.execute(_SPOTS) if cells is None else db.execute(_SPOTS + of_cells, [json.dumps(list(cells))])
    return (CellLocation(notebook or None, cell or None) for notebook, cell in found if notebook or cell)


def locations_value(locations: Collection[CellLocation]) -> str:
    """What `WITHIN` is asked with."""
    return json.dumps([(notebook or "", cell or "") for notebook, cell in locations])
