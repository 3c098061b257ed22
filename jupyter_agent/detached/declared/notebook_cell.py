"""Parameters of a notebook: what its cell with the tag ``parameters`` assigns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ...core.events import UNREADABLE
from ...errors import BadTarget
from .parameter import MAX_PARAMETERS, Declaration, DeclaredParameter, declared
from .source import Source

MAX_NOTEBOOK = 64 * 1024 * 1024
"""Bytes of a notebook's file."""

TAG = "parameters"
_MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)
_HEADING = re.compile(r"parameters?\W*", re.IGNORECASE)


class _Cell(Struct):
    cell_type: str = ""
    metadata: dict[str, Any] = {}
    source: str | list[str] = ""


class _Notebook(Struct):
    cells: list[_Cell]
    metadata: dict[str, Any] = {}


def notebook_parameters(path: Path) -> Declaration:
    """Return the parameters of the notebook in a file. Raises `BadTarget` when they cannot be read."""
    notebook = _read(path)
    language = _language(notebook)
    if language not in ("python", "ipython"):
        return Declaration(note=f"parameters can be given to Python notebooks only; this one is {language}")
    cell = next((cell for cell in notebook.cells if _is_tagged(cell)), None)
    if cell is None:
        return Declaration(
            more=True, note='no cell has the tag "parameters"; values that are given are set at the top'
        )
    text = cell.source if isinstance(cell.source, str) else "".join(cell.source)
    source = Source(_MAGIC.sub("", text), f"the cell with the tag {TAG!r}")
    return Declaration(parameters=_assigned(source), more=True)


def _is_tagged(cell: _Cell) -> bool:
    tags = cell.metadata.get("tags")
    return isinstance(tags, list) and TAG in tags


def _read(path: Path) -> _Notebook:
    try:
        if path.stat().st_size > MAX_NOTEBOOK:
            raise BadTarget(f"{path} is too large to be read for its parameters")
        return msgspec.json.decode(path.read_bytes(), type=_Notebook)
    except OSError as error:
        raise BadTarget(f"the notebook {path} cannot be read: {error.strerror or error}") from error
    except UNREADABLE as error:
        raise BadTarget(f"{path} is not a notebook: {str(error)[:200]}") from error


def _language(notebook: _Notebook) -> str:
    """Return the language of the notebook's kernel; Python when the notebook does not say."""
    for entry, field in (("kernelspec", "language"), ("language_info", "name")):
        found = notebook.metadata.get(entry)
        if isinstance(found, dict) and isinstance(found.get(field), str):
            return str(found[field]).lower()
    return "python"


def _assigned(source: Source) -> list[DeclaredParameter]:
    """Return the last assignment of each name, in the order of the first ones."""
    lines = max((node.end_lineno or 0 for node in source.tree.body), default=0)
    comments = source.comments(1, lines)
    found: dict[str, DeclaredParameter] = {}
    for node in source.tree.body:
        for name, annotation, value in _names(node):
            comment = _comment(source, comments, node)
            found[name] = declared(source, name, annotation, value, comment)
    return list(found.values())[:MAX_PARAMETERS]


def _names(node: ast.stmt) -> Iterator[tuple[str, ast.expr | None, ast.expr | None]]:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, node.annotation, node.value
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, None, node.value


def _comment(source: Source, comments: dict[int, str], node: ast.stmt) -> str | None:
    """Return the comment behind the statement, else the one in the line above it unless it is a heading."""
    beside = comments.get(node.end_lineno or node.lineno)
    above = comments.get(node.lineno - 1, "") if source.is_comment(node.lineno - 1) else ""
    return beside or (None if _HEADING.fullmatch(above) else above)
