"""The size of folders, modules and functions, and the direction of every import, those for types included."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "jupyter_agent"
FRONTEND = PACKAGE / "frontend" / "src"

MAX_MODULES = 15
"""In one folder; an ``__init__.py`` does not count."""
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40


def test_no_folder_has_too_many_modules() -> None:
    sources = [path for path in (*python_files(), *FRONTEND.rglob("*.ts")) if path.name != "__init__.py"]
    folders = Counter(named(path.parent) for path in sources)
    assert {folder: count for folder, count in folders.items() if count > MAX_MODULES} == {}


def test_no_module_is_too_long() -> None:
    lines = {
        named(path): len(path.read_text("utf-8").splitlines())
        for path in (*python_files(), *FRONTEND.rglob("*.ts"))
    }
    assert {name: count for name, count in lines.items() if count > MAX_MODULE_LINES} == {}


def test_no_function_is_too_long() -> None:
    lines = {
        f"{named(path)}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in python_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: count for name, count in lines.items() if count > MAX_FUNCTION_LINES} == {}


def test_no_modules_import_each_other() -> None:
    try:
        TopologicalSorter(import_graph()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_imports_go_down_only() -> None:
    upward = [
        f"{source} -> {target}"
        for container, layers in layers_of_the_linter()
        for source, targets in import_graph().items()
        for target in targets
        if goes_up(layers, below(container, source), below(container, target))
    ]
    assert upward == []


def python_files() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def import_graph() -> dict[str, set[str]]:
    """What each module imports, in functions and for types, too. The root's names are lazy: it has none."""
    modules = {dotted(path): path for path in python_files()}
    graph = {name: set(imported(path, modules.keys())) - {name} for name, path in modules.items()}
    return graph | {"jupyter_agent": set()}


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, modules: Any) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package_of(path, node.level), *filter(None, [node.module])])
            names = (f"{base}.{alias.name}" for alias in node.names)
            yield from (name if name in modules else base for name in names if {name, base} & modules)


def package_of(path: Path, level: int) -> list[str]:
    """Where an import of *level* dots in *path* starts; empty for an absolute one."""
    folder = path.parent.relative_to(ROOT).parts
    return list(folder[: len(folder) - level + 1]) if level else []


def layers_of_the_linter() -> Iterator[tuple[str, dict[str, int]]]:
    """Each container of import-linter's layers in pyproject.toml, with the height of the layers in it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            rows = [row.replace("|", ":").split(":") for row in reversed(contract["layers"])]
            layers = {name.strip(" ()"): height for height, row in enumerate(rows) for name in row}
            yield from ((container, layers) for container in contract["containers"])


def below(container: str, module: str) -> str | None:
    """The layer of *container* that *module* belongs to; ``None`` where it lies outside."""
    name = module.removeprefix(f"{container}.")
    return None if name == module else name.partition(".")[0]


def goes_up(layers: dict[str, int], source: str | None, target: str | None) -> bool:
    return source in layers and target in layers and layers[source] < layers[target]
