"""Limits and intervals of a connection, which the server announces to its peers."""

from __future__ import annotations

from dataclasses import dataclass

MAX_MESSAGE = 8 << 20
"""Bytes of a frame that a client may send."""

MAX_EVENT = 1 << 20
"""Bytes of one published event."""

MAX_SNAPSHOTS = 200
"""Maximum number of snapshots with which a subscription to all tasks begins."""

WINDOW = 16
"""Batches that a producer may have sent without an ack."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds in which a new connection must say hello, and between two heartbeats."""

    hello: float = 10.0
    heartbeat: float = 25.0
