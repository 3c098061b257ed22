"""Tables of the package: its modules, from their first sentences, and its layers.

``module-map`` draws the table of one folder of the package and of the folders in it. ``import-layers`` draws
the parts of the package, or of one folder, in the order in which they may import each other, as
`pyproject.toml` has them.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "jupyter_agent"
_TS_COMMENT = re.compile(r"/\*\*(.*?)\*/", re.DOTALL)
_SENTENCE = re.compile(r"(.+?\.)(?:\s|$)", re.DOTALL)


def modules(room: str) -> dict[str, str]:
    """Return the first sentence of every module in the folder *room*, by path; "." is the root alone."""
    folder = PACKAGE / room
    suffix = ".ts" if room.startswith("frontend") else ".py"
    paths = sorted(folder.glob(f"*{suffix}") if room == "." else folder.rglob(f"*{suffix}"), key=_rank)
    return {_name(path, folder): _first_line(path) for path in paths if path != folder / "__init__.py"}


def layers(container: str) -> list[tuple[list[str], bool]]:
    """Return the parts of each layer of *container*, from the top, and whether those of one layer may import
    each other. Raises `ValueError` for a container without a contract.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (found,) = (c["layers"] for c in contracts if c.get("containers") == [container])
    return [(re.findall(r"\w+", layer), ":" in layer) for layer in found]


def _rank(path: Path) -> tuple[Path, bool, str]:
    return path.parent, path.name != "__init__.py", path.name


def _name(path: Path, folder: Path) -> str:
    place = path.relative_to(folder)
    return f"{place.parent}/" if path.name == "__init__.py" else str(place)


def _first_line(path: Path) -> str:
    text = path.read_text("utf-8")
    if path.suffix == ".ts":
        comment = _TS_COMMENT.match(text)
        words = " ".join(re.sub(r"^\s*\*", "", comment[1], flags=re.MULTILINE).split()) if comment else ""
        sentence = _SENTENCE.match(words)
        return sentence[1] if sentence else words
    docstring = ast.get_docstring(ast.parse(text))
    return docstring.partition("\n")[0] if docstring else ""


class ModuleMap(SphinxDirective):
    """``module-map`` with the path of a folder in the package."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        rows = [
            _row([nodes.literal(text=name)], _inline(line))
            for name, line in modules(self.arguments[0]).items()
        ]
        return [_table(("module", "what it is"), (30, 70), rows)]


class ImportLayers(SphinxDirective):
    """``import-layers`` with the dotted name of the package or of a folder: one row for each layer."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        rows = [
            _row(
                [nodes.Text(str(number))],
                _separated([nodes.literal(text=name) for name in names]),
                [nodes.Text(_among(names, together=together))],
            )
            for number, (names, together) in enumerate(layers(self.arguments[0]), 1)
        ]
        return [_table(("layer", "parts", "among themselves"), (10, 55, 35), rows)]


def _among(names: list[str], *, together: bool) -> str:
    if len(names) == 1:
        return ""
    return "may import each other" if together else "do not import each other"


def _separated(items: list[nodes.Node]) -> list[nodes.Node]:
    parts: list[nodes.Node] = []
    for item in items:
        parts += [nodes.Text(", "), item] if parts else [item]
    return parts


def _table(titles: tuple[str, ...], widths: tuple[int, ...], rows: list[nodes.row]) -> nodes.table:
    group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in widths], cols=len(widths))
    group += nodes.thead("", _row(*[[nodes.Text(title)] for title in titles]))
    group += nodes.tbody("", *rows)
    return nodes.table("", group)


def _row(*cells: list[nodes.Node]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells])


def _inline(text: str) -> list[nodes.Node]:
    parts = text.replace("``", "`").split("`")
    return [nodes.literal(text=part) if index % 2 else nodes.Text(part) for index, part in enumerate(parts)]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("module-map", ModuleMap)
    app.add_directive("import-layers", ImportLayers)
    return {"version": "2", "parallel_read_safe": True}
