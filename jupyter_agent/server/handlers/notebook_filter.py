"""The notebook filter: which recorded notebook paths mean the notebook of a request.

A task records the file that it was started in, as its kernel learned it when that started. The notebook may
have been renamed or moved since, even while the kernel lives; and a copy of it has the same cells.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from ...journal.base import CellLocation

MAX_BYTES = 64 << 20
"""A larger notebook is not read for its cells; it counts as one that still has them."""

_DRIVE = re.compile(r"\A[A-Za-z][\w-]*:/*")
"""What JupyterLab puts before the paths of another drive, as in ``RTC:study.ipynb``."""


class Kind(Enum):
    """What a recorded notebook is to the requested one."""

    SAME = "same"
    GONE = "gone"
    OTHER = "other"


@dataclass(slots=True)
class NotebookMatcher:
    """Compares recorded notebooks with the one at the contents *path*.

    *root* is the root folder of contents; ``None`` where contents are not files, so that only names can be
    compared.
    """

    path: str
    root: Path | None
    _kinds: dict[str, Kind] = field(default_factory=dict)
    _cells: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def choose(self, locations: Iterable[CellLocation], *, by_cell: bool) -> list[CellLocation]:
        """Return the locations that are in this notebook. Reads files, so it may take a while.

        With *by_cell* all *locations* are of cells that this notebook has. Then also return those of a
        notebook that is gone, of one that no longer has the cell, and of no notebook.
        """
        return [location for location in locations if self._matches(location, by_cell=by_cell)]

    def _matches(self, location: CellLocation, *, by_cell: bool) -> bool:
        if location.notebook is None:
            return by_cell
        kind = self._kind(location.notebook)
        if kind is Kind.OTHER:
            return by_cell and not self._still_has(location.notebook, location.cell)
        return kind is Kind.SAME or by_cell

    def _kind(self, recorded: str) -> Kind:
        if recorded not in self._kinds:
            self._kinds[recorded] = self._compare(recorded)
        return self._kinds[recorded]

    def _compare(self, recorded: str) -> Kind:
        names = {self.path, _DRIVE.sub("", self.path)}
        if self.root is None:
            same = PurePosixPath(recorded).name in {PurePosixPath(name).name for name in names}
            return Kind.SAME if same else Kind.OTHER
        try:
            there = (self.root / recorded).stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):  # a name that no file can have
            return Kind.GONE
        except OSError:  # unreadable: it may be any file
            return Kind.OTHER
        if not stat.S_ISREG(there.st_mode):  # a client that gave its session no name
            return Kind.GONE
        return Kind.SAME if any(_is_file(self.root / name, there) for name in names) else Kind.OTHER

    def _still_has(self, recorded: str, cell: str | None) -> bool:
        if recorded not in self._cells:
            self._cells[recorded] = None if self.root is None else cells_of(self.root / recorded)
        cells = self._cells[recorded]
        return cells is None or cell in cells


class _Cell(Struct):
    id: str = ""


class _Notebook(Struct):
    cells: list[_Cell] = []


def cells_of(file: Path) -> frozenset[str] | None:
    """Return the ids of a notebook's cells; ``None`` when it cannot be read as a notebook."""
    try:
        there = file.stat()
        if file.suffix != ".ipynb" or not stat.S_ISREG(there.st_mode) or there.st_size > MAX_BYTES:
            return None
        notebook = msgspec.json.decode(file.read_bytes(), type=_Notebook)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return frozenset(cell.id for cell in notebook.cells)


def _is_file(file: Path, other: os.stat_result) -> bool:
    try:
        return os.path.samestat(file.stat(), other)
    except (OSError, ValueError):
        return False
