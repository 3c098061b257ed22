"""Tools of the example agent: functions that read and count files below the working directory."""

from __future__ import annotations

import ast
import inspect
import math
import operator
import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jupyter_agent as ja

from . import tables

MAX_FILES = 200
"""Files in one answer."""

MAX_SCANNED = 20_000
"""Files that are looked at for it."""

MAX_BYTES = 64 << 20
"""Size of the largest file that is read."""

MAX_LINES = 50
MAX_DIGITS = 1000


class ToolError(Exception):
    """A tool call failed; the message is a sentence that says why."""


def list_files(pattern: str = "*", folder: str = ".") -> list[str]:
    """Paths of files in a folder and below it, by a pattern of their names such as *.csv."""
    top = _inside(folder)
    if not top.is_dir():
        raise ToolError(f"there is no folder {folder!r}")
    found = []
    for scanned, path in enumerate(_walk(top)):
        if fnmatch(path.name.lower(), pattern.lower()):
            found.append(path.relative_to(Path.cwd().resolve()).as_posix())
        if len(found) == MAX_FILES or scanned == MAX_SCANNED:
            break
    return sorted(found)


def describe_csv(path: str) -> dict[str, Any]:
    """Rows, columns, and for each column what is in it."""
    return tables.describe(_file(path), path)


def count_rows(path: str) -> int:
    """How many rows a CSV file has below its header."""
    return tables.count_rows(_file(path))


def column_statistic(path: str, column: str, statistic: str) -> float | int:
    """One of mean, median, sum, min, max, stdev, distinct, count, missing of a column of a CSV file."""
    return tables.statistic(_file(path), column, statistic)


def read_text(path: str, lines: int = 20) -> str:
    """The first lines of a text file."""
    with _file(path).open(encoding="utf-8", errors="replace") as file:
        return "".join(line[:500] for _, line in zip(range(min(lines, MAX_LINES)), file, strict=False))


def search_text(text: str, pattern: str = "*", folder: str = ".") -> list[str]:
    """Where a text occurs in files: path:line: the line."""
    found: list[str] = []
    for path in list_files(pattern, folder):
        ja.current().raise_if_cancelled()
        if Path(path).stat().st_size > MAX_BYTES:
            continue
        with Path(path).open(encoding="utf-8", errors="ignore") as file:
            for number, line in enumerate(file, 1):
                if text.lower() in line.lower():
                    found.append(f"{path}:{number}: {line.strip()[:200]}")
                if len(found) == MAX_LINES:
                    return found
    return found


def calculate(expression: str) -> float | int:
    """The value of an arithmetic expression: + - * / // % ** and parentheses, sqrt, abs, round."""
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise ToolError(f"{expression[:80]!r} has no value: {error}") from None
    if isinstance(value, int) and abs(value) < 10**MAX_DIGITS:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ToolError(f"{expression[:80]!r} has no value of at most {MAX_DIGITS:,} digits")


TOOLS: dict[str, Callable[..., Any]] = {
    tool.__name__: tool
    for tool in (list_files, describe_csv, count_rows, column_statistic, read_text, search_text, calculate)
}


def described() -> str:
    """Return the description of the tools for a model, one line each."""
    lines = []
    for name, tool in TOOLS.items():
        parameters = str(inspect.signature(tool, eval_str=True)).split(" -> ")[0]
        lines.append(f"{name}{parameters}: {tool.__doc__}")
    return "\n".join(lines)


def call(name: str, args: object) -> Any:
    """Call the tool *name* with keyword arguments *args*. Raises `ToolError`, for the model to read."""
    tool = TOOLS.get(name)
    if tool is None:
        raise ToolError(f"there is no tool {name!r}; use one of {', '.join(TOOLS)}")
    if not isinstance(args, dict):
        raise ToolError(f"args must be an object, not {args!r:.80}")
    try:
        bound = inspect.signature(tool).bind(**args)
    except TypeError as error:
        raise ToolError(f"{name}: {error}") from None
    try:
        return tool(*bound.args, **bound.kwargs)
    except (tables.TableError, OSError, TypeError, AttributeError) as error:
        raise ToolError(str(error)) from error


def _inside(path: str) -> Path:
    """Resolve *path*. Raises `ToolError` when it is not below the working directory."""
    here = Path.cwd().resolve()
    found = (here / path).resolve()
    if found != here and here not in found.parents:
        raise ToolError(f"{path!r} is outside the working directory")
    return found


def _file(path: str) -> Path:
    found = _inside(path)
    if not found.is_file():
        raise ToolError(f"there is no file {path!r}")
    if found.stat().st_size > MAX_BYTES:
        raise ToolError(f"{path!r} has more than {MAX_BYTES >> 20} MiB")
    return found


def _walk(top: Path) -> Iterator[Path]:
    """Yield the files below *top*, except hidden ones."""
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(
            name for name in folders if not name.startswith((".", "__pycache__", "node_modules"))
        )
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder, name)


_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {"sqrt": math.sqrt, "abs": abs, "round": round}


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=[*args], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*map(_value, args))
    raise ValueError("only numbers, + - * / // % **, parentheses, sqrt, abs and round are understood")


def _power(base: Any, exponent: Any) -> Any:
    """Return a power. Raises `ValueError` for a number with more than `MAX_DIGITS` digits."""
    whole = isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1
    if whole and exponent * math.log10(abs(base)) > MAX_DIGITS:
        raise ValueError(f"the number has more than {MAX_DIGITS:,} digits")
    return base**exponent
