"""Keepalive bookkeeping of one connection, driven by its writer: it needs no task and no timer."""

from __future__ import annotations

from typing import Literal

PING_INTERVAL = 25.0
"""Minimum seconds between two pings; they find peers that are gone without a close."""

MAX_SILENCE = 1.5 * PING_INTERVAL
"""Seconds without a frame at the time of the last ping, beyond which the peer counts as gone."""


class Keepalive:
    """Times are seconds of one clock; *now* is when the connection opened."""

    __slots__ = ("_frame_at", "_ping_at", "_unanswered_at")

    def __init__(self, now: float) -> None:
        self._frame_at = self._ping_at = self._unanswered_at = now

    def on_frame(self, now: float) -> None:
        """Note that the peer sent a frame, or a pong."""
        self._frame_at = now

    def next_action(self, now: float) -> Literal["ping", "gone"] | None:
        """Return what is due: to send a ping, to give the peer up, or nothing."""
        if self._ping_at - self._frame_at > MAX_SILENCE:
            return "gone"
        if now - self._ping_at < PING_INTERVAL:
            return None
        if self._frame_at >= self._ping_at:  # the previous one was answered
            self._unanswered_at = now
        self._ping_at = now
        return "ping"

    def unanswered(self, now: float) -> float:
        """Return for how many seconds the peer has not answered a ping; 0 when it has answered all."""
        return now - self._unanswered_at if self._unanswered_at > self._frame_at else 0.0
