"""Place: the line of the user's code that a thread is in, for one that a cancel does not reach.

The frames of a thread are read while it is in C code; that costs the thread nothing.
"""

from __future__ import annotations

import ast
import linecache
import re
import sys
import sysconfig
from functools import cache
from itertools import islice
from pathlib import Path
from types import FrameType

from ..tracebacks import is_own_file
from .cells import place_in_cell

MAX_CALL = 60
"""Characters of the call that are kept."""

_CELL = re.compile(r"ipykernel_\d+[/\\]\d+\.py$|^<ipython-input")


def place_of(thread: int) -> str | None:
    """Return where *thread* is, as "in `requests.get`, cell [3], line 7"; ``None`` where that is unknown."""
    frame = _users_frame(sys._current_frames().get(thread))  # noqa: SLF001
    if frame is None:
        return None
    cell = place_in_cell(frame.f_code)
    file = frame.f_code.co_filename if cell is None else cell[0]
    call = called_at(frame, file)
    where = f"{_named(file) if cell is None else f'cell [{cell[1]}]'}, line {frame.f_lineno}"
    return f"in `{call}`, {where}" if call else where


def _users_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the user's own code; without any, that of what this package called."""
    while frame is not None and is_own_file(frame.f_code.co_filename):
        frame = frame.f_back
    outermost = frame
    while frame is not None and not is_own_file(frame.f_code.co_filename):
        if not _is_library(frame.f_code.co_filename):
            return frame
        outermost, frame = frame, frame.f_back
    return None if outermost is None or _is_python(outermost.f_code.co_filename) else outermost


def _is_library(filename: str) -> bool:
    return _is_python(filename) or "site-packages" in filename or "dist-packages" in filename


def _is_python(filename: str) -> bool:
    is_loop = "nest_asyncio" in filename  # it stands for asyncio
    return is_loop or (filename.startswith(("<frozen ", *_python_folders())) and "-packages" not in filename)


@cache
def _python_folders() -> tuple[str, ...]:
    return tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))


def called_at(frame: FrameType, file: str) -> str | None:
    """Return what *frame* is calling, from its source *file*; ``None`` where there is no source."""
    positions = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    if positions is None or None in positions:
        return None
    first, last, start, end = (int(number or 0) for number in positions)
    lines = linecache.getlines(file, frame.f_globals)[first - 1 : last]
    if not lines:
        return None
    # Columns count bytes. The end is cut first: on one line, both columns are of the same text.
    encoded = [line.encode() for line in lines]
    encoded[-1] = encoded[-1][:end]
    encoded[0] = encoded[0][start:]
    return _callee(b"".join(encoded).decode(errors="replace"))


def _callee(source: str) -> str | None:
    try:
        tree = ast.parse(source, mode="eval").body
    except SyntaxError:
        return None
    return _short(ast.unparse(tree.func if isinstance(tree, ast.Call) else tree))


def callee_in(source: str, line: int) -> str | None:
    """Return what *source* calls in *line*, from 1: the outermost call; ``None`` where it is not Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    found = next((call for call in calls if call.lineno <= line <= (call.end_lineno or line)), None)
    return None if found is None else _short(ast.unparse(found.func))


def _short(text: str) -> str:
    return text if len(text) <= MAX_CALL else f"{text[: MAX_CALL - 1]}…"


def _named(filename: str) -> str:
    if filename.startswith("<dynamic-code"):  # of a script's main module, which was pickled
        return "your code"
    return "a cell" if _CELL.search(filename) else Path(filename).name
