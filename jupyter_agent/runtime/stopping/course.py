"""Course of a stop: when an attempt that was asked to stop is interrupted, and when it is forced."""

from __future__ import annotations

import math
import time
from enum import Enum
from typing import Literal

from ...system.graces import FORCE_INTERVAL, INTERRUPT_DELAY

Why = Literal["cancel", "timeout", "signal"]


class Step(Enum):
    """What is due."""

    INTERRUPT = "interrupt"
    """Code that has not noticed yet is interrupted; once."""

    FORCE = "force"
    """The grace is over: again and again until the attempt has ended."""


class StopCourse:
    """The stop of one attempt that has *grace* seconds to clean up.

    It takes no lock, so that a signal handler may call it. ``why`` is ``None`` until the stop begins;
    ``forced``: the grace was over while the attempt still ran; ``again``: a second cancel has ended it.
    """

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.why: Why | None = None
        self.again = False
        self.forced = False
        self.began = math.inf
        self._interrupt_at = math.inf
        self._force_at = math.inf

    def begin(self, why: Why) -> None:
        """Begin the grace; once it has begun, end it: this is a second cancel."""
        now = time.monotonic()
        if self.why is not None:
            self.again, self._force_at = True, min(now, self._force_at)
            return
        self.began = now
        self._interrupt_at = now + min(INTERRUPT_DELAY, self.grace)
        self._force_at = now + self.grace
        self.why = why

    @property
    def left(self) -> float:
        """The seconds that remain of the grace."""
        ends = self.began if self.again else self.began + self.grace
        return max(0.0, ends - time.monotonic())

    def due(self) -> Step | None:
        """Return the step that is due, and count it as done."""
        if self.why is None:
            return None
        now = time.monotonic()
        if now >= self._force_at:
            self.forced, self._force_at, self._interrupt_at = True, now + FORCE_INTERVAL, math.inf
            return Step.FORCE
        if now >= self._interrupt_at:
            self._interrupt_at = math.inf
            return Step.INTERRUPT
        return None

    def how_it_ended(self, *, kills: bool) -> str | None:
        """Return what to say of an attempt that did not end by itself; ``None`` for one that did."""
        if self.again:
            return f"{'killed' if kills else 'stopped'} by a second cancel"
        if not self.forced:
            return None
        return f"did not stop in {self.grace:g} s{', killed' if kills else ''}"
