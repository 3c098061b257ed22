"""Health of a journal: what its user is told of it, and when it is written to on trial after a failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ..errors import JournalError

log = logging.getLogger(__name__)
MAX_NOTICES = 50
PROBE_INTERVAL = 5.0
"""Seconds after a failure, if nothing was tried since, after which the journal is written to on trial."""

_QUIET_SECONDS = 60.0
"""Seconds without a failure after which the next failure is logged again."""


class JournalHealth:
    """Changed on the journal's thread, except by `notice`; read on any.

    ``trouble`` is ``None`` or a sentence: why nothing can be stored. ``notices``: a sentence for each journal
    or spool that was damaged, deleted or replaced. ``unreadable``: a sentence for each spool that the last
    recovery had to leave, by the spool's name.
    """

    def __init__(self) -> None:
        self.trouble: str | None = None
        self.notices: list[str] = []
        self.unreadable: dict[str, str] = {}
        self._log_again_at = self._probe_at = 0.0

    def notice(self, sentence: str | None) -> None:
        """Log *sentence* and keep it in ``notices``, once."""
        if sentence is not None and sentence not in self.notices:
            self.notices = [*self.notices, sentence][-MAX_NOTICES:]  # a new list: other threads read it
            log.error("%s", sentence)

    def note_unreadable(self, found: dict[str, str]) -> None:
        """Log what is new, and keep all of it until the next recovery."""
        for spool, sentence in found.items():
            if spool not in self.unreadable:
                log.warning("%s", sentence)
        self.unreadable = found  # a new one each time: other threads read it

    def failed(self, sentence: str) -> None:
        """Log a failure that persists once, even if a small batch succeeds in between."""
        now = time.monotonic()
        if self.trouble is None and now >= self._log_again_at:
            log.error("events cannot be stored and stay in their spools: %s", sentence)
        self._log_again_at = now + _QUIET_SECONDS
        self._probe_at = now + PROBE_INTERVAL
        self.trouble = self.trouble or sentence  # the first failure is the cause of the later ones

    def stored(self) -> None:
        """Something was stored: a failure is over."""
        self.trouble = None

    def probe(self, write: Callable[[], None]) -> None:
        """Find out whether *write*, on trial, works again."""
        try:
            write()
        except JournalError as error:
            self.failed(str(error))
        else:
            self.stored()

    def is_probe_due(self, now: float) -> bool:
        """Return whether it is time to find out if a failure is over."""
        return self.trouble is not None and now >= self._probe_at
