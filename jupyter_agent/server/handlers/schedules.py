"""Handlers of schedules.

Schedules are kept in the journal ``default``: other servers pass requests on to its holder, with the
surroundings that they themselves have.
"""

from __future__ import annotations

from typing import ClassVar, get_args
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace
from tornado.web import HTTPError

from ...core.trigger_parser import parse_schedule
from ...detached.run_spec import caller_environment
from ...detached.submission import Submission, run_spec_of
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import (
    Schedule,
    ScheduleView,
    add_schedule,
    all_schedules,
    delete_schedule,
    find_schedule,
    show_schedule,
)
from ...journal.session import JournalSession
from ...system.ids import new_id
from ...system.timezone import local_zone
from .base import AgentHandler, BadRequest
from .proxy import proxy_request
from .submission import read_submission

COMMANDS: tuple[ScheduleCommand, ...] = get_args(ScheduleCommand)


async def post_schedule(handler: AgentHandler, asked: Submission) -> None:
    """Keep what is *asked* as a schedule and answer with it. Raises `BadSchedule`, `BadTarget`."""
    schedules, services = handler.services.scheduler, handler.services
    asked = replace(
        asked,
        cwd=asked.cwd or handler.home,
        env=caller_environment() if asked.env is None else asked.env,
    )
    call = run_spec_of(asked, agent=services.agent, cwd=handler.home, owner=handler.user_name)
    now = schedules.clock()
    when = parse_schedule(asked.schedule or {}, timezone=local_zone(), now=now)
    if (address := schedules.remote_address()) is not None:
        await proxy_request(handler, address, "schedules", msgspec.json.encode(asked))
        return

    def job(session: JournalSession) -> ScheduleView:
        return show_schedule(session, add_schedule(session, call, when, ident=new_id(), now=now), now)

    shown = await schedules.call(job)
    handler.set_header("Location", f"{handler.base_url}jupyter-agent/schedules/{shown.id}")
    handler.write_json(shown, 201)


class ScheduleBaseHandler(AgentHandler):
    """What these doors have in common."""

    async def was_proxied(self, path: str, body: bytes | None = None) -> bool:
        """Whether another server has answered in this one's place."""
        address = self.services.scheduler.remote_address()
        if address is not None:
            await proxy_request(self, address, path, body)
        return address is not None

    def show(self, session: JournalSession, schedule: Schedule) -> ScheduleView:
        """The schedule as it is given out."""
        return show_schedule(session, schedule, self.services.scheduler.clock())


class SchedulesHandler(ScheduleBaseHandler):
    """``schedules``: all of them, oldest first; POST adds one."""

    actions: ClassVar = AgentHandler.actions | {"POST": "execute"}

    async def get(self) -> None:
        if await self.was_proxied("schedules"):
            return
        shown = await self.services.scheduler.read(
            lambda session: [self.show(session, schedule) for schedule in all_schedules(session)]
        )
        self.write_json({"schedules": shown})

    async def post(self) -> None:
        asked = read_submission(self.request.body)
        if asked.schedule is None:
            raise BadRequest(
                'say when: "schedule": {"every": "30m"}, {"cron": "0 9 * * *"} or {"at": "2031-05-17T09:30"}'
            )
        await post_schedule(self, asked)


class ScheduleHandler(ScheduleBaseHandler):
    """``schedules/{id}``: one; DELETE forgets it, not its tasks."""

    async def get(self, ident: str) -> None:
        if not await self.was_proxied(f"schedules/{quote(ident, safe='')}"):
            self.write_json(
                await self.services.scheduler.read(
                    lambda session: self.show(session, find_schedule(session, ident))
                )
            )

    async def delete(self, ident: str) -> None:
        if not await self.was_proxied(f"schedules/{quote(ident, safe='')}"):
            await self.services.scheduler.call(lambda session: delete_schedule(session, ident))
            self.set_status(204)
            self.finish()


class ScheduleCommandsHandler(ScheduleBaseHandler):
    """``schedules/{id}/commands``: pause, resume, or run now; the last needs ``execute``."""

    async def post(self, ident: str) -> None:
        command = self.json_body().get("command")
        if command not in COMMANDS:
            raise BadRequest('send {"command": "pause"|"resume"|"run"}')
        if command == "run" and not await self.is_allowed("execute"):
            raise HTTPError(403, "this user may not execute tasks")
        path = f"schedules/{quote(ident, safe='')}/commands"
        if not await self.was_proxied(path, msgspec.json.encode({"command": command})):
            shown = await self.services.scheduler.call(
                lambda session: self._carry_out(session, ident, command)
            )
            self.write_json(shown, 202)

    def _carry_out(self, session: JournalSession, ident: str, command: ScheduleCommand) -> ScheduleView:
        schedules = self.services.scheduler
        schedules.runner.command(session, ident, command, schedules.clock())
        return self.show(session, find_schedule(session, ident))


class FiringsHandler(ScheduleBaseHandler):
    """``schedules/{id}/firings``: what became of its dues, newest first."""

    async def get(self, ident: str) -> None:
        limit, before = self.get_int_argument("limit", 50), self._before()
        query = urlencode({"limit": limit} | ({} if before is None else {"before": before}))
        if await self.was_proxied(f"schedules/{quote(ident, safe='')}/firings?{query}"):
            return

        def job(session: JournalSession) -> list[dict[str, object]]:
            found = session.journal.firings(find_schedule(session, ident).id, limit + 1, before=before)
            return [firing._asdict() for firing in found]

        firings = await self.services.scheduler.read(job)
        self.write_json({"firings": firings[:limit], "more": len(firings) > limit})

    def _before(self) -> float | None:
        text = self.get_query_argument("before", None)
        try:
            return None if text is None else float(text)
        except ValueError:
            raise BadRequest(
                f"before must be the due of a firing in Unix seconds, not {text!r:.40}"
            ) from None
