"""Spool report: when the server is told what is wrong with a spool, and that it is over."""

from __future__ import annotations

QUIET_SECONDS = 3.0
"""Seconds without trouble after which it counts as over: a spool that is nearly full goes to and fro."""

MIN_INTERVAL = 1.0
"""Minimum number of seconds between two reports of different trouble."""


class SpoolReport:
    """What one connection was told; belongs to the forwarder's thread. Times are those of its loop."""

    def __init__(self) -> None:
        self.shown = ""
        """The sentence that the server has now; empty: none."""

        self._seen_at = self._sent_at = float("-inf")
        self._now = 0.0

    def due(self, trouble: str, now: float) -> str | None:
        """Return the sentence to send, which is empty when the trouble is over; ``None``: nothing is new."""
        self._now = now
        if trouble:
            self._seen_at = now
        elif now - self._seen_at < QUIET_SECONDS:
            return None
        is_new = trouble != self.shown and now - self._sent_at >= MIN_INTERVAL
        return trouble if is_new else None

    def sent(self, sentence: str) -> None:
        """Note that it is sent."""
        self.shown, self._sent_at = sentence, self._now

    def forget(self) -> None:
        """Begin anew: there is another connection."""
        self.shown, self._sent_at = "", float("-inf")
