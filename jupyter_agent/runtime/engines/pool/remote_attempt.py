"""Attempt that a process of a pool runs, as the process that submitted it follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import copy

import msgspec

from ....core.events import TaskState
from ....core.task import Task
from ....system.process_table import has_ended
from ...attempt import Attempt
from ...outcome import Outcome
from ...stopping.cells import cells_of
from ..base import Work
from ..death import record_death
from .link_server import Link, link_server
from .messages import Begin, PoolSpec, ToPool, here

END_TIMEOUT = 2.0
"""Seconds that a process may take between the end of its link and the release of its spool's lock."""

_LOOK_INTERVAL = 0.01


class RemoteAttempt:
    """Lets one process begin the attempt, mirrors its snapshots, and records its death.

    The attempt is over in this process when its end is known and the executor has returned, or when the
    process that ran it is gone.
    """

    def __init__(self, attempt: Attempt, run_here: Callable[[], None]) -> None:
        self._attempt = attempt
        self.run_here = run_here
        self._lock = threading.RLock()
        self._link: Link | None = None
        self._pid = 0
        self._withdrawn = self._ended = self._returned = self._died = self._settled = False
        self._outcome: Outcome | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a process of the pool has begun it."""
        return self._pid != 0

    def spec(self, work: Work) -> PoolSpec:
        """Return what travels with the function, and expect a process that asks for the attempt."""
        attempt, server = self._attempt, link_server()
        options, producer = attempt.task.options, attempt.task.producer
        server.expect(attempt.task.id, attempt.number, self)
        return PoolSpec(
            task=attempt.task.id,
            attempt=attempt.number,
            name=options.name,
            timeout=options.timeout,
            grace=attempt.course.grace,
            cells=msgspec.to_builtins(cells_of(work.function)),
            address=server.address,
            root=str(producer.paths.root),
            journal=producer.journal,
            **here(),
        )

    def withdraw(self) -> bool:
        """Let no process begin it any more; false when one has."""
        with self._lock:
            self._withdrawn = self._withdrawn or not self.has_begun
            return self._withdrawn

    def begin(self, link: Link, begin: Begin) -> bool:
        """See `Awaited`."""
        attempt = self._attempt
        with self._lock:
            if self._withdrawn or self.has_begun:
                return False
            running = copy(attempt.task.fold)
            running.state, running.producer, running.pid = TaskState.RUNNING, begin.producer, begin.pid
            if not attempt.task.mirror(attempt, running):
                return False
            self._pid, self._link, attempt.worker = begin.pid, link, begin.producer
            link.attempts[attempt.task.id] = self
        return True

    def see(self, seen: Task) -> None:
        """See `Awaited`."""
        if seen.attempt == self._attempt.number:
            mirrored = self._attempt.task.mirror(self._attempt, seen)
            self._ended = self._ended or (mirrored and seen.state.ended)
        self._settle()

    def lose(self) -> None:
        """See `Awaited`. Wait until its process is gone: only then can its spool be written."""
        pause = threading.Event()
        for _ in range(round(END_TIMEOUT / _LOOK_INTERVAL)):
            if has_ended(self._pid):
                break
            pause.wait(_LOOK_INTERVAL)
        self._died = True
        self._settle()

    def finish(self, outcome: Outcome | None) -> None:
        """The executor has returned; *outcome* has the value or the exception, if it came along."""
        self._returned, self._outcome = True, outcome
        self._settle()

    def poll(self) -> None:
        """Notice a process that is gone although another holds its link open, such as a child of its work."""
        if self._returned and self.has_begun and not self._ended and has_ended(self._pid):
            self.lose()

    def send(self, command: str, *, now: bool = False, text: str = "", prompt_id: str | None = None) -> None:
        """Send a command to the process that runs it, if one does."""
        attempt = self._attempt
        if self._link is not None:
            message = ToPool(None, command, attempt.task.id, attempt.number, now, text, prompt_id)
            self._link.send(message)

    def close(self) -> None:
        """Forget the attempt. Idempotent."""
        attempt = self._attempt
        link_server().forget(attempt.task.id, attempt.number)
        if self._link is not None:
            self._link.attempts.pop(attempt.task.id, None)

    def _settle(self) -> None:
        with self._lock:
            is_over = self._died or (self._ended and self._returned)
            if self._settled or not is_over:
                return
            self._settled = True
        self.close()
        attempt = self._attempt
        if self._ended:
            self._keep_outcome()
            attempt.task.on_attempt_ended(attempt, attempt.task.fold.state)
        else:
            reason = f"the process of the pool that ran it ended (process {self._pid})"
            record_death(attempt, Outcome(TaskState.INTERRUPTED, reason=reason))

    def _keep_outcome(self) -> None:
        """Let handles find the value itself: the stored one may have been too large, or not be the same."""
        found, state = self._outcome, self._attempt.task.fold.state
        self._outcome = None  # from now on only handles keep it alive
        if found is not None and found.state is state:
            self._attempt.outcome_holder.outcome = found
