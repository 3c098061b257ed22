"""Schedules where no server runs: they are kept and changed, and wait for one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.trigger_parser import read_when
from ...detached.run_spec import Call
from ...journal.operations.firing import Firer, ScheduleCommand
from ...journal.operations.schedules import (
    Shown,
    add_schedule,
    all_schedules,
    delete_schedule,
    find_schedule,
    show_schedule,
)
from ...journal.session import Desk
from ...system.ids import new_id
from ...system.paths import Places
from ...system.timezone import local_zone
from .base import Fired


def plan(desk: Desk, call: Call, asked: Mapping[str, Any]) -> Shown:
    """Make a schedule. Raises `BadSchedule`."""
    now = time.time()
    when = read_when(asked, timezone=local_zone(), now=now)
    return show_schedule(desk, add_schedule(desk, call, when, ident=new_id(), now=now), now)


def planned(desk: Desk) -> list[Shown]:
    """All of them, oldest first."""
    now = time.time()
    return [show_schedule(desk, schedule, now) for schedule in all_schedules(desk)]


def one_planned(desk: Desk, ident: str) -> Shown:
    """Raises `UnknownSchedule`."""
    return show_schedule(desk, find_schedule(desk, ident), time.time())


def history(desk: Desk, ident: str, limit: int) -> list[Fired]:
    """What became of its dues, newest first. Raises `UnknownSchedule`."""
    found = desk.journal.firings(find_schedule(desk, ident).id, limit)
    return [msgspec.convert(firing._asdict(), Fired) for firing in found]


def change(desk: Desk, places: Places, slot: str, ident: str, command: ScheduleCommand) -> Shown:
    """Pause, resume or run it. Raises `UnknownSchedule`, `NotNow`."""
    Firer(places, slot).command(desk, ident, command, time.time())
    return one_planned(desk, ident)


__all__ = ["change", "delete_schedule", "history", "one_planned", "plan", "planned"]
