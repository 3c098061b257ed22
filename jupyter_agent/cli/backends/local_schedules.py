"""Schedules where no server runs: they are kept and changed, and run once a server does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...core.trigger_parser import parse_schedule
from ...detached.resubmission import changed_run_spec
from ...detached.run_spec import RunSpec
from ...journal.operations import schedules
from ...journal.operations.firing import ScheduleCommand, ScheduleRunner
from ...journal.operations.schedule_change import change_schedule
from ...journal.operations.schedules import ScheduleView, add_schedule, find_schedule, show_schedule
from ...journal.records import Firing
from ...journal.session import JournalSession
from ...system.ids import new_id
from ...system.paths import DataPaths
from ...system.timezone import local_zone


def make_schedule(session: JournalSession, run_spec: RunSpec, when: Mapping[str, Any]) -> ScheduleView:
    """Add a schedule. Raises `BadSchedule`."""
    now = time.time()
    spec = parse_schedule(when, timezone=local_zone(), now=now)
    return show_schedule(session, add_schedule(session, run_spec, spec, ident=new_id(), now=now), now)


def all_schedules(session: JournalSession) -> list[ScheduleView]:
    """Return all schedules, oldest first."""
    return schedules.show_schedules(session, schedules.all_schedules(session), time.time())


def one_schedule(session: JournalSession, ident: str) -> ScheduleView:
    """Return one schedule. Raises `UnknownSchedule`."""
    return show_schedule(session, find_schedule(session, ident), time.time())


def firings(session: JournalSession, ident: str, limit: int) -> list[Firing]:
    """Return what became of a schedule's dues, newest first. Raises `UnknownSchedule`."""
    return session.journal.firings(find_schedule(session, ident).id, limit)


def edit_schedule(
    session: JournalSession, ident: str, changes: Mapping[str, Any], *, agent: str
) -> ScheduleView:
    """Change fields of a schedule. Raises `UnknownSchedule`, `BadSchedule`, `BadTarget`."""
    fields, now = dict(changes), time.time()
    when = fields.pop("schedule", None)

    def run_spec(before: RunSpec) -> RunSpec:
        return changed_run_spec(before, fields, agent=agent, cwd=before.cwd) if fields else before

    changed = change_schedule(session, ident, run_spec=run_spec, when=when, timezone=local_zone(), now=now)
    return show_schedule(session, changed, now)


def command_schedule(
    session: JournalSession, paths: DataPaths, slot: str, ident: str, command: ScheduleCommand
) -> ScheduleView:
    """Pause, resume or run a schedule. Raises `UnknownSchedule`, `NotNow`."""
    ScheduleRunner(paths, slot).command(session, ident, command, time.time())
    return one_schedule(session, ident)
