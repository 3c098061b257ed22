"""Handlers of schedules.

Schedules live in the journal ``default``. Servers that do not hold it proxy requests to its holder, and add
their own working directory and environment to new schedules.
"""

from __future__ import annotations

from typing import ClassVar, get_args
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace
from tornado.web import HTTPError

from ....core.trigger_parser import parse_schedule
from ....detached.resubmission import changed_run_spec
from ....detached.run_spec import RunSpec, caller_environment
from ....detached.submission import Submission, run_spec_of
from ....journal.operations.firing import ScheduleCommand
from ....journal.operations.schedule_change import change_schedule
from ....journal.operations.schedules import (
    Schedule,
    ScheduleView,
    add_schedule,
    all_schedules,
    delete_schedule,
    find_schedule,
    show_schedule,
    show_schedules,
)
from ....journal.session import JournalSession
from ....system.ids import new_id
from ....system.timezone import local_zone
from ...interface.bodies import FiringsPage, FiringView, SchedulesAnswer
from ...interface.operation import Parameter, operation
from ...interface.requests import CHANGEABLE, ScheduleChange, ScheduleCommandBody, ScheduleSubmission
from ..base import MAX_LIMIT, AgentHandler, ApiHandler, BadRequest
from ..enqueue import read_submission
from .proxy import proxy_request

COMMANDS: tuple[ScheduleCommand, ...] = get_args(ScheduleCommand)


async def post_schedule(handler: AgentHandler, submission: Submission) -> None:
    """Add a schedule for *submission* and answer with it. Raises `BadSchedule`, `BadTarget`."""
    scheduler, services = handler.services.scheduler, handler.services
    submission = replace(
        submission,
        cwd=submission.cwd or handler.home,
        env=caller_environment() if submission.env is None else submission.env,
    )
    run_spec = run_spec_of(submission, agent=services.agent, cwd=handler.home, owner=handler.user_name)
    now = scheduler.clock()
    spec = parse_schedule(submission.schedule or {}, timezone=local_zone(), now=now)
    if (address := scheduler.remote_address()) is not None:
        await proxy_request(handler, address, "schedules", msgspec.json.encode(submission))
        return

    def job(session: JournalSession) -> ScheduleView:
        return show_schedule(session, add_schedule(session, run_spec, spec, ident=new_id(), now=now), now)

    view = await scheduler.call(job)
    handler.set_header("Location", f"{handler.base_url}jupyter-agent/schedules/{view.id}")
    handler.write_json(view, 201)


class ScheduleBaseHandler(ApiHandler):
    """Base of the handlers of schedules."""

    async def was_proxied(self, path: str, body: bytes | None = None) -> bool:
        """Return True if the server that holds the schedules has answered in place of this one."""
        address = self.services.scheduler.remote_address()
        if address is not None:
            await proxy_request(self, address, path, body)
        return address is not None

    def show(self, session: JournalSession, schedule: Schedule) -> ScheduleView:
        """Return the schedule as answers show it."""
        return show_schedule(session, schedule, self.services.scheduler.clock())


class SchedulesHandler(ScheduleBaseHandler):
    """``schedules``: all of them, oldest first; POST adds one."""

    actions: ClassVar = ApiHandler.actions | {"POST": "execute"}

    @operation({200: SchedulesAnswer})
    async def get(self) -> None:
        """List schedules, oldest first."""
        if await self.was_proxied("schedules"):
            return
        views = await self.services.scheduler.read(
            lambda session: show_schedules(session, all_schedules(session), self.services.scheduler.clock())
        )
        self.write_json(SchedulesAnswer(views))

    @operation({201: ScheduleView}, body=ScheduleSubmission, refusals=(409,))
    async def post(self) -> None:
        """Add a schedule."""
        submission = read_submission(self.request.body)
        if submission.schedule is None:
            raise BadRequest(
                'say when: "schedule": {"every": "30m"}, {"cron": "0 9 * * *"} or {"at": "2031-05-17T09:30"}'
            )
        await post_schedule(self, submission)


class ScheduleHandler(ScheduleBaseHandler):
    """``schedules/{id}``: one; PATCH changes it, DELETE removes it; both keep its tasks."""

    actions: ClassVar = ApiHandler.actions | {"PATCH": "execute"}

    @operation({200: ScheduleView})
    async def get(self, ident: str) -> None:
        """Return one schedule."""
        if not await self.was_proxied(f"schedules/{quote(ident, safe='')}"):
            self.write_json(
                await self.services.scheduler.read(
                    lambda session: self.show(session, find_schedule(session, ident))
                )
            )

    @operation({200: ScheduleView}, body=ScheduleChange, refusals=(409,))
    async def patch(self, ident: str) -> None:
        """Change a schedule."""
        changes = self.known_json_body("a change of a schedule", CHANGEABLE)
        for name in ("target", "schedule"):
            if name in changes and changes[name] is None:
                raise BadRequest(f'"{name}" has no default that null could reset; leave it out to keep it')
        when = changes.pop("schedule", {})
        if not isinstance(when, dict):
            raise BadRequest('"schedule" is an object, as in {"schedule": {"every": "30m"}}')
        if not changes and not when:
            raise BadRequest(f"say what to change: {', '.join(CHANGEABLE)}")
        if await self.was_proxied(f"schedules/{quote(ident, safe='')}", self.request.body):
            return
        services, home = self.services, self.home

        def run_spec(before: RunSpec) -> RunSpec:
            return changed_run_spec(before, changes, agent=services.agent, cwd=home) if changes else before

        def job(session: JournalSession) -> ScheduleView:
            now = services.scheduler.clock()
            schedule = change_schedule(
                session, ident, run_spec=run_spec, when=when or None, timezone=local_zone(), now=now
            )
            return show_schedule(session, schedule, now)

        self.write_json(await services.scheduler.call(job))

    @operation({204: None})
    async def delete(self, ident: str) -> None:
        """Delete a schedule; its tasks are kept."""
        if not await self.was_proxied(f"schedules/{quote(ident, safe='')}"):
            await self.services.scheduler.call(lambda session: delete_schedule(session, ident))
            self.set_status(204)
            self.finish()


class ScheduleCommandsHandler(ScheduleBaseHandler):
    """``schedules/{id}/commands``: pause, resume, or run now; the last needs ``execute``."""

    @operation({202: ScheduleView}, body=ScheduleCommandBody, refusals=(409,))
    async def post(self, ident: str) -> None:
        """Pause or resume a schedule, or run it now; the last needs the right to execute."""
        known = ScheduleCommandBody.__struct_fields__
        command = self.known_json_body("a command", known).get("command")
        if command not in COMMANDS:
            raise BadRequest('send {"command": "pause"|"resume"|"run"}')
        if command == "run" and not await self.is_allowed("execute"):
            raise HTTPError(403, "this user may not execute tasks")
        path = f"schedules/{quote(ident, safe='')}/commands"
        if not await self.was_proxied(path, msgspec.json.encode({"command": command})):
            view = await self.services.scheduler.call(
                lambda session: self._run_command(session, ident, command)
            )
            self.write_json(view, 202)

    def _run_command(self, session: JournalSession, ident: str, command: ScheduleCommand) -> ScheduleView:
        scheduler = self.services.scheduler
        scheduler.runner.command(session, ident, command, scheduler.clock())
        return self.show(session, find_schedule(session, ident))


class FiringsHandler(ScheduleBaseHandler):
    """``schedules/{id}/firings``: its past dues and their outcomes, newest first."""

    parameters: ClassVar = {
        "limit": Parameter("maximum number of firings", maximum=MAX_LIMIT, default=50),
        "before": Parameter("the due of the last firing of the previous page, in Unix seconds", float),
    }

    @operation({200: FiringsPage})
    async def get(self, ident: str) -> None:
        """List a schedule's past dues and their outcomes, newest first."""
        limit, before = self.get_int_argument("limit"), self._before()
        query = urlencode({"limit": limit} | ({} if before is None else {"before": before}))
        if await self.was_proxied(f"schedules/{quote(ident, safe='')}/firings?{query}"):
            return

        def job(session: JournalSession) -> list[FiringView]:
            found = session.journal.firings(find_schedule(session, ident).id, limit + 1, before=before)
            return [FiringView(*firing) for firing in found]

        firings = await self.services.scheduler.read(job)
        self.write_json(FiringsPage(firings[:limit], len(firings) > limit))

    def _before(self) -> float | None:
        text = self.get_query_argument("before", None)
        try:
            return None if text is None else float(text)
        except ValueError:
            raise BadRequest(
                f"before must be the due of a firing in Unix seconds, not {text!r:.40}"
            ) from None
