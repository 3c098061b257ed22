"""Exponential backoff with full jitter.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: the delay is
uniform between 0 and the capped exponential, which spreads returning clients best.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Delays in seconds: their bound doubles from *first* up to *cap*; `reset` starts over."""

    first: float = 0.25
    cap: float = 15.0
    attempts: int = 0

    def next(self, random: float) -> float:
        """Return the delay before the next try; *random* is uniform in [0, 1)."""
        ceiling = min(self.cap, self.first * 2.0 ** min(self.attempts, 32))
        self.attempts += 1
        return ceiling * random

    def reset(self) -> None:
        """Start from *first* again, after a success."""
        self.attempts = 0
