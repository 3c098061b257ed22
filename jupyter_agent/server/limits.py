"""Limits that the server announces to its peers, and its intervals."""

from __future__ import annotations

from dataclasses import dataclass

MAX_MESSAGE = 8 << 20


MAX_EVENT = 1 << 20


SNAPSHOTS = 200


WINDOW = 16


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: how long a new connection may keep silent, and the pause between heartbeats."""

    hello: float = 10.0
    heartbeat: float = 25.0
