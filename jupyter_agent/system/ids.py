"""New ULIDs from this machine's clock and randomness."""

from __future__ import annotations

import secrets
import time

from ..core.ids import ulid, ulid_after

_newest_id = ""


def new_id() -> str:
    """Return a new ULID, greater than all that this process made before, even when the clock is set back."""
    global _newest_id
    made = ulid(time.time(), secrets.token_bytes(10))
    if made <= _newest_id:
        made = ulid_after(_newest_id, secrets.token_bytes(8))
    _newest_id = made
    return made
