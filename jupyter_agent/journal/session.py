"""Session: an open journal, as one job on the journal's thread reads and appends to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from ..core.events import State
from .base import AppendResult, Batch, HolderEvent, Journal, StoredEvent

T = TypeVar("T")
log = logging.getLogger(__name__)
Work = Batch | HolderEvent


class JournalSession:
    """An open journal for one job: reads go to ``journal``, appends also notify the commit listener.

    ``dead_producers``: their lock was acquired, so the process is gone even if frames are still in flight.
    ``refusal``: why nothing may be appended now, if so.
    ``kill_outcomes``: the final state to record for the task of each producer that this process killed.
    """

    def __init__(
        self,
        journal: Journal,
        on_commit: Callable[[list[StoredEvent], float], None],
        run_pending: Callable[[], None] = lambda: None,
        dead_producers: set[str] | None = None,
        kill_outcomes: dict[str, State] | None = None,
        note_unreadable: Callable[[dict[str, str]], None] = lambda _: None,
    ) -> None:
        self.journal = journal
        self.dead_producers: set[str] = set() if dead_producers is None else dead_producers
        self.kill_outcomes: dict[str, State] = {} if kill_outcomes is None else kill_outcomes
        self.refusal: Exception | None = None
        self.note_unreadable = note_unreadable
        """Called by each recovery with a sentence for each spool that it had to leave, by its name."""

        self._on_commit = on_commit
        self._run_pending = run_pending

    def append(self, *work: Work) -> list[AppendResult]:
        """Commit *work* in one transaction, then notify the commit listener."""
        if self.refusal is not None:
            raise self.refusal
        start = time.perf_counter()
        results = self.journal.append(work, time.time())
        stored = [event for result in results for event in result.stored]
        if stored:
            try:
                self._on_commit(stored, time.perf_counter() - start)
            except Exception:  # the events are committed: a failing listener must not undo that
                log.exception("the commit listener failed for %d events", len(stored))
        return results

    def expect_kill(self, producer: str, outcome: State) -> None:
        """Record *outcome* as the end of the open tasks of *producer* once it is found dead."""
        self.kill_outcomes[producer] = outcome

    def yield_to_others(self) -> None:
        """Run queued jobs that are more urgent between two transactions of a `PreemptibleJob`.

        Raises `JournalError` when the journal was replaced meanwhile, or is being closed.
        """
        self._run_pending()


class Urgency(IntEnum):
    """A job runs in the middle of any long one that is less urgent."""

    UPKEEP = 0
    """Takes minutes, and nothing waits for it: deletion of old tasks."""

    RECOVERY = 1
    """May take long, and tells what has happened: spools of dead producers."""

    PROMPT = 2
    """May take seconds, and is due now: schedules, and why the tasks of a kernel end."""

    LOOKUP = 3
    """A request waits for it, and it may take longer than one: spools in which a task is looked for."""

    REQUEST = 4
    """Short; everything that is no `PreemptibleJob`."""


@dataclass(frozen=True, slots=True)
class PreemptibleJob(Generic[T]):
    """A long job during which more urgent ones run: it calls `JournalSession.yield_to_others`."""

    job: Callable[[JournalSession], T]
    urgency: Urgency = Urgency.RECOVERY

    def __call__(self, session: JournalSession) -> T:
        return self.job(session)
