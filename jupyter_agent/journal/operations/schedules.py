"""Schedules as records of the journal: add, list, pause, resume, delete, view.

What has fired is known from the firings alone (see `firing`), so that a schedule's record need not change
with them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ...core.events import TaskState
from ...core.trigger_parser import Overlap, ScheduleSpec, described
from ...core.triggers import Every, Trigger, next_due
from ...detached.resubmission import masked_target
from ...detached.run_spec import RunSpec
from ...detached.targets import PickledTarget, Target
from ...errors import BadSchedule, UnknownSchedule
from ..records import PastRun
from ..session import JournalSession

log = logging.getLogger(__name__)
KIND = "schedule"
MAX_SCHEDULES = 1000
"""Maximum number of schedules in a journal."""

MAX_RUNS = 10
"""Newest tasks of a schedule that are shown with it."""

SET_BACK = 60.0
"""Seconds by which a schedule may begin in the future; beyond that the clock was set back."""


class Schedule(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """``since``: dues up to then do not count. ``overlap``: what to do with a due while the previous run has
    not ended. ``ahead``: ``since`` and the trigger from before a clock was set back to before them. All
    times are Unix seconds."""

    id: str
    call: RunSpec
    trigger: Trigger
    timezone: str
    created: float
    since: float
    overlap: Overlap = "skip"
    paused: bool = False
    ahead: tuple[float, Trigger] | None = None


class ScheduleRun(Struct, frozen=True):
    """A task that a schedule queued; times are Unix seconds, ``duration`` is in seconds.

    ``asked``: it was requested, not due. ``state`` is ``None`` when the task was deleted or is being queued.
    """

    task: str
    due: float
    asked: bool = False
    state: TaskState | None = None
    started: float | None = None
    ended: float | None = None
    duration: float | None = None


class ScheduleView(Struct, frozen=True, kw_only=True):
    """A schedule as HTTP and the command line show it: without the environment of its run spec, and with the
    secrets among its parameters masked.

    ``next`` is ``None`` when it is paused or will not run again; a time in the past waits for a server.
    ``last`` is its newest firing, ``runs`` are its newest tasks, newest first.
    """

    id: str
    name: str
    target: Target
    trigger: Trigger
    text: str
    timezone: str
    overlap: Overlap
    paused: bool
    created: float
    next: float | None
    last: dict[str, Any] | None
    last_due: float | None
    last_task: str | None
    tags: tuple[str, ...]
    retries: int
    timeout: float | None
    cwd: str
    grace: float | None = None
    python: str | None = None
    runs: list[ScheduleRun] = []


def add_schedule(
    session: JournalSession, run_spec: RunSpec, when: ScheduleSpec, *, ident: str, now: float
) -> Schedule:
    """Store a new schedule. Raises `BadSchedule`."""
    check_schedulable(run_spec)
    if len(session.journal.records(KIND)) >= MAX_SCHEDULES:
        raise BadSchedule(f"there are {MAX_SCHEDULES:,} schedules already; delete some that are not needed")
    schedule = Schedule(
        id=ident,
        call=run_spec,
        trigger=when.trigger,
        timezone=when.timezone,
        created=now,
        since=now,
        overlap=when.overlap,
    )
    store_schedule(session, schedule)
    return schedule


def check_schedulable(run_spec: RunSpec) -> None:
    """Raise `BadSchedule` for what cannot run again and again."""
    if isinstance(run_spec.target, PickledTarget):
        raise BadSchedule("a function of a notebook cannot be scheduled; put it in a module: module:function")
    if run_spec.about.key is not None:
        raise BadSchedule("a schedule takes no key: each of its runs is a task of its own")


def find_schedule(session: JournalSession, ident: str) -> Schedule:
    """Return the schedule with this id. Raises `UnknownSchedule`."""
    schedule = present_schedule(session, ident)
    if schedule is None:
        raise UnknownSchedule(f"there is no schedule {ident[:80]!r}")
    return schedule


def schedule_ids(session: JournalSession) -> list[str]:
    """Return the ids of all schedules, oldest first."""
    return [ident for ident, _ in session.journal.records(KIND)]


def present_schedule(session: JournalSession, ident: str) -> Schedule | None:
    """Return the schedule as it is now; ``None`` when it was deleted, or cannot be decoded."""
    body = session.journal.record(KIND, ident)
    return None if body is None else _decoded(ident, body)


def all_schedules(session: JournalSession) -> list[Schedule]:
    """Return every schedule that can be decoded, oldest first."""
    found = (_decoded(ident, body) for ident, body in session.journal.records(KIND))
    return [schedule for schedule in found if schedule is not None]


def pause_schedule(session: JournalSession, ident: str, now: float) -> Schedule:
    """Stop firing until `resume_schedule`; a firing that waits for the previous run is skipped."""
    schedule = find_schedule(session, ident)
    for firing in session.journal.open_firings(ident):
        if firing.outcome == "waiting":
            session.journal.settle(
                firing._replace(at=now, outcome="skipped", reason="the schedule was paused")
            )
    return store_schedule(session, replace(schedule, paused=True))


def resume_schedule(session: JournalSession, ident: str, now: float) -> Schedule:
    """Fire again; dues of the meantime do not count."""
    schedule = find_schedule(session, ident)
    if not schedule.paused:
        return schedule
    return store_schedule(session, replace(schedule, paused=False, since=now, ahead=None))


def delete_schedule(session: JournalSession, ident: str) -> None:
    """Delete the schedule and its firings; its tasks stay. Raises `UnknownSchedule`."""
    if not session.journal.delete_record(KIND, ident):
        raise UnknownSchedule(f"there is no schedule {ident[:80]!r}")


def show_schedules(session: JournalSession, schedules: Sequence[Schedule], now: float) -> list[ScheduleView]:
    """Return schedules as they are shown now."""
    runs: dict[str, list[ScheduleRun]] = {schedule.id: [] for schedule in schedules}
    for past in session.journal.recent_runs(list(runs), MAX_RUNS):
        runs[past.schedule].append(_run(past))
    return [_view(session, schedule, runs[schedule.id], now) for schedule in schedules]


def show_schedule(session: JournalSession, schedule: Schedule, now: float) -> ScheduleView:
    """Return the schedule as it is shown now."""
    return show_schedules(session, [schedule], now)[0]


def _run(past: PastRun) -> ScheduleRun:
    duration = None if past.started is None or past.ended is None else past.ended - past.started
    return ScheduleRun(past.task, past.due, past.asked, past.state, past.started, past.ended, duration)


def _view(session: JournalSession, schedule: Schedule, runs: list[ScheduleRun], now: float) -> ScheduleView:
    journal, run_spec = session.journal, schedule.call
    last = next(iter(journal.firings(schedule.id, 1)), None)
    return ScheduleView(
        id=schedule.id,
        name=run_spec.about.name,
        target=masked_target(run_spec.target),
        trigger=schedule.trigger,
        text=described(schedule.trigger),
        timezone=schedule.timezone,
        overlap=schedule.overlap,
        paused=schedule.paused,
        created=schedule.created,
        next=None if schedule.paused else next_due(schedule.trigger, fired_until(session, schedule, now)),
        last=last._asdict() if last else None,
        last_due=last.due if last else None,
        last_task=runs[0].task if runs else None,
        tags=run_spec.about.tags,
        retries=run_spec.retries,
        timeout=run_spec.timeout,
        cwd=run_spec.cwd,
        grace=run_spec.grace,
        python=run_spec.python,
        runs=runs,
    )


def fired_until(session: JournalSession, schedule: Schedule, now: float) -> float:
    """Return the time up to which its dues have fired. Dues after *now*, from before a clock was set back, do
    not count.
    """
    last = session.journal.last_due(schedule.id, now)
    return schedule.since if last is None else max(schedule.since, last)


def adjust_to_clock(session: JournalSession, schedule: Schedule, now: float) -> Schedule:
    """Return the schedule, which begins now when the clock was set back to before it was created.

    It is again as it was when the clock comes back, as that of a machine that starts in 1970 does: else all
    dues since 1970 would be missed ones.
    """
    if schedule.ahead is not None and schedule.ahead[0] <= now:
        since, trigger = schedule.ahead
        return store_schedule(session, replace(schedule, since=since, trigger=trigger, ahead=None))
    if schedule.since <= now + SET_BACK:
        return schedule
    ahead = schedule.ahead or (schedule.since, schedule.trigger)
    trigger = (
        replace(schedule.trigger, start=now) if isinstance(schedule.trigger, Every) else schedule.trigger
    )
    return store_schedule(session, replace(schedule, since=now, trigger=trigger, ahead=ahead))


def store_schedule(session: JournalSession, schedule: Schedule) -> Schedule:
    """Store the schedule in place of an earlier one with its id, and return it."""
    session.journal.put_record(KIND, schedule.id, msgspec.json.encode(schedule))
    return schedule


@lru_cache(maxsize=MAX_SCHEDULES)
def _decoded(ident: str, body: bytes) -> Schedule | None:
    try:
        return msgspec.json.decode(body, type=Schedule)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("the schedule %s cannot be read and does not run: %s", ident, error)
        return None
