"""Session: what a job may do with an open journal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..core.events import State
from .base import AppendResult, Batch, HolderEvent, Journal, StoredEvent

T = TypeVar("T")
log = logging.getLogger(__name__)


Work = Batch | HolderEvent


class JournalSession:
    """The journal as a job on its thread sees it: reads go straight, appends are announced.

    ``dead_producers``: their lock was acquired, so the process is gone even if frames are still in flight.
    ``kill_outcomes``: the final state to record for the task of each producer that this process killed.
    """

    def __init__(
        self,
        journal: Journal,
        announce: Callable[[list[StoredEvent], float], None],
        run_pending: Callable[[], None] = lambda: None,
        dead_producers: set[str] | None = None,
        kill_outcomes: dict[str, State] | None = None,
    ) -> None:
        self.journal = journal
        self.dead_producers: set[str] = set() if dead_producers is None else dead_producers
        self.kill_outcomes: dict[str, State] = {} if kill_outcomes is None else kill_outcomes
        self._announce = announce
        self._run_pending = run_pending

    def append(self, *work: Work) -> list[AppendResult]:
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

    def expect_kill(self, producer: str, outcome: State) -> None:
        """Let *outcome* be the end of the open tasks of *producer* when it dies without one."""
        self.kill_outcomes[producer] = outcome

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
