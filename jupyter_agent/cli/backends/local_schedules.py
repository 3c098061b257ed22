"""Schedules where no server runs: they are kept and changed, and wait for one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.trigger_parser import parse_schedule
from ...detached.run_spec import RunSpec
from ...journal.operations.firing import ScheduleCommand, ScheduleRunner
from ...journal.operations.schedules import (
    ScheduleView,
    add_schedule,
    all_schedules,
    delete_schedule,
    find_schedule,
    show_schedule,
)
from ...journal.session import JournalSession
from ...system.ids import new_id
from ...system.paths import DataPaths
from ...system.timezone import local_zone
from .base import Fired


def plan(session: JournalSession, run_spec: RunSpec, asked: Mapping[str, Any]) -> ScheduleView:
    """Make a schedule. Raises `BadSchedule`."""
    now = time.time()
    when = parse_schedule(asked, timezone=local_zone(), now=now)
    return show_schedule(session, add_schedule(session, run_spec, when, ident=new_id(), now=now), now)


def planned(session: JournalSession) -> list[ScheduleView]:
    """All of them, oldest first."""
    now = time.time()
    return [show_schedule(session, schedule, now) for schedule in all_schedules(session)]


def one_planned(session: JournalSession, ident: str) -> ScheduleView:
    """Raises `UnknownSchedule`."""
    return show_schedule(session, find_schedule(session, ident), time.time())


def history(session: JournalSession, ident: str, limit: int) -> list[Fired]:
    """What became of its dues, newest first. Raises `UnknownSchedule`."""
    found = session.journal.firings(find_schedule(session, ident).id, limit)
    return [msgspec.convert(firing._asdict(), Fired) for firing in found]


def change(
    session: JournalSession, paths: DataPaths, slot: str, ident: str, command: ScheduleCommand
) -> ScheduleView:
    """Pause, resume or run it. Raises `UnknownSchedule`, `NotNow`."""
    ScheduleRunner(paths, slot).command(session, ident, command, time.time())
    return one_planned(session, ident)


__all__ = ["change", "delete_schedule", "history", "one_planned", "plan", "planned"]
