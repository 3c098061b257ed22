"""Notices: sentences about a spool for its user, found under the spool's lock and logged outside it.

Whoever logs takes the locks of logging handlers, and a thread that has one of those may be waiting for the
spool, because what it logs is captured.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)
QUIET_SECONDS = 60.0
"""Seconds in which the same notice is not repeated."""


class Notices:
    """Waiting notices of one spool. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: deque[tuple[str, bool]] = deque()
        self._said: dict[str, float] = {}

    def add(self, sentence: str, *, lasting: bool = False) -> None:
        """Let the next `report` log *sentence*, unless it was added in the last `QUIET_SECONDS`.

        *lasting*: the server shows it, too, for as long as it runs.
        """
        now = self._clock()
        if now - self._said.get(sentence, float("-inf")) >= QUIET_SECONDS:
            self._waiting.append((sentence, lasting))
        self._said[sentence] = now

    def report(self) -> list[str]:
        """Log what waits, and return what is lasting. Not to be called under the spool's lock."""
        reported = []
        while self._waiting:
            sentence, lasting = self._waiting.popleft()
            log.error("%s", sentence)
            if lasting:
                reported.append(sentence)
        return reported
