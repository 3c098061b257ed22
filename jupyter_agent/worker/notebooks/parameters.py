"""Parameters of a notebook, injected in the way of papermill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode

from ...errors import BadTarget

_TAG, _INJECTED = "parameters", "injected-parameters"


def inject(notebook: NotebookNode, values: Mapping[str, Any], language: str, name: str) -> bool:
    """Add a cell that assigns *values*.

    It replaces a cell that was injected before, else it follows the cell that is tagged ``parameters``, else
    it is the first; false in the last case. *name* is the notebook's, for the error. Raises `BadTarget` when
    the kernel's language is not Python.
    """
    if language.lower() not in ("python", "ipython"):
        raise BadTarget(
            f"parameters can be given to Python notebooks only, and {name} is run in "
            f"{language or 'no known language'}; let it read them from environment variables"
        )
    cell = nbformat.v4.new_code_cell(_assignments(values), metadata={"tags": [_INJECTED]})
    nbformat.v4.upgrade(notebook)
    injected, tagged = _find(notebook, _INJECTED), _find(notebook, _TAG)
    if injected is not None:
        notebook.cells[injected] = cell
    else:
        notebook.cells.insert(0 if tagged is None else tagged + 1, cell)
    notebook.metadata.setdefault("papermill", {})["parameters"] = dict(values)
    return injected is not None or tagged is not None


def _assignments(values: Mapping[str, Any]) -> str:
    return "# Parameters\n" + "".join(f"{name} = {value!r}\n" for name, value in values.items())


def _find(notebook: NotebookNode, tag: str) -> int | None:
    for index, cell in enumerate(notebook.cells):
        if tag in cell.metadata.get("tags", []):
            return index
    return None
