"""Comparison of the lines of a log with what is expected."""

from __future__ import annotations

import re

from tests.captured.case import Held


def missing(lines: list[str], held: Held, *, any_order: bool) -> list[str]:
    """Return the expected lines that are not there; also those that are there and not expected."""
    patterns, rest = list(held.lines), list(lines)
    late = [line for line in rest if held.late and re.fullmatch(held.late, line)]
    if late:
        rest.remove(late[0])
    if not any_order:
        pairs = [(pattern, line) for pattern, line in zip(patterns, rest, strict=False)]
        if len(patterns) == len(rest) and all(re.fullmatch(pattern, line) for pattern, line in pairs):
            return []
        return [*patterns, *rest]
    for pattern in held.lines:
        line = next((line for line in rest if re.fullmatch(pattern, line)), None)
        if line is not None:
            patterns.remove(pattern)
            rest.remove(line)
    return [*patterns, *rest]
