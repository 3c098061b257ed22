"""Cells that travel: numbers and sources of the cells that a function for another process comes from."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

from ...detached.run_spec import Cell
from ..origin import ipython_shell

MAX_SOURCE = 100_000
"""Characters of a cell that travel; a longer one stays."""

MAX_CELLS = 50
"""Cells that travel with one function."""

_NUMBER = re.compile(r"\d+")
_known: dict[object, Cell] = {}
"""By file name, and by `_key`: cloudpickle gives all code of a notebook the same file name."""


def cells_of(function: Callable[..., Any]) -> tuple[Cell, ...]:
    """Return the cells of *function* and of the functions that it names; none outside a notebook."""
    if ipython_shell() is None:
        return ()
    codes: dict[str, list[CodeType]] = {}
    for code in _codes(function):
        codes.setdefault(code.co_filename, []).append(code)
    return tuple(filter(None, (_cell(*one) for one in list(codes.items())[:MAX_CELLS])))


def _cell(file: str, codes: list[CodeType]) -> Cell | None:
    number, source = _own_number(file), "".join(linecache.getlines(file))
    if number is None or len(source) > MAX_SOURCE:
        return None
    return Cell(file, number, source, tuple(map(_key, codes)))


def learn_cells(cells: Iterable[Cell]) -> None:
    """Know the *cells* of another process, as that does."""
    for cell in cells:
        _known.update(dict.fromkeys((cell.file, *cell.codes), cell))
        lines = cell.source.splitlines(keepends=True)
        linecache.cache.setdefault(cell.file, (len(cell.source), None, lines, cell.file))


def place_in_cell(code: CodeType) -> tuple[str, int] | None:
    """Return the file name and the number, as in ``[3]``, of the cell of *code*; ``None`` if unknown."""
    cell = _known.get(code.co_filename) or _known.get(_key(code))
    if cell is not None:
        return cell.file, cell.number
    number = _own_number(code.co_filename)
    return None if number is None else (code.co_filename, number)


def _own_number(filename: str) -> int | None:
    describe = getattr(getattr(ipython_shell(), "compile", None), "format_code_name", None)
    described = describe(filename) if describe is not None else None  # ("Cell", "In[3]")
    found = _NUMBER.search(described[1]) if described else None
    return None if found is None else int(found[0])


def _key(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _codes(function: Callable[..., Any]) -> Iterator[CodeType]:
    """Yield the code of *function*, of what is defined in it, of functions among its globals, and so on."""
    waiting, seen = [_plain(function)], set()
    while waiting:
        one = waiting.pop()
        code = one if isinstance(one, CodeType) else getattr(one, "__code__", None)
        if not isinstance(code, CodeType) or code in seen:
            continue
        seen.add(code)
        yield code
        names = getattr(one, "__globals__", {})
        waiting += [_plain(names[name]) for name in code.co_names if _is_function(names.get(name))]
        waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]


def _is_function(value: object) -> bool:
    """Return whether it is a plain function or one made with `task`; no attribute of *value* is touched."""
    return isinstance(value, FunctionType) or hasattr(type(value), "__jupyter_agent_function__")


def _plain(function: Any) -> Any:
    """Return the function that a partial, a method or a decorated function is made of."""
    try:
        return inspect.unwrap(getattr(function, "func", function))
    except ValueError:  # a cycle of wrappers
        return function
