"""The schedules of a user: they are all in one journal."""

from __future__ import annotations

from ...core.ids import is_ulid
from ...errors import UnknownSchedule
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import ScheduleView
from ...journal.records import Firing
from .journals import Journals


async def list_schedules(journals: Journals) -> list[ScheduleView]:
    """Return all schedules, oldest first."""
    return await journals.use(journals.scheduling, lambda backend: backend.schedules())


async def find_schedule(journals: Journals, ident: str) -> ScheduleView:
    """Return one schedule. Raises `UnknownSchedule`."""
    known = _checked(ident)
    return await journals.use(journals.scheduling, lambda backend: backend.schedule(known))


async def list_firings(journals: Journals, ident: str, limit: int) -> list[Firing]:
    """Return what became of a schedule's dues, newest first."""
    known = _checked(ident)
    return await journals.use(journals.scheduling, lambda backend: backend.firings(known, limit))


async def command_schedule(journals: Journals, ident: str, command: ScheduleCommand) -> ScheduleView:
    """Pause, resume or run a schedule, and return it as it is then."""
    known = _checked(ident)
    return await journals.use(
        journals.scheduling, lambda backend: backend.command_schedule(known, command), once=True
    )


async def delete_schedule(journals: Journals, ident: str) -> ScheduleView:
    """Delete a schedule, and return it as it was."""
    schedule = await find_schedule(journals, ident)
    await journals.use(journals.scheduling, lambda backend: backend.delete_schedule(schedule.id), once=True)
    return schedule


def _checked(ident: str) -> str:
    if not is_ulid(ident.upper()):
        raise UnknownSchedule(
            f"{ident!r} is not a schedule's id (26 letters and digits); "
            "'jupyter agent schedule list' shows them"
        )
    return ident.upper()
