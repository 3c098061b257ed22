"""Exponential backoff with full jitter.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: the delay is
uniform between 0 and the capped exponential, which spreads returning clients best.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Delays in seconds: `next` grows from *first* by doubling up to *most*; `reset` starts over."""

    first: float = 0.25
    most: float = 15.0
    attempts: int = 0

    def next(self, random: float) -> float:
        """The delay before the next try; *random* is uniform in [0, 1)."""
        ceiling = min(self.most, self.first * 2.0 ** min(self.attempts, 32))
        self.attempts += 1
        return ceiling * random

    def reset(self) -> None:
        """The connection worked: the next failure starts from *first* again."""
        self.attempts = 0
