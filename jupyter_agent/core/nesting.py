"""Nesting of free JSON, which is bounded: decoders fail on what is too deep."""

from __future__ import annotations

MAX_NESTING = 200
"""Maximum nesting of free JSON (a display, a command's args): far below the depth at which a decoder fails
and the connection with it."""


def too_deep(value: object) -> bool:
    """Return True if dicts, lists and tuples are nested in *value* more than `MAX_NESTING` deep."""
    level = [value]
    for _ in range(MAX_NESTING + 1):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list | tuple):
                inner += one
        if not inner:
            return False
        level = inner
    return True
