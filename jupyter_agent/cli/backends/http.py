"""Backend that asks a running server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ...client import AgentClient
from ...core.task import Task
from ...detached.submission import Submission
from ...errors import RequestRefused, ServerUnreachable
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import ScheduleView as Schedule
from ...protocol.subscriber import Apply, Restart
from ...system.paths import DataPaths
from ...transport.discovery import KEY_HEADER, REMOTE, find_address
from ...transport.http import exchange, read
from .base import AddResult, Fired
from .caller import with_surroundings

RECONNECT_TIMEOUT = 2.0
"""Seconds without a connection after which the command line looks who has the journal now."""


CREATED = 201


REMOTE_RECONNECT_TIMEOUT = 60.0
"""The same for a server on another machine, whose journal nobody else can have."""


class _Schedules(Struct):
    schedules: list[Schedule]


class _Firings(Struct):
    firings: list[Fired]


class HttpBackend(AgentClient):
    """A journal behind a server, wherever that moves to."""

    def __init__(self, paths: DataPaths, slot: str) -> None:
        super().__init__(lambda: find_address(paths, slot))
        self._patience = REMOTE_RECONNECT_TIMEOUT if slot == REMOTE else RECONNECT_TIMEOUT

    def follow(  # type: ignore[override]
        self, tasks: Literal["*"] | Sequence[str], *, after: str | None, tail: int | None
    ) -> AsyncGenerator[Restart | Apply]:
        return super().follow(tasks, after=after, tail=tail, patience=self._patience)

    async def add(self, asked: Submission) -> AddResult:
        """See `Source`; the surroundings of this process are for its own user's servers only."""
        address = self._address()
        body = with_surroundings(asked) if KEY_HEADER in address.headers else asked
        answer = await exchange(self._http, address, "POST", "tasks", msgspec.to_builtins(body))
        if asked.schedule is not None:
            return AddResult(schedule=read(answer.body, Schedule, address))
        task: Task = read(answer.body, Task, address)
        return AddResult(task=task, new=answer.code == CREATED, attempt=task.attempt)

    async def schedules(self) -> list[Schedule]:
        found: _Schedules = await self._get("schedules", _Schedules)
        return found.schedules

    async def schedule(self, ident: str) -> Schedule:
        return await self._get(_schedule(ident), Schedule)  # type: ignore[no-any-return]

    async def firings(self, ident: str, limit: int) -> list[Fired]:
        found: _Firings = await self._get(f"{_schedule(ident)}/firings?limit={limit}", _Firings)
        return found.firings

    async def command_schedule(self, ident: str, command: ScheduleCommand) -> Schedule:
        body = await self._fetch("POST", f"{_schedule(ident)}/commands", {"command": command})
        return read(body, Schedule, self._address())  # type: ignore[no-any-return]

    async def delete_schedule(self, ident: str) -> None:
        await self._fetch("DELETE", _schedule(ident))

    async def is_there(self) -> bool:
        """Whether the holder named there answers, and lets us in: a stale address may be anybody's now."""
        try:
            return "journal" in await self.health()
        except (ServerUnreachable, RequestRefused):
            return False


def _schedule(ident: str) -> str:
    return f"schedules/{quote(ident, safe='')}"
