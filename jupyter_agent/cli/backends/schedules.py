"""The schedules of a user: they are all in one journal."""

from __future__ import annotations

from typing import Any

from ...core.ids import is_ulid
from ...errors import UnknownSchedule
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import ScheduleView
from ...journal.records import Firing
from .journals import Journals
from .references import fitting, why_not_one


async def list_schedules(journals: Journals) -> list[ScheduleView]:
    """Return all schedules, oldest first."""
    return await journals.use(journals.scheduling, lambda backend: backend.schedules())


async def find_schedule(journals: Journals, reference: str) -> ScheduleView:
    """Return one schedule. Raises `UnknownSchedule`; see `fitting`."""
    known = await _id_of(journals, reference)
    return await journals.use(journals.scheduling, lambda backend: backend.schedule(known))


async def list_firings(journals: Journals, reference: str, limit: int) -> list[Firing]:
    """Return what became of a schedule's dues, newest first."""
    known = await _id_of(journals, reference)
    return await journals.use(journals.scheduling, lambda backend: backend.firings(known, limit))


async def command_schedule(journals: Journals, reference: str, command: ScheduleCommand) -> ScheduleView:
    """Pause, resume or run a schedule, and return it as it is then."""
    known = await _id_of(journals, reference)
    return await journals.use(
        journals.scheduling, lambda backend: backend.command_schedule(known, command), once=True
    )


async def change_schedule(journals: Journals, ident: str, changes: dict[str, Any]) -> ScheduleView:
    """Change fields of the schedule with this id, and return it as it is then."""
    return await journals.use(
        journals.scheduling, lambda backend: backend.change_schedule(ident, changes), once=True
    )


async def delete_schedule(journals: Journals, reference: str) -> ScheduleView:
    """Delete a schedule, and return it as it was."""
    schedule = await find_schedule(journals, reference)
    await journals.use(journals.scheduling, lambda backend: backend.delete_schedule(schedule.id), once=True)
    return schedule


async def _id_of(journals: Journals, reference: str) -> str:
    if is_ulid(reference.upper()):
        return reference.upper()
    newest_first = reversed(await list_schedules(journals))
    found = fitting(reference, ((one.id, one.name) for one in newest_first))
    if len(found) != 1:
        raise UnknownSchedule(why_not_one(reference, len(found), "schedule", "schedule"))
    return found[0]
