"""Keepalive bookkeeping of one connection, driven by its writer: it needs no task and no timer."""

from __future__ import annotations

from typing import Literal

PING_INTERVAL = 25.0
"""Minimum seconds between two pings; they find peers that are gone without a close."""

MAX_SILENCE = 1.5 * PING_INTERVAL
"""Seconds without a frame at the time of the last ping, beyond which the peer counts as gone."""


class Keepalive:
    """Times are seconds of one clock; *now* is when the connection opened."""

    __slots__ = ("_heard", "_pinged")

    def __init__(self, now: float) -> None:
        self._heard = self._pinged = now

    def heard(self, now: float) -> None:
        """Note that the peer sent a frame, or a pong."""
        self._heard = now

    def next_action(self, now: float) -> Literal["ping", "gone"] | None:
        """Return what is due: to send a ping, to give the peer up, or nothing."""
        if self._pinged - self._heard > MAX_SILENCE:
            return "gone"
        if now - self._pinged < PING_INTERVAL:
            return None
        self._pinged = now
        return "ping"
