"""New ids, from this machine's clock and randomness."""

from __future__ import annotations

import secrets
import time

from ..core.ids import ulid, ulid_after

_newest_id = ""


def new_id() -> str:
    """A fresh ULID of now; greater than those before, so that what this process makes keeps its order."""
    global _newest_id
    made = ulid(time.time(), secrets.token_bytes(10))
    if made <= _newest_id:
        made = ulid_after(_newest_id, secrets.token_bytes(8))
    _newest_id = made
    return made
