"""Session: what a job may do with an open journal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..core.events import State
from .base import Appended, Batch, Journal, Note, Stored

T = TypeVar("T")
log = logging.getLogger(__name__)


Work = Batch | Note


class JournalSession:
    """The journal as a job on its thread sees it: reads go straight, appends are announced.

    ``dead`` are the producers whose lock somebody has had: they will not come back, whatever of theirs
    is still under way. ``doomed`` are those that the holder killed, and how their tasks ended thereby.
    """

    def __init__(
        self,
        journal: Journal,
        announce: Callable[[list[Stored], float], None],
        run_pending: Callable[[], None] = lambda: None,
        dead: set[str] | None = None,
        doomed: dict[str, State] | None = None,
    ) -> None:
        self.journal = journal
        self.dead: set[str] = set() if dead is None else dead
        self.doomed: dict[str, State] = {} if doomed is None else doomed
        self._announce = announce
        self._run_pending = run_pending

    def append(self, *work: Work) -> list[Appended]:
        """Commit *work* in one transaction and tell the listeners."""
        start = time.perf_counter()
        answers = self.journal.append(work, time.time())
        stored = [event for answer in answers for event in answer.stored]
        if stored:
            try:
                self._announce(stored, time.perf_counter() - start)
            except Exception:  # it is committed, whatever a listener makes of it
                log.exception("a listener could not be told of %d events", len(stored))
        return answers

    def yield_to_others(self) -> None:
        """For a `PreemptibleJob` job, between two of its transactions: let what waits have its turn.

        Raises `JournalError` when the journal was replaced in that turn.
        """
        self._run_pending()


@dataclass(frozen=True, slots=True)
class PreemptibleJob(Generic[T]):
    """A job that breathes: others are served in the middle of it."""

    job: Callable[[JournalSession], T]

    def __call__(self, session: JournalSession) -> T:
        return self.job(session)
