"""Nesting of free JSON, which is bounded: decoders fail on what is too deep."""

from __future__ import annotations

import re

from msgspec import Raw

MAX_NESTING = 200
"""Maximum nesting of free JSON (a display, a command's args): far below the depth at which a decoder fails
and the connection with it."""

MAX_PAYLOAD_NESTING = MAX_NESTING + 2
"""Maximum nesting of a payload: its own object, and free JSON that ends in an empty dict or list. It is the
same for every Python; how deep a decoder gets differs from version to version."""

NEVER_TOO_DEEP = 2 * MAX_PAYLOAD_NESTING
"""Bytes of JSON that cannot be nested more than that."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TO_LISTS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


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


def refuse_too_deep(payload: Raw) -> None:
    """Raise `RecursionError` for JSON that is nested more than `MAX_PAYLOAD_NESTING` deep."""
    text = bytes(payload)
    if text.count(b"[") + text.count(b"{") <= MAX_PAYLOAD_NESTING:
        return
    brackets = _STRING.sub(b"", text).translate(_TO_LISTS, _NO_BRACKETS)
    for _ in range(MAX_PAYLOAD_NESTING):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")  # the innermost level
    if brackets:
        raise RecursionError(f"a payload nested more than {MAX_NESTING} deep cannot be read everywhere")
