"""Identifiers and cursors.

Tasks and producers are named by ULIDs (https://github.com/ulid/spec): 26 characters of Crockford's
base 32, 48 bits of Unix milliseconds then 80 random bits, so that they sort by age.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import BadCursor

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(r"[0-9A-Z]{26}\Z")
_CURSOR = re.compile(r"([0-9A-Za-z]{1,32}):([0-9]{1,18})\Z")


def ulid(now: float, random: bytes) -> str:
    """Return the ULID for *now* (Unix seconds) with 10 *random* bytes."""
    return _encoded((int(now * 1000) & (1 << 48) - 1) << 80 | int.from_bytes(random[:10], "big"))


def ulid_floor(time: float) -> str:
    """Return the smallest ULID of a time in Unix seconds, at least that of 1970 and at most the last one."""
    return _encoded(min(max(int(time * 1000), 0), (1 << 48) - 1) << 80)


def ulid_after(last: str, random: bytes) -> str:
    """Return a ULID greater than *last* by a step of 8 *random* bytes: for ids of the same millisecond."""
    value = 0
    for digit in last:
        value = value << 5 | _ALPHABET.index(digit)
    return _encoded(value + 1 + int.from_bytes(random[:8], "big"))


def _encoded(value: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def ulid_time(text: str) -> float | None:
    """Return when a ULID was made, in Unix seconds; ``None`` for a text that is none."""
    if len(text) != 26 or not set(text) <= set(_ALPHABET):
        return None
    value = 0
    for digit in text[:10]:
        value = value << 5 | _ALPHABET.index(digit)
    return value / 1000


def is_ulid(text: str) -> bool:
    """Return True if *text* has the form of an id, 26 digits and capitals, and so is safe as a file name.

    Letters that Crockford leaves out (I, L, O, U) are allowed: other programs may generate such ids.
    """
    return _ULID.match(text) is not None


def short_id(ident: str) -> str:
    """Return the last 6 characters of a ULID, by chance unique; its beginning is a time, alike for many."""
    return ident[-6:]


class Cursor(NamedTuple):
    """Position in one journal: everything up to and including ``offset`` lies before it."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Parse a resume token. Raises `BadCursor` when it is malformed."""
        match = _CURSOR.match(text)
        if match is None:
            raise BadCursor(
                f"{text[:80]!r} is not a cursor; use one that the server gave, "
                "or leave it out to start from now"
            )
        return cls(match[1], int(match[2]))
