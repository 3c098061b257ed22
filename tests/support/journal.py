"""An in-memory journal and its holder, for what reads a feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from jupyter_agent.core.events import Event
from jupyter_agent.forwarding.spec import ForwardRecord
from jupyter_agent.journal.base import Batch, BatchOrigin
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.operations import forwards
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.server.delivery.feed import Feed


class NowHolder:
    """A holder whose journal is in memory and does everything at once; ``stored`` are the forwards that it
    stored, in order."""

    def __init__(self, feed: Feed, journal: MemoryJournal) -> None:
        self.feed, self.journal = feed, journal
        self.stored: list[ForwardRecord] = []

    @property
    def epoch(self) -> str:
        return self.journal.epoch

    def call(self, job: Callable[[JournalSession], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        before = self.journal.records(forwards.KIND)
        try:
            future.set_result(job(JournalSession(self.journal, self.feed.on_commit)))
        except Exception as error:
            future.set_exception(error)
        if self.journal.records(forwards.KIND) != before:
            self.stored += forwards.forwards(self.journal)
        return future


def batches(events: Sequence[Event]) -> list[Batch]:
    """*events* as their producers' spools would bring them."""
    producers = dict.fromkeys(one.producer for one in events)
    mine = {p: [one for one in events if one.producer == p] for p in producers}
    return [Batch(p, own[0].n, own, BatchOrigin.SPOOLED) for p, own in mine.items()]
