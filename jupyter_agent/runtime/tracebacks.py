"""Tracebacks as text: without this package's frames, and with cells by their numbers instead of files."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from types import TracebackType

from .stopping.cells import place_in_cell

MAX_TRACEBACK = 100_000
"""Maximum number of characters of a traceback: its end is kept."""

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_FRAME = re.compile(r'^([ |]*)File "([^"\n]*)", line (\d+), in (.*)$', re.MULTILINE)


def trimmed(error: BaseException) -> str:
    """Return the traceback of *error* as text, without the frames of this package that started it.

    Code of a notebook is at "Cell [8], line 6" instead of a file that is nowhere.
    """
    lines = traceback.format_exception(type(error), error, without_own_frames(error.__traceback__))
    return _with_cells("".join(lines), _cells_in(error))[-MAX_TRACEBACK:]


def where_stopped(error: BaseException, why: str) -> str:
    """Return the traceback of what this package raised to stop a task, with *why* instead of its message.

    Without the frames of this package at both ends; empty when there are no others.
    """
    frames = traceback.extract_tb(without_own_frames(error.__traceback__))
    while frames and is_own_file(frames[-1].filename):
        frames.pop()
    if not frames:
        return ""
    text = f"Traceback (most recent call last):\n{''.join(frames.format())}{why}\n"
    return _with_cells(text, _cells_in(error))[-MAX_TRACEBACK:]


def without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return *trace* from its first frame outside this package; all of it when there is none."""
    inner = trace
    while inner is not None and is_own_file(inner.tb_frame.f_code.co_filename):
        inner = inner.tb_next
    return inner or trace


def is_own_file(filename: str) -> bool:
    """Return whether a source file belongs to this package."""
    return filename.startswith(_PACKAGE)


def _with_cells(text: str, cells: dict[tuple[str, str, str], int]) -> str:
    def shown(found: re.Match[str]) -> str:
        number = cells.get((found[2], found[3], found[4]))
        return found[0] if number is None else f"{found[1]}Cell [{number}], line {found[3]}, in {found[4]}"

    return _FRAME.sub(shown, text) if cells else text


def _cells_in(error: BaseException) -> dict[tuple[str, str, str], int]:
    """Return the numbers of the cells on the tracebacks of *error* and its causes, by file, line and name."""
    cells: dict[tuple[str, str, str], int] = {}
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        for frame, line in traceback.walk_tb(one.__traceback__):
            code = frame.f_code
            if (place := place_in_cell(code)) is not None:
                cells[code.co_filename, str(line), code.co_name] = place[1]
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return cells
