"""Engine that delays the attempt after a failed one, then starts it."""

from __future__ import annotations

import threading
import time
from random import SystemRandom

from ..attempt import Attempt, Engine
from .base import BaseEngine

MONOTONIC = time.monotonic
RANDOM = SystemRandom().random
"""Jitter. Not the `random` module's generator, whose sequence belongs to the user's code."""


class RetryDelay(BaseEngine):
    """Stands in for the engine *then* until *seconds* have passed, and starts it.

    It has no timer of its own: it is polled like every engine, and ends with its attempt.
    """

    def __init__(self, attempt: Attempt, then: Engine, seconds: float) -> None:
        super().__init__(attempt)
        self.then = then
        self._due = MONOTONIC() + seconds
        self._once = threading.Lock()

    def start(self) -> None:
        """Nothing to start yet."""

    def withdraw(self) -> bool:
        return self.then.withdraw()

    def cancel(self) -> None:
        """Nothing to stop: a queued attempt that is cancelled has ended."""

    def force(self) -> None:
        """Nothing to stop."""

    def abandon(self) -> None:
        self._once.acquire(blocking=False)

    def poll(self) -> None:
        # The lock is acquired once and never released: one poll launches *then*, and none after `abandon`.
        if MONOTONIC() >= self._due and self._once.acquire(blocking=False):
            self._attempt.launch(self.then)
