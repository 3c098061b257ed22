"""The port between the commands and whatever has the journal: a server, or this process for a moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ..client import AgentClient, EventsPage
from ..client.http import exchange, read
from ..core.protocol import Apply, Restart
from ..core.task import Task
from ..detached.submission import Submission
from ..discovery import KEY_HEADER, REMOTE, find_address
from ..errors import AgentError, RequestRefused, ServerUnreachable
from ..journal.firing import ScheduleCommand
from ..journal.schedules import Shown as Schedule
from ..places import Places
from .surroundings import with_surroundings

PATIENCE = 2.0
"""Seconds without a connection after which the command line looks who has the journal now."""

CREATED = 201
REMOTE_PATIENCE = 60.0
"""The same for a server on another machine, whose journal nobody else can have."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a submission: a task, or the schedule of tasks to come.

    ``new``: false when its key is that of a task which lasts or completed, and nothing was queued.
    ``attempt``: which one was queued. ``waits``: no worker has begun it, as far as it was seen.
    """

    task: Task | None = None
    schedule: Schedule | None = None
    new: bool = True
    attempt: int = 1
    waits: bool = False


class Fired(Struct):
    """One due of a schedule and what became of it; times are Unix seconds. See `journal.records.Firing`."""

    schedule: str
    due: float
    at: float
    outcome: str
    task: str | None = None
    worker: str | None = None
    missed: int = 0
    asked: bool = False
    reason: str | None = None


class _Schedules(Struct):
    schedules: list[Schedule]


class _Firings(Struct):
    firings: list[Fired]


class Source(Protocol):
    """One journal. Every method may raise `AgentError` with a sentence for the user."""

    async def tasks(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        key: str | None = None,
        limit: int | None = 50,
        before: str | None = None,
    ) -> list[Task]:
        """Newest first; *limit* of ``None``: all."""

    async def task(self, task_id: str) -> Task:
        """Raises `UnknownTask`."""

    async def events(
        self,
        task_id: str,
        *,
        after: str | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> EventsPage:
        """A page, oldest first. Raises `UnknownTask`."""

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        """Raises `UnknownTask` or `NotNow`."""

    async def add(self, asked: Submission) -> Added:
        """Have something run as a task. Raises `BadTarget` or `RequestRefused` (400) for what cannot be."""

    async def delete(self, task_id: str) -> None:
        """Raises `UnknownTask` or `NotNow`."""

    async def schedules(self) -> list[Schedule]:
        """All of them, oldest first."""

    async def schedule(self, ident: str) -> Schedule:
        """Raises `UnknownSchedule`."""

    async def firings(self, ident: str, limit: int) -> list[Fired]:
        """What became of its dues, newest first. Raises `UnknownSchedule`."""

    async def command_schedule(self, ident: str, command: ScheduleCommand) -> Schedule:
        """Pause it, resume it, or run it now. Raises `UnknownSchedule` or `NotNow`."""

    async def delete_schedule(self, ident: str) -> None:
        """Raises `UnknownSchedule`."""

    def follow(
        self,
        tasks: Literal["*"] | Sequence[str],
        *,
        after: str | None,
        tail: int | None,
    ) -> AsyncGenerator[Restart | Apply]:
        """Goes on until closed. Raises `JournalHeld` or `ServerUnreachable` when somebody else may have
        the journal now."""

    def close(self) -> None:
        """Release what it holds; again is nothing."""


class ServerSource(AgentClient):
    """A journal behind a server, wherever that moves to."""

    def __init__(self, places: Places, slot: str) -> None:
        super().__init__(lambda: find_address(places, slot))
        self._patience = REMOTE_PATIENCE if slot == REMOTE else PATIENCE

    def follow(  # type: ignore[override]
        self, tasks: Literal["*"] | Sequence[str], *, after: str | None, tail: int | None
    ) -> AsyncGenerator[Restart | Apply]:
        return super().follow(tasks, after=after, tail=tail, patience=self._patience)

    async def add(self, asked: Submission) -> Added:
        """See `Source`; the surroundings of this process are for its own user's servers only."""
        address = self._address()
        body = with_surroundings(asked) if KEY_HEADER in address.headers else asked
        answer = await exchange(self._http, address, "POST", "tasks", msgspec.to_builtins(body))
        if asked.schedule is not None:
            return Added(schedule=read(answer.body, Schedule, address))
        task: Task = read(answer.body, Task, address)
        return Added(task=task, new=answer.code == CREATED, attempt=task.attempt)

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


def sentence(error: AgentError) -> str:
    """What to tell a person: the first line of *error*."""
    return str(error).split("\n", 1)[0]
