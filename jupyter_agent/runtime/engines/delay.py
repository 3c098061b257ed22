"""The pause of a task that failed and is to be tried again."""

from __future__ import annotations

import threading
import time
from random import SystemRandom

from ..attempt import Attempt, Engine
from .base import BaseEngine

MONOTONIC = time.monotonic
RANDOM = SystemRandom().random
"""Not Python's own generator: what a task draws from that, seeded or not, stays as it is."""


class RetryDelay(BaseEngine):
    """The engine of an attempt that has to wait, in place of *then*, which it starts.

    It has no timer of its own: it is polled like every engine, and it ends with its attempt.
    """

    def __init__(self, attempt: Attempt, then: Engine, seconds: float) -> None:
        super().__init__(attempt)
        self.then = then
        self._due = MONOTONIC() + seconds
        self._once = threading.Lock()

    def start(self) -> None:
        """It waits."""

    def cancel(self) -> None:
        """A queued attempt that is cancelled has ended."""

    def force(self) -> None:
        """Nothing runs."""

    def poll(self) -> None:
        if MONOTONIC() >= self._due and self._once.acquire(blocking=False):
            self._attempt.launch(self.then)
