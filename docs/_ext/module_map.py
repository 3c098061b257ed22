"""The map of the package, made from the first line of every module's docstring.

``module-map`` draws the table of one folder of the package and of the folders in it.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).parents[2] / "jupyter_agent"


def modules(room: str) -> dict[str, str]:
    """The first docstring line of every module in the folder *room*, by path; "." is the root alone."""
    folder = PACKAGE / room
    paths = sorted(folder.glob("*.py") if room == "." else folder.rglob("*.py"), key=_rank)
    return {_name(path, folder): _first_line(path) for path in paths if path != folder / "__init__.py"}


def _rank(path: Path) -> tuple[Path, bool, str]:
    return path.parent, path.name != "__init__.py", path.name


def _name(path: Path, folder: Path) -> str:
    place = path.relative_to(folder)
    return f"{place.parent}/" if path.name == "__init__.py" else str(place)


def _first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    return text.partition("\n")[0] if text else ""


class ModuleMap(SphinxDirective):
    """``module-map`` with the path of a folder in the package."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in (30, 70)], cols=2)
        group += nodes.thead("", _row(nodes.Text("module"), nodes.Text("what it is")))
        rows = [
            _row(nodes.literal(text=name), *_inline(line))
            for name, line in modules(self.arguments[0]).items()
        ]
        group += nodes.tbody("", *rows)
        return [nodes.table("", group)]


def _row(first: nodes.Node, *second: nodes.Node) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", *cell)) for cell in ((first,), second)])


def _inline(text: str) -> list[nodes.Node]:
    parts = text.replace("``", "`").split("`")
    return [nodes.literal(text=part) if index % 2 else nodes.Text(part) for index, part in enumerate(parts)]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("module-map", ModuleMap)
    return {"version": "1", "parallel_read_safe": True}
