"""Schedules, as jobs at a `JournalSession`: kept, listed, paused, resumed, deleted, asked to run now.

A schedule is a record of the journal. Whether it has fired for a due is known by its firings alone (see
`firing`), so that nothing here has to be in step with anything.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ...core.trigger_parser import Overlap, ScheduleSpec, described
from ...core.triggers import Every, Trigger, next_due
from ...detached.run_spec import RunSpec
from ...detached.targets import PickledTarget, Target
from ...errors import BadSchedule, UnknownSchedule
from ..session import JournalSession

log = logging.getLogger(__name__)
KIND = "schedule"
MAX_SCHEDULES = 1000
"""Schedules of a journal."""

SET_BACK = 60.0
"""Seconds that a schedule's beginning may lie ahead before the clock is taken to have been set back."""


class Schedule(Struct, frozen=True, omit_defaults=True):
    """``since``: dues up to then do not count. ``overlap``: what becomes of a due while the run before
    lasts. All times are Unix seconds."""

    id: str
    call: RunSpec
    trigger: Trigger
    timezone: str
    created: float
    since: float
    overlap: Overlap = "skip"
    paused: bool = False


class ScheduleView(Struct, frozen=True):
    """A schedule as it is given out: without the caller's environment.

    ``next`` is ``None`` when it is paused or will not run again; one that has passed waits for a server.
    ``last`` is its newest firing.
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


def add_schedule(
    session: JournalSession, run_spec: RunSpec, when: ScheduleSpec, *, ident: str, now: float
) -> Schedule:
    """Keep a schedule. Raises `BadSchedule`."""
    if isinstance(run_spec.target, PickledTarget):
        raise BadSchedule("a function of a notebook cannot be scheduled; put it in a module: module:function")
    if run_spec.about.key is not None:
        raise BadSchedule("a schedule takes no key: each of its runs is a task of its own")
    if len(session.journal.records(KIND)) >= MAX_SCHEDULES:
        raise BadSchedule(f"there are {MAX_SCHEDULES:,} schedules already; delete some that are not needed")
    schedule = Schedule(ident, run_spec, when.trigger, when.timezone, now, now, when.overlap)
    _keep(session, schedule)
    return schedule


def find_schedule(session: JournalSession, ident: str) -> Schedule:
    """The schedule with this id. Raises `UnknownSchedule`."""
    body = session.journal.record(KIND, ident)
    schedule = _decoded(ident, body) if body is not None else None
    if schedule is None:
        raise UnknownSchedule(f"there is no schedule {ident[:80]!r}")
    return schedule


def all_schedules(session: JournalSession) -> list[Schedule]:
    """Every schedule that can be read, oldest first."""
    found = (_decoded(ident, body) for ident, body in session.journal.records(KIND))
    return [schedule for schedule in found if schedule is not None]


def pause_schedule(session: JournalSession, ident: str, now: float) -> Schedule:
    """No runs until `resume_schedule`; one that waits for the run before is skipped."""
    schedule = find_schedule(session, ident)
    for firing in session.journal.open_firings():
        if firing.schedule == ident and firing.outcome == "waiting":
            session.journal.settle(
                firing._replace(at=now, outcome="skipped", reason="the schedule was paused")
            )
    return _keep(session, replace(schedule, paused=True))


def resume_schedule(session: JournalSession, ident: str, now: float) -> Schedule:
    """Run again; what was due meanwhile is not made up for."""
    schedule = find_schedule(session, ident)
    if not schedule.paused:
        return schedule
    return _keep(session, replace(schedule, paused=False, since=now))


def delete_schedule(session: JournalSession, ident: str) -> None:
    """Forget it and its firings; its tasks stay. Raises `UnknownSchedule`."""
    if not session.journal.delete_record(KIND, ident):
        raise UnknownSchedule(f"there is no schedule {ident[:80]!r}")


def show_schedule(session: JournalSession, schedule: Schedule, now: float) -> ScheduleView:
    """The schedule as it is given out now."""
    journal, run_spec = session.journal, schedule.call
    last = next(iter(journal.firings(schedule.id, 1)), None)
    ran = next(iter(journal.firings(schedule.id, 1, ran=True)), None)
    return ScheduleView(
        schedule.id,
        run_spec.about.name,
        run_spec.target,
        schedule.trigger,
        described(schedule.trigger),
        schedule.timezone,
        schedule.overlap,
        schedule.paused,
        schedule.created,
        None if schedule.paused else next_due(schedule.trigger, fired_until(session, schedule, now)),
        last._asdict() if last else None,
        last.due if last else None,
        ran.task if ran else None,
        run_spec.about.tags,
        run_spec.retries,
        run_spec.timeout,
        run_spec.cwd,
    )


def fired_until(session: JournalSession, schedule: Schedule, now: float) -> float:
    """Up to when its dues have fired. Dues that lie ahead, since the clock was set back, do not count."""
    last = session.journal.last_due(schedule.id, now)
    return schedule.since if last is None else max(schedule.since, last)


def set_right(session: JournalSession, schedule: Schedule, now: float) -> Schedule:
    """The schedule; where the clock has been set back to before it was made, it begins now."""
    if schedule.since <= now + SET_BACK:
        return schedule
    trigger = (
        replace(schedule.trigger, start=now) if isinstance(schedule.trigger, Every) else schedule.trigger
    )
    return _keep(session, replace(schedule, since=now, trigger=trigger))


def _keep(session: JournalSession, schedule: Schedule) -> Schedule:
    session.journal.put_record(KIND, schedule.id, msgspec.json.encode(schedule))
    return schedule


@lru_cache(maxsize=MAX_SCHEDULES)
def _decoded(ident: str, body: bytes) -> Schedule | None:
    try:
        return msgspec.json.decode(body, type=Schedule)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("the schedule %s cannot be read and does not run: %s", ident, error)
        return None
