"""The notebook filter: which recorded notebook paths mean the notebook of a request.

A task records the file that it was started in, as its kernel learned it when that started. The notebook may
have been renamed or moved since, even while the kernel lives; and a copy of it has the same cells. Ids of
cells that a person chose (``setup``, ``fit``) are in many notebooks, and say little alone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Mapping
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


_GENERATED = re.compile(r"[0-9a-f]{8}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A cell id that a program made by chance, as nbformat (8 hexadecimal digits) and JupyterLab (a UUID) do."""


class Kind(Enum):
    """What a recorded notebook is to the requested one. ``UNNAMED``: the kernel did not learn its name."""

    SAME = "same"
    GONE = "gone"
    UNNAMED = "unnamed"
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

    def gone(self, locations: Iterable[CellLocation]) -> set[str]:
        """Return the notebooks of *locations* whose file is gone: `choose` needs all their cells."""
        named = {location.notebook for location in locations if location.notebook is not None}
        return {notebook for notebook in named if self._kind(notebook) is Kind.GONE}

    def choose(
        self,
        locations: Iterable[CellLocation],
        *,
        by_cell: bool,
        cells_of_gone: Mapping[str, Collection[str]] | None = None,
    ) -> list[CellLocation]:
        """Return the locations that are in this notebook. Reads files, so it may take a while.

        With *by_cell* all *locations* are of cells that this notebook has. Then also return those of a
        notebook that no longer has the cell, of no notebook, and of a notebook that is gone, if it was this
        one: *cells_of_gone* has all cells in which it started tasks.
        """
        gone = cells_of_gone or {}
        return [location for location in locations if self._matches(location, by_cell, gone)]

    def _matches(
        self, location: CellLocation, by_cell: bool, cells_of_gone: Mapping[str, Collection[str]]
    ) -> bool:
        if location.notebook is None:
            return by_cell
        match self._kind(location.notebook):
            case Kind.SAME:
                return True
            case Kind.UNNAMED:
                return by_cell
            case Kind.GONE:
                return by_cell and self._was_this(location, cells_of_gone.get(location.notebook, ()))
            case Kind.OTHER:
                return by_cell and not self._still_has(location.notebook, location.cell)

    def _was_this(self, location: CellLocation, cells: Collection[str]) -> bool:
        """Return True if the gone notebook of *location* is this one, before it was renamed or moved.

        A cell whose id was made by chance is in no other notebook. Otherwise this notebook must have all of
        its *cells*, and its name or its folder.
        """
        if _GENERATED.fullmatch(location.cell or ""):
            return True
        recorded, own = PurePosixPath(location.notebook or ""), self._own_path()
        alike = recorded.name == own.name or recorded.parent == own.parent
        return alike and (self._own_cells() or frozenset()).issuperset(cells)

    def _own_path(self) -> PurePosixPath:
        name = _DRIVE.sub("", self.path)
        return PurePosixPath(name if self.root is None else (self.root / name).as_posix())

    def _own_cells(self) -> frozenset[str] | None:
        own = str(self._own_path())
        if own not in self._cells:
            self._cells[own] = None if self.root is None else cells_of(Path(own))
        return self._cells[own]

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
            return Kind.UNNAMED
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
