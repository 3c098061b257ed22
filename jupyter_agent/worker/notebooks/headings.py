"""Headings: the name of each cell, taken from the nearest Markdown heading above it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

MAX_LENGTH = 80
"""Characters of a heading."""

_FENCE = re.compile(r"^ {0,3}(```|~~~).*?(^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(
    r"^ {0,3}#{1,6}[ \t]+(?P<hash>.*?)[ \t]*#*[ \t]*$|^(?P<line>\S.*)\n {0,3}(?:=+|-+)[ \t]*$", re.MULTILINE
)
_MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[`*]+")


def headings(notebook: NotebookNode) -> list[str | None]:
    """Return one for each cell; ``None`` where no heading is above it."""
    found: list[str | None] = []
    newest = None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            newest = next(reversed(list(_headings(cell.source))), newest)
        found.append(newest)
    return found


def _headings(markdown: str) -> Iterator[str]:
    for match in _HEADING.finditer(_FENCE.sub("", markdown)):
        text = " ".join(_MARKS.sub(r"\1", match["hash"] or match["line"] or "").split())
        if text:
            yield text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1].rstrip() + "…"
