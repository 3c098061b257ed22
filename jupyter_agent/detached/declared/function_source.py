"""Parameters of a function: its signature, in the source that is found for its name.

The module is searched where a worker would import it from, but no import is made: neither the module nor
its packages are executed.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import BadTarget
from ...system.start import PROTECTED
from ..target_parser import file_of_function
from .parameter import MAX_PARAMETERS, Declaration, DeclaredParameter, declared
from .source import MAX_SOURCE, Source

MAX_HOPS = 5
"""Imports that are followed from a package to the module that defines a function."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
_UNKNOWN = Declaration(more=True, note="its parameters are not known here; the run checks them")


class _Found(NamedTuple):
    source: Source
    node: Function
    skipped: int
    """Leading parameters that are bound already: ``self`` of a class, ``cls``."""


def function_parameters(name: str, cwd: str) -> Declaration:
    """Return the parameters of ``module:function`` or ``file.py:function``.

    Raises `BadTarget` when the source has no such function.
    """
    module, _, function = name.rpartition(":")
    file = file_of_function(name)
    path = Path(cwd, file) if file is not None else _module_file(module, cwd)
    found = None if path is None else _find(path, module, function, cwd, MAX_HOPS)
    return _UNKNOWN if found is None else _declaration(found)


def _module_file(module: str, cwd: str) -> Path | None:
    """Return the file of a module; ``None`` when it is not a file of Python source that is found here."""
    top, *rest = module.split(".")
    is_safe = top in PROTECTED or top in sys.stdlib_module_names
    folders = [Path(entry) for entry in ([] if is_safe else [cwd]) + [entry for entry in sys.path if entry]]
    for part in (top, *rest[:-1]) if rest else ():
        folders = _package_folders(folders, part)
    last = rest[-1] if rest else top
    for folder in folders:
        for file in (folder / last / "__init__.py", folder / f"{last}.py"):
            if _is_file(file):
                return file
    return None


def _package_folders(folders: Sequence[Path], name: str) -> list[Path]:
    """Return the folder of a package, or all folders of a namespace package."""
    candidates = [folder / name for folder in folders]
    regular = next((folder for folder in candidates if _is_file(folder / "__init__.py")), None)
    return [folder for folder in candidates if folder.is_dir()] if regular is None else [regular]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long; a null byte
        return False


def _find(path: Path, module: str, function: str, cwd: str, hops: int) -> _Found | None:
    """Return the function's definition; ``None`` when it is made in a way that cannot be read."""
    source = Source(_read(path), str(path))
    owner: list[ast.stmt] = source.tree.body
    first, *rest = function.split(".")
    node = _bound(owner, first)
    if node is None:
        if _may_have(source.tree, first):
            return None
        raise BadTarget(f"{path} has no {function!r}")
    if isinstance(node, ast.ImportFrom):
        return _follow(node, path, module, function, cwd, hops)
    for attribute in rest:
        if not isinstance(node, ast.ClassDef):
            return None
        node = _bound(node.body, attribute)
    if isinstance(node, ast.ClassDef):
        made = _bound(node.body, "__init__")
        return _Found(source, made, 1) if isinstance(made, Function) else None
    if not isinstance(node, Function):
        return None
    return _Found(source, node, int(_has_decorator(node, "classmethod")))


def _follow(
    node: ast.ImportFrom, path: Path, module: str, function: str, cwd: str, hops: int
) -> _Found | None:
    """Look for *function* in the module that *node* imports it from."""
    first, *rest = function.split(".")
    alias = next(alias for alias in node.names if (alias.asname or alias.name) == first)
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    base = package[: len(package) - node.level + 1] if node.level else []
    target = ".".join([*base, *filter(None, [node.module])])
    file = _module_file(target, cwd) if target and hops else None
    if file is None or (node.level and node.level > len(package)):
        return None
    return _find(file, target, ".".join([alias.name, *rest]), cwd, hops - 1)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SOURCE + 1)
        if len(content) > MAX_SOURCE:
            raise BadTarget(f"{path} is too long to be read for its parameters")
        lines = iter(content.splitlines(keepends=True))
        encoding, _ = tokenize.detect_encoding(lambda: next(lines, b""))
        return content.decode(encoding)
    except OSError as error:
        raise BadTarget(f"{path} cannot be read: {error.strerror or error}") from error
    except (SyntaxError, ValueError, LookupError) as error:
        raise BadTarget(f"{path} cannot be read as Python: {error}") from error


def _bound(body: Sequence[ast.stmt], name: str) -> ast.stmt | None:
    """Return the last statement of *body* that binds *name*."""
    found = None
    for node in _statements(body):
        if name in _names(node):
            found = node
    return found


def _may_have(tree: ast.Module, name: str) -> bool:
    """Return True if the module may get *name* in a way that is not followed: a loop, ``import *``."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=found, ctx=ast.Store()) if found == name:
                return True
            case ast.alias(name="*") | ast.FunctionDef(name="__getattr__"):
                return True
            case ast.Call(func=ast.Name(id="globals")):
                return True
    return False


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a scope, those in ``if``, ``try`` and ``with`` included."""
    waiting = list(reversed(body))
    while waiting:  # an `elif` is an `if` within an `else`: a long chain is too deep for recursion
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.TryStar | ast.With):
            handlers = [handler.body for handler in getattr(node, "handlers", [])]
            blocks = (node.body, *handlers, getattr(node, "orelse", []), getattr(node, "finalbody", []))
            waiting += reversed([one for block in blocks for one in block])


def _names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import() | ast.ImportFrom():
            yield from (alias.asname or alias.name for alias in node.names)
        case ast.Assign():
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _has_decorator(node: Function, word: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == word for one in node.decorator_list)


def _declaration(found: _Found) -> Declaration:
    source, node, skipped = found
    arguments = node.args
    by_place = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(by_place) - len(arguments.defaults))
    pairs = [*zip(by_place, [*defaults, *arguments.defaults], strict=True)][skipped:]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    comments = source.comments(node.lineno, node.body[0].lineno)
    parameters: list[DeclaredParameter] = []
    last_of_line = {_last_line(*pair): pair[0] for pair in pairs}
    for argument, default in pairs[:MAX_PARAMETERS]:
        line = _last_line(argument, default)
        comment = comments.get(line) if last_of_line[line] is argument else None
        parameters.append(declared(source, argument.arg, argument.annotation, default, comment))
    return Declaration(parameters=parameters, more=arguments.kwarg is not None)


def _last_line(argument: ast.arg, default: ast.expr | None) -> int:
    node = argument if default is None else default
    return node.end_lineno or node.lineno
