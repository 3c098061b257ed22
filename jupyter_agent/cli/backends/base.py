"""The port between the commands and whatever has the journal: a server, or this process for a moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from msgspec import Struct

from ...client import EventsPage
from ...core.task import Task
from ...detached.submission import Submission
from ...errors import AgentError
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import ScheduleView as Schedule
from ...protocol.subscriber import Apply, Restart


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of a submission: a task, or the schedule of tasks to come.

    ``new``: false when its key is that of a task which lasts or completed, and nothing was queued.
    ``attempt``: which one was queued. ``waiting_for_worker``: no worker has begun it, as far as it was seen.
    """

    task: Task | None = None
    schedule: Schedule | None = None
    new: bool = True
    attempt: int = 1
    waiting_for_worker: bool = False


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


class Backend(Protocol):
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

    async def add(self, asked: Submission) -> AddResult:
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


def first_line(error: AgentError) -> str:
    """What to tell a person: the first line of *error*."""
    return str(error).split("\n", 1)[0]
