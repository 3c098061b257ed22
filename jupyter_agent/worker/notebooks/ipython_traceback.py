"""IPython's tracebacks in Python's layout, which all views read, with cells as "Cell [8], line 6"."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

_RULE = re.compile(r"-{20,}")
_HEADER = re.compile(r"[\w.]+ +Traceback \(most recent call last\)")
_CELL = re.compile(
    r"(?P<indent> *)(?:Cell In|Input In ?|In )\[(?P<cell>\d+)\](?:, line (?P<line>\d+))?(?P<rest>.*)"
)
_FILE = re.compile(r"(?P<indent> *)File (?P<file>.+?):(?P<line>\d+)(?P<rest>(?:,? in .*)?)")
_CURRENT = re.compile(r"-+> *(?P<line>\d+) ?(?P<source>.*)")
_CONTEXT = re.compile(r" *(?:\d+(?: .*)?|\(\.\.\.\) +\d+ ?.*|\[\.\.\. .*\])")
_SIMILAR = re.compile(r" *\[\.\.\. skipping similar frames: .*\((?P<count>\d+) times\)\]")
_CALL = re.compile(r",? in (?P<name>[^(]+)")
_PYTHON_HEADER = "Traceback (most recent call last):"
_NO_SOURCE = "'Could not get source"
_REPEATED = 3
"""Equal frames in a row that are shown, as Python does."""

Frame = tuple[str, str]
"""A frame's line and its source."""


def in_python_layout(traceback: str) -> str:
    """Return IPython's *traceback*, without escape sequences, as Python would write it.

    Of each frame's source the line that ran is kept. What is not IPython's is returned as it is.
    """
    lines = traceback.split("\n")
    if _CELL.match(traceback) or traceback.startswith(f"{_PYTHON_HEADER}\n\n"):  # of a syntax error
        return "\n".join(_head(line, "") or line for line in lines if line)
    if not any(_HEADER.fullmatch(line) for line in lines):
        return traceback
    parts: list[str | Frame] = []
    in_frame = False
    for line in lines:
        if _HEADER.fullmatch(line):
            parts.append(_PYTHON_HEADER)
        elif (head := _head(line)) is not None and (in_frame or not _is_message(parts)):
            parts.append((head, ""))
            in_frame = True
        elif in_frame and (current := _CURRENT.fullmatch(line)) is not None:
            parts[-1] = _with_source(parts[-1], current)
        elif in_frame and (similar := _SIMILAR.fullmatch(line)) is not None:
            parts.append((_repeated(int(similar["count"])), ""))
        elif in_frame and (not line or _CONTEXT.fullmatch(line)):
            continue
        elif not _RULE.fullmatch(line):
            parts.append(line)
            in_frame = False
    return "\n".join(_written(parts))


def _is_message(parts: list[str | Frame]) -> bool:
    """Return True behind the line that names the error: what looks like a frame there is its message."""
    return bool(parts) and isinstance(parts[-1], str) and parts[-1] != _PYTHON_HEADER


def _head(line: str, function: str = ", in <module>") -> str | None:
    """Return the first line of a frame, which names *function* where it names none; ``None`` for others."""
    if found := _CELL.fullmatch(line):
        where = f"Cell [{found['cell']}], line {found['line'] or 1}"
    elif found := _FILE.fullmatch(line):
        file = os.path.expanduser(found["file"])  # noqa: PTH111 - it need not be a path: <string>
        where = f'File "{file}", line {found["line"]}'
    else:
        return None
    call = _CALL.match(found["rest"])
    return f"  {where}, in {call['name']}" if call else f"  {where}{function}"


def _with_source(part: str | Frame, current: re.Match[str]) -> Frame:
    head = part[0] if isinstance(part, tuple) else part
    if ", line" in head:  # older versions name the line only beside its source
        head = re.sub(r", line \d+", f", line {current['line']}", head, count=1)
    source = current["source"].strip()
    return head, "" if source.startswith(_NO_SOURCE) else f"    {source}"


def _written(parts: Iterable[str | Frame]) -> Iterator[str]:
    for part, group in groupby(parts):
        count = sum(1 for _ in group)
        if isinstance(part, str):
            yield from [part] * count
            continue
        for _ in range(min(count, _REPEATED)):
            yield from filter(None, part)
        if (more := count - _REPEATED) > 0:
            yield _repeated(more)


def _repeated(count: int) -> str:
    return f"  [Previous line repeated {count} more time{'s' if count > 1 else ''}]"
