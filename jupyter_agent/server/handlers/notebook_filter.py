"""Which recorded notebooks are the one that somebody asks for.

A task says in which file it was started, as the kernel was told when it started. The notebook may have been
renamed or moved since, even while that kernel lives; and a copy of it has the same cells.
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
    """What a recorded notebook is to the one that is asked for."""

    SAME = "same"
    GONE = "gone"
    OTHER = "other"


@dataclass(slots=True)
class NotebookMatcher:
    """A notebook by its contents *path*.

    *root* is the folder that such paths are below; ``None`` where contents are not files, and only names can
    be compared.
    """

    path: str
    root: Path | None
    _kinds: dict[str, Kind] = field(default_factory=dict)
    _cells: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def choose(self, locations: Iterable[CellLocation], *, by_cell: bool) -> list[CellLocation]:
        """Return the locations that are this notebook's. Reads files, so it may take a while.

        With *by_cell* (they all are of cells that this notebook has) also those of a notebook that is gone,
        of one that no longer has the cell, and of none.
        """
        return [location for location in locations if self._is_ours(location, by_cell=by_cell)]

    def _is_ours(self, location: CellLocation, *, by_cell: bool) -> bool:
        if location.notebook is None:
            return by_cell
        kind = self._kind(location.notebook)
        if kind is Kind.OTHER:
            return by_cell and not self._still_has(location.notebook, location.cell)
        return kind is Kind.SAME or by_cell

    def _kind(self, recorded: str) -> Kind:
        if recorded not in self._kinds:
            self._kinds[recorded] = self._compared(recorded)
        return self._kinds[recorded]

    def _compared(self, recorded: str) -> Kind:
        names = {self.path, _DRIVE.sub("", self.path)}
        if self.root is None:
            same = PurePosixPath(recorded).name in {PurePosixPath(name).name for name in names}
            return Kind.SAME if same else Kind.OTHER
        try:
            there = (self.root / recorded).stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):  # a name that no file can have
            return Kind.GONE
        except OSError:  # nobody can tell
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
    """The ids of a notebook's cells; ``None`` when it cannot be read as one."""
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
