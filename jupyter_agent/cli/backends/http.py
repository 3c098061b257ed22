"""Backend that asks the server which holds the journal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ...client.subscription import follow
from ...core.task import Task
from ...detached.observed.task_process import UNKNOWN, Resources
from ...detached.submission import Submission
from ...errors import RequestRefused, ServerUnreachable
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import ScheduleView
from ...journal.records import Firing
from ...protocol.http import task_path
from ...protocol.subscriber import Apply, Restart
from ...system.paths import DataPaths
from ...transport.api import Api
from ...transport.discovery import KEY_HEADER, REMOTE, find_address
from .base import AddResult
from .caller import caller_fields, with_caller

CREATED, NOT_FOUND = 201, 404
RECONNECT_TIMEOUT = 2.0
"""Seconds without a connection after which the command line looks for the journal's present holder."""

REMOTE_RECONNECT_TIMEOUT = 60.0
"""The same for a server on another machine: no other process can hold its journal."""


class _Schedules(Struct):
    schedules: list[ScheduleView]


class _Firings(Struct):
    firings: list[dict[str, Any]]


class HttpBackend(Api):
    """The journal *slot* behind the server that holds it, also when that server moves."""

    def __init__(self, paths: DataPaths, slot: str) -> None:
        super().__init__(lambda: find_address(paths, slot))
        self._reconnect_timeout = REMOTE_RECONNECT_TIMEOUT if slot == REMOTE else RECONNECT_TIMEOUT

    def follow(
        self, tasks: Literal["*"] | Sequence[str], *, after: str | None, tail: int | None
    ) -> AsyncGenerator[Restart | Apply]:
        return follow(self, tasks, after=after, tail=tail, patience=self._reconnect_timeout)

    async def add(self, submission: Submission) -> AddResult:
        """See `Backend`. Only this user's own servers get the caller's folder, environment and Python."""
        is_own = KEY_HEADER in self.address().headers
        body = with_caller(submission) if is_own else submission
        response = await self.send("POST", "tasks", msgspec.to_builtins(body))
        if submission.schedule is not None:
            return AddResult(schedule=self.decode(response, ScheduleView))
        task: Task = self.decode(response, Task)
        return AddResult(task=task, new=response.code == CREATED, attempt=task.attempt)

    async def resources(self, task: Task) -> Resources:
        try:
            return await self.get(f"{task_path(task.id)}/resources", Resources, task.id)  # type: ignore[no-any-return]
        except RequestRefused as error:
            if error.status == NOT_FOUND:  # an older server
                return UNKNOWN
            raise

    async def schedules(self) -> list[ScheduleView]:
        page: _Schedules = await self.get("schedules", _Schedules)
        return page.schedules

    async def schedule(self, ident: str) -> ScheduleView:
        return await self.get(_schedule_path(ident), ScheduleView)  # type: ignore[no-any-return]

    async def firings(self, ident: str, limit: int) -> list[Firing]:
        page: _Firings = await self.get(f"{_schedule_path(ident)}/firings?limit={limit}", _Firings)
        return [_read_firing(fields) for fields in page.firings]

    async def command_schedule(self, ident: str, command: ScheduleCommand) -> ScheduleView:
        response = await self.send("POST", f"{_schedule_path(ident)}/commands", {"command": command})
        return self.decode(response, ScheduleView)  # type: ignore[no-any-return]

    async def change_schedule(self, ident: str, changes: dict[str, Any]) -> ScheduleView:
        """See `Backend`. Only this user's own servers get the caller's folder with another target."""
        is_own = KEY_HEADER in self.address().headers
        body = changes | (caller_fields() if "target" in changes and is_own else {})
        response = await self.send("PATCH", _schedule_path(ident), body)
        return self.decode(response, ScheduleView)  # type: ignore[no-any-return]

    async def delete_schedule(self, ident: str) -> None:
        await self.send("DELETE", _schedule_path(ident))

    async def is_there(self) -> bool:
        """Return whether the holder answers and accepts the key.

        A stale address may be another program's now.
        """
        try:
            return "journal" in await self.health()
        except (ServerUnreachable, RequestRefused):
            return False


def _schedule_path(ident: str) -> str:
    return f"schedules/{quote(ident, safe='')}"


def _read_firing(fields: dict[str, Any]) -> Firing:
    """Read a firing, which msgspec takes from an array only; fields that it does not have are ignored."""
    known = Firing._field_defaults | fields
    try:
        return msgspec.convert([known.get(name) for name in Firing._fields], Firing)
    except msgspec.ValidationError as error:
        raise RequestRefused(
            f"the server sent a firing that cannot be read: {error}", code="bad_answer"
        ) from error
