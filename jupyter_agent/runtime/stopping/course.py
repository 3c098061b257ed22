"""Course of a stop: when an attempt that was asked to stop is interrupted, and when it is forced."""

from __future__ import annotations

import math
import time
from enum import Enum
from typing import Literal

from ...system.graces import FORCE_INTERVAL, INTERRUPT_DELAY

FROM_KEYBOARD = "interrupted from the keyboard"
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
    ``forced``: the grace was over while the attempt still ran; ``again``: a second cancel has ended it;
    ``by_keyboard``: Ctrl-C or a notebook's stop button began it, which its code may catch and go on.
    """

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.why: Why | None = None
        self.again = False
        self.forced = False
        self.by_keyboard = False
        self.began = math.inf
        self._interrupt_at = math.inf
        self._force_at = math.inf

    def begin(self, why: Why, *, by_keyboard: bool = False) -> None:
        """Begin the grace; once it has begun, end it: this is a second cancel, unless *by_keyboard*."""
        now = time.monotonic()
        if self.why is not None:
            if not by_keyboard:
                self.again, self._force_at = True, min(now, self._force_at)
            return
        self.by_keyboard = by_keyboard
        self.began = now
        self._interrupt_at = now + min(INTERRUPT_DELAY, self.grace)
        self._force_at = now + self.grace
        self.why = why

    def resume(self) -> None:
        """Forget a stop that the keyboard began: its code goes on. Not after a cancel, or after the grace."""
        if self.by_keyboard and not (self.again or self.forced):
            self.why = None
            self.began = self._interrupt_at = self._force_at = math.inf

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
