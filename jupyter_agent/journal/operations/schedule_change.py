"""Changes to a schedule: what it runs, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from ...core.trigger_parser import parse_schedule
from ...core.triggers import At, Cron, Every, Trigger
from ...detached.run_spec import RunSpec
from ..session import JournalSession
from .schedules import Schedule, check_schedulable, find_schedule, store_schedule

_KINDS = ("every", "cron", "at")


def change_schedule(
    session: JournalSession,
    ident: str,
    *,
    run_spec: Callable[[RunSpec], RunSpec],
    when: Mapping[str, Any] | None,
    timezone: str,
    now: float,
) -> Schedule:
    """Store what *run_spec* and *when* make of a schedule; its firings, and the tasks that they queued, stay.

    *run_spec* returns the changed run spec. *when* has fields of a schedule as `parse_schedule` reads them;
    those that it does not have stay, and *timezone* is the default of one that is reset. A trigger that
    differs counts from *now*; the same one goes on. A firing that waits runs the changed target. Raises
    `UnknownSchedule`, `BadSchedule`, and what *run_spec* raises; then nothing is changed.
    """
    schedule = find_schedule(session, ident)
    changed = replace(schedule, call=run_spec(schedule.call))
    check_schedulable(changed.call)
    return store_schedule(session, changed if when is None else _with_trigger(changed, when, timezone, now))


def _with_trigger(schedule: Schedule, when: Mapping[str, Any], timezone: str, now: float) -> Schedule:
    is_other = any(when.get(kind) is not None for kind in _KINDS)
    written = {} if is_other else _written(schedule.trigger)
    asked = {"timezone": schedule.timezone, "overlap": schedule.overlap} | written | dict(when)
    # Parsed as of its creation first: a time that has passed since may stay as it is.
    spec = parse_schedule(asked, timezone=timezone, now=min(schedule.created, now))
    if _is_same(spec.trigger, schedule.trigger):
        return replace(schedule, timezone=spec.timezone, overlap=spec.overlap)
    spec = parse_schedule(asked, timezone=timezone, now=now)
    return replace(
        schedule,
        trigger=spec.trigger,
        timezone=spec.timezone,
        overlap=spec.overlap,
        since=now,
        ahead=None,
    )


def _written(trigger: Trigger) -> dict[str, Any]:
    """Return the trigger as `parse_schedule` reads it, without its time zone."""
    match trigger:
        case Every():
            return {"every": trigger.seconds}
        case Cron():
            return {"cron": trigger.expression}
        case At():
            local = datetime.fromtimestamp(trigger.time, ZoneInfo(trigger.timezone))
            return {"at": local.replace(tzinfo=None).isoformat()}


def _is_same(trigger: Trigger, before: Trigger) -> bool:
    if isinstance(trigger, Every) and isinstance(before, Every):
        return trigger.seconds == before.seconds
    return trigger == before
