"""Firing of schedules: exactly one task for each due, whichever process is killed.

Claim, queue, settle are three commits, and a kill may follow any of them: the claim of (schedule, due) with
the ids of the task and of its worker; the task, queued under these ids; the outcome. The next tick finds the
open claim and completes it with the same ids; steps that are done have no effect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, NamedTuple

from msgspec.structs import replace

from ...core.events import TaskState
from ...core.task import Task
from ...core.triggers import missed_dues, next_due
from ...detached.run_spec import RunSpec
from ...detached.work_state import WorkState, state_of
from ...errors import NotNow, UnknownSchedule
from ...system.ids import new_id
from ...system.paths import DataPaths
from ..records import Firing
from ..session import JournalSession
from .detached_tasks import enqueue_task
from .schedules import (
    Schedule,
    adjust_to_clock,
    find_schedule,
    fired_until,
    pause_schedule,
    present_schedule,
    resume_schedule,
    schedule_ids,
)

log = logging.getLogger(__name__)
ScheduleCommand = Literal["pause", "resume", "run"]
SCAN_LIMIT = 20
"""Maximum number of newest runs of a schedule that are searched for one that has not ended."""

Queue = Callable[[JournalSession, RunSpec, str, str], object]
"""Queues a run spec under the ids of a task and a worker. Idempotent for the same ids."""


class TickResult(NamedTuple):
    """``next``: the next due of all schedules, in Unix seconds. ``queued``: number of tasks queued now.
    ``waiting``: number of firings that wait for a previous run."""

    next: float | None
    queued: int
    waiting: int


class ScheduleRunner:
    """Runs the schedules of one journal; its methods run on the journal's thread."""

    def __init__(self, paths: DataPaths, slot: str, *, queue: Queue | None = None) -> None:
        self._paths = paths
        self._queue: Queue = queue or (
            lambda session, run_spec, task, worker: enqueue_task(
                session, paths, slot, run_spec, task=task, worker=worker
            )
        )

    def tick(self, session: JournalSession, now: float) -> TickResult:
        """Complete open claims, fire what is due, start waiting firings whose previous run has ended.

        Others run between two schedules: after a long absence, all of them may be due.
        """
        queued = self.finish_claimed(session, now)
        dues: list[float] = []
        for ident in schedule_ids(session):
            fired, due = self._look(session, ident, now)
            queued += fired
            dues += [] if due is None else [due]
            session.yield_to_others()
        queued += self._start_waiting(session, now)
        waiting = sum(firing.outcome == "waiting" for firing in session.journal.open_firings())
        return TickResult(min(dues, default=None), queued, waiting)

    def _look(self, session: JournalSession, ident: str, now: float) -> tuple[bool, float | None]:
        """Fire a schedule if it is due; return whether a task was queued, and when it is due next."""
        schedule = present_schedule(session, ident)
        if schedule is None:
            return False, None
        schedule = adjust_to_clock(session, schedule, now)
        if schedule.paused:
            return False, None
        fired = self._fire_due(session, schedule, now)
        return fired, _next(session, schedule, now)

    def finish_claimed(self, session: JournalSession, now: float) -> int:
        """Queue every claimed firing that is not settled; return how many."""
        queued = 0
        for firing in session.journal.open_firings():
            if firing.outcome == "claimed":
                queued += self._complete_claim(session, firing, now)
                session.yield_to_others()
        return queued

    def command(self, session: JournalSession, ident: str, word: ScheduleCommand, now: float) -> None:
        """Pause a schedule, resume it, or run it now. Raises `UnknownSchedule`, `NotNow`."""
        match word:
            case "pause":
                pause_schedule(session, ident, now)
            case "resume":
                resume_schedule(session, ident, now)
            case "run":
                self.run(session, ident, now)

    def run(self, session: JournalSession, ident: str, now: float) -> Firing:
        """Fire now, on request. Raises `UnknownSchedule`, `NotNow`."""
        schedule = find_schedule(session, ident)
        obstacle = self._obstacle(session, schedule)
        if obstacle and (schedule.overlap == "skip" or _has_waiting(session, ident)):
            raise NotNow(f"schedule {ident} does not run now: {obstacle}", task_id="")
        due = now
        while not session.journal.claim(firing := self._firing(session, schedule, due, now, asked=True)):
            due = max(due, now) + 0.001
        self._complete_claim(session, firing, now)
        return next(f for f in session.journal.firings(ident) if f.due == due)

    def _fire_due(self, session: JournalSession, schedule: Schedule, now: float) -> bool:
        missed = missed_dues(schedule.trigger, fired_until(session, schedule, now), now)
        if missed is None:
            return False
        firing = self._firing(session, schedule, missed.due, now)._replace(missed=missed.earlier)
        return session.journal.claim(firing) and self._complete_claim(session, firing, now)

    def _firing(
        self, session: JournalSession, schedule: Schedule, due: float, now: float, *, asked: bool = False
    ) -> Firing:
        """Return the firing for a due: claimed, or skipped or waiting when it would overlap."""
        obstacle = self._obstacle(session, schedule)
        if not obstacle:
            return Firing(schedule.id, due, now, "claimed", new_id(), new_id(), asked=asked)
        skips = schedule.overlap == "skip" or _has_waiting(session, schedule.id)
        return Firing(schedule.id, due, now, "skipped" if skips else "waiting", asked=asked, reason=obstacle)

    def _obstacle(self, session: JournalSession, schedule: Schedule) -> str | None:
        """Return why a run may not start beside another one; ``None`` when it may."""
        if schedule.overlap == "allow":
            return None
        if _has_waiting(session, schedule.id):
            return "a run waits already"
        for firing in session.journal.firings(schedule.id, SCAN_LIMIT, ran=True):
            if firing.outcome == "claimed" or _is_open(session, firing):
                return f"task {firing.task} has not ended"
        return None

    def _start_waiting(self, session: JournalSession, now: float) -> int:
        started = 0
        for firing in session.journal.open_firings():
            session.yield_to_others()
            if not self._waits_still(session, firing) or self._must_wait(session, firing):
                continue
            claimed = firing._replace(at=now, outcome="claimed", task=new_id(), worker=new_id(), reason=None)
            session.journal.settle(claimed)
            started += self._complete_claim(session, claimed, now)
        return started

    def _waits_still(self, session: JournalSession, firing: Firing) -> bool:
        """Return True if *firing* waits and was not skipped meanwhile, as by a pause."""
        return firing.outcome == "waiting" and firing in session.journal.open_firings(firing.schedule)

    def _must_wait(self, session: JournalSession, waiting: Firing) -> bool:
        runs = session.journal.firings(waiting.schedule, SCAN_LIMIT, ran=True)
        return any(firing.outcome == "claimed" or _is_open(session, firing) for firing in runs)

    def _complete_claim(self, session: JournalSession, firing: Firing, now: float) -> bool:
        """Queue the task of a claim and settle it; return False for no claim, and when it fails for now."""
        if firing.outcome != "claimed":
            return False
        firing = self._with_usable_worker(session, firing)
        try:
            self._queue_once(session, firing)
        except UnknownSchedule as error:  # its record is damaged
            session.journal.settle(firing._replace(at=now, outcome="failed", reason=str(error)))
            return False
        except OSError as error:  # probably a full disk: the claim stays open for the next tick
            log.debug("schedule %s could not queue its task: %s", firing.schedule, error)
            return False
        # Settle last: a kill before this line repeats the queueing with the same ids, to no effect.
        session.journal.settle(firing._replace(at=now, outcome="queued"))
        return True

    def _queue_once(self, session: JournalSession, firing: Firing) -> None:
        task, worker = firing.task or "", firing.worker or ""
        if not _is_forgotten(session, task):
            run_spec = find_schedule(session, firing.schedule).call
            about = replace(run_spec.about, schedule=firing.schedule)
            self._queue(session, replace(run_spec, about=about), task, worker)

    def _with_usable_worker(self, session: JournalSession, firing: Firing) -> Firing:
        """Return the claim, with a new worker id when its task was called interrupted before it started.

        That happens when the holder is killed between the task's event and its work item.
        """
        task = session.journal.task(firing.task or "")
        if task is None or not self._never_ran(task, firing.worker or ""):
            return firing
        firing = firing._replace(worker=new_id())
        session.journal.settle(firing)
        return firing

    def _never_ran(self, task: Task, worker: str) -> bool:
        lost = task.state is TaskState.INTERRUPTED and task.started is None and task.producer == worker
        return lost and state_of(self._paths, worker) is WorkState.GONE


def _next(session: JournalSession, schedule: Schedule, now: float) -> float | None:
    """Return the schedule's next due. The first lookup is mostly cached: cron expressions are slow."""
    due = next_due(schedule.trigger, fired_until(session, schedule, now))
    return due if due is None or due > now else next_due(schedule.trigger, now)


def _has_waiting(session: JournalSession, ident: str) -> bool:
    return any(firing.outcome == "waiting" for firing in session.journal.open_firings(ident))


def _is_open(session: JournalSession, firing: Firing) -> bool:
    task = session.journal.task(firing.task or "")
    return task is not None and not task.state.ended


def _is_forgotten(session: JournalSession, task: str) -> bool:
    """Return True if the task existed and was deleted."""
    return session.journal.task(task) is None and bool(session.journal.owners(task, 1))
