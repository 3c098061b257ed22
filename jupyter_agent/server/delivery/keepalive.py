"""Whether a peer is still there: pings, without a task or a timer of their own for each connection."""

from __future__ import annotations

from typing import Literal

PING = 25.0
"""Seconds between pings, at least: they find peers that are gone without a word."""

SILENCE = 1.5 * PING
"""Seconds without any frame, by the last ping, after which the peer counts as gone."""


class Keepalive:
    """Times are seconds of one clock; *now* is when the connection opened."""

    __slots__ = ("_heard", "_pinged")

    def __init__(self, now: float) -> None:
        self._heard = self._pinged = now

    def heard(self, now: float) -> None:
        """The peer sent something, a pong too."""
        self._heard = now

    def next_action(self, now: float) -> Literal["ping", "gone"] | None:
        """What is due: send a ping, give the peer up, or nothing."""
        if self._pinged - self._heard > SILENCE:
            return "gone"
        if now - self._pinged < PING:
            return None
        self._pinged = now
        return "ping"
