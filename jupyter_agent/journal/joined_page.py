"""A page of a task's events as one JSON array, for what folds many of them."""

from __future__ import annotations

from typing import NamedTuple


class JoinedPage(NamedTuple):
    """``last``: offset of the last event looked at; 0: there was none. ``more``: others may follow it."""

    array: bytes
    last: int
    more: bool
