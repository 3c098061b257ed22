"""The holder: the one thread of the one process that has a journal open.

Everything that touches the journal is a job of that thread. Appends that are queued together are committed
together (group commit, see `job_queue`); their futures are set after the commit, never before.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Self, TypeVar

from ..core.events import State
from ..errors import JournalError
from ..system.ids import new_id
from .base import AppendResult, StoredEvent
from .health import JournalHealth
from .job_queue import Item, Job, JobQueue, fail
from .place import JournalPlace, finish_restoring, move_aside, renew
from .session import JournalSession, PreemptibleJob, Urgency, Work
from .slots import Slot
from .sqlite.connection import OverwrittenJournal
from .sqlite.errors import CorruptJournal, JournalUnavailable
from .sqlite.journal import SQLiteJournal

log = logging.getLogger(__name__)
T = TypeVar("T")
PLACE_INTERVAL = 0.05
"""Minimum number of seconds between two checks whether the journal's files still have their names."""

RESTORE_INTERVAL = 10.0
"""Seconds after which files that could not be restored are tried again."""

SERVED_AFTER = 0.1
"""Seconds of copying a journal, whose files were deleted, after which others are served meanwhile."""


class Holder:
    """Owns a `Slot`, its journal and the journal's thread, from its creation to `close`.

    ``on_commit`` (the stored events, the seconds it took) and ``on_epoch`` (the journal was replaced, by
    one with this newest offset) are called on the journal's thread.
    """

    def __init__(
        self,
        slot: Slot,
        *,
        on_commit: Callable[[list[StoredEvent], float], None] | None = None,
        on_epoch: Callable[[int], None] | None = None,
    ) -> None:
        self.slot = slot
        self.id = new_id()
        self.health = JournalHealth()
        self._on_commit = on_commit or (lambda _stored, _seconds: None)
        self._on_epoch = on_epoch or (lambda _head: None)
        finish_restoring(slot.file)
        self._use_journal(self._open())
        self._displaced: JournalError | None = None
        self._check_place_at = time.monotonic() + PLACE_INTERVAL
        self._dead_producers: set[str] = set()
        self._kill_outcomes: dict[str, State] = {}
        self._queue = JobQueue()
        self._corrupt: CorruptJournal | None = None
        self._thread = threading.Thread(target=self._run, name="jupyter-agent-journal", daemon=True)
        self._thread.start()

    @property
    def epoch(self) -> str:
        return self._journal.epoch

    @property
    def is_placed(self) -> bool:
        return self._journal.is_placed

    def append(self, work: Work) -> Future[AppendResult]:
        """Commit *work*; the future fails with `JournalError` when it could not be stored."""
        return self._queue.put(work)  # type: ignore[return-value]

    def call(self, job: Callable[[JournalSession], T]) -> Future[T]:
        """Run *job* on the journal's thread, after everything queued before it."""
        return self._queue.put(job)  # type: ignore[return-value]

    def expect_kill(self, producer: str, outcome: State) -> Future[None]:
        """Record *outcome* as the end of the open tasks of *producer*, which this process is about to kill.

        Send the signal once the future is done: recovery may find the lock free at any moment after it.
        """
        return self.call(lambda session: session.expect_kill(producer, outcome))

    def close(self) -> None:
        """Finish what is queued, close the journal, release the slot. Idempotent.

        A preemptible job ends with `JournalError` where it yields next, or does not begin: its work is
        idempotent, and the next holder does the rest.
        """
        if not self._queue.close():
            return
        self._thread.join()
        self._tend()
        self._check_place()
        try:
            self._journal.close()
        finally:
            self.slot.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while self._queue.wait():
            self._tend()
            if group := self._queue.take():  # else it was served while the journal was copied
                self._process(self._new_session(), group)

    def _tend(self) -> None:
        """Replace a journal that is damaged; restore, when it is time to look, one whose files are gone."""
        if (error := self._corrupt or self._journal.overwritten()) is not None:
            self._replace(error)
        else:
            self._check_files()

    def _new_session(self, urgency: Urgency = Urgency.REQUEST) -> JournalSession:
        """Return a session for a job; one that is preemptible yields to what is more urgent than itself."""
        run_pending = (lambda: None) if urgency is Urgency.REQUEST else partial(self._run_above, urgency)
        session = JournalSession(
            self._journal,
            self._on_commit,
            run_pending,
            self._dead_producers,
            self._kill_outcomes,
            self.health.note_unreadable,
        )
        session.refusal = self._displaced
        return session

    def _process(self, session: JournalSession, group: list[Item]) -> JournalSession:
        work, future = group[0]
        if isinstance(work, PreemptibleJob):
            self._call(self._new_session(work.urgency), work, future)
            return session if session.journal is self._journal else self._new_session()
        return self._call(session, work, future) if callable(work) else self._commit(session, group)

    def _run_above(self, urgency: Urgency) -> None:
        """Run what is queued now and is more urgent; the rest waits. Tend the journal: jobs take minutes."""
        journal = self._journal
        self._tend()
        for _ in range(len(self._queue)):
            self._raise_if_replaced(journal)
            group = self._queue.take_above(urgency)
            if not group:
                break
            self._process(self._new_session(), group)
        self._raise_if_replaced(journal)
        self._raise_if_unfit()

    def _raise_if_replaced(self, journal: SQLiteJournal) -> None:
        if self._journal is not journal or self._corrupt is not None:
            raise JournalError("the journal was replaced in the middle of a job")

    def _raise_if_unfit(self) -> None:
        """Raise `JournalError` when no long job may begin or go on."""
        if self._queue.is_closed:
            raise JournalError("the journal is closed in the middle of a job")
        if self._displaced is not None:  # a recovery would delete the spools of events that are not kept
            raise self._displaced

    def _commit(self, session: JournalSession, appends: list[Item]) -> JournalSession:
        head = session.journal.head
        try:
            results = session.append(*(work for work, _ in appends if not callable(work)))
        except CorruptJournal as error:
            session = self._replace(error)
            fail(appends, error)
        except JournalError as error:
            if self._corrupt is None:  # else the cause has been reported
                self.health.failed(str(error))
            fail(appends, error)
        except Exception as error:  # a bug must not end the thread that all callers wait for
            if len(appends) > 1:  # one by one: a batch that fails must not fail the others
                for item in appends:
                    session = self._commit(session, [item])
                return session
            log.exception("a batch could not be stored")
            fail(appends, error)
        else:
            if session.journal.head > head:  # else nothing was written: a gap, or known already
                self.health.stored()
            # The commit is on disk. Only now may a future be set: the ack goes out with it.
            for (_, future), result in zip(appends, results, strict=True):
                future.set_result(result)
        return session

    def _call(self, session: JournalSession, job: Job, future: Future[object]) -> JournalSession:
        try:
            if isinstance(job, PreemptibleJob):
                self._raise_if_unfit()
            head = session.journal.head
            result = job(session)
        except CorruptJournal as error:
            session = self._replace(error)
            future.set_exception(error)
        except JournalUnavailable as error:
            self.health.failed(str(error))
            future.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - the caller's future gets it
            future.set_exception(error)
        else:
            if session.journal.head > head:
                self.health.stored()
            future.set_result(result)
        return session

    def _open(self) -> SQLiteJournal:
        try:
            return self._new_journal()
        except CorruptJournal as error:
            self.health.notice(move_aside(self.slot, self.id, error))
            return self._new_journal()

    def _new_journal(self) -> SQLiteJournal:
        """Open the slot's journal: the one place that chooses an adapter. A new journal gets a new epoch."""
        return SQLiteJournal(self.slot.file, self.id, new_id(), self.health.notice)

    def _use_journal(self, journal: SQLiteJournal) -> None:
        self._journal = journal
        self._place = JournalPlace(self.slot)

    def _check_files(self) -> None:
        """Check, when it is time, whether the journal has its files, and whether a failure is over."""
        now = time.monotonic()
        if now >= self._check_place_at:
            self._check_place()
        if self._displaced is None and self.health.is_probe_due(now):
            self.health.probe(self._journal.probe)

    def _check_place(self) -> None:
        """Give the journal its files back when they were deleted; nothing is appended while that fails."""
        if self._corrupt is None:
            self._displaced = None if self._place.is_kept() else self._restore()
        self._check_place_at = time.monotonic() + (RESTORE_INTERVAL if self._displaced else PLACE_INTERVAL)

    def _restore(self) -> JournalError | None:
        before = self._journal
        try:
            journal, sentence = self._place.restore(before, self.id, self._serving_meanwhile())
        except CorruptJournal as error:
            self._replace(error)
            return None
        except JournalError as error:
            if self._journal is not before:  # a job served meanwhile found it damaged
                return None
            self.health.failed(str(error))
            return error
        self._use_journal(journal)
        self.health.stored()
        self.health.notice(sentence)
        return None

    def _serving_meanwhile(self) -> Callable[[], None]:
        """Return what serves requests while the journal is copied, which takes seconds for a large one.

        Nothing is appended: until the copy is complete, a kill would lose it. Batches wait; jobs are refused.
        """
        journal, begin = self._journal, time.monotonic() + SERVED_AFTER

        def serve() -> None:
            if time.monotonic() < begin:
                return
            self._displaced = JournalError(f"{self.slot.file} was deleted, and is written again now")
            self.health.trouble = self.health.trouble or str(self._displaced)
            for _ in range(len(self._queue)):
                if group := self._queue.take_request():
                    self._process(self._new_session(), group)
                self._raise_if_replaced(journal)

        return serve

    def _replace(self, error: CorruptJournal) -> JournalSession:
        self._corrupt = error = self._journal.overwritten() or error
        try:
            self.health.notice(self._place.clear(self._journal, self.id, error, self.health.trouble))
            journal = self._open()
            if isinstance(error, OverwrittenJournal):
                renew(journal, new_id())
            self._use_journal(journal)
        except (JournalError, OSError) as trouble:  # jobs fail until it works again, the thread goes on
            self.health.failed(f"no new journal could be started: {trouble}")
            return self._new_session()
        self._corrupt = None
        self.health.stored()
        self._on_epoch(self._journal.head)
        return self._new_session()
