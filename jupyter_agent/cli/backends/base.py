"""`Backend`: what the commands ask of one journal, whether a server holds it or not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ...core.query import EventQuery, EventsPage, TaskQuery
from ...core.task import Task
from ...detached.observed.task_process import Resources
from ...detached.submission import Submission
from ...errors import AgentError
from ...journal.operations.firing import ScheduleCommand
from ...journal.operations.schedules import ScheduleView
from ...journal.records import Firing
from ...protocol.subscriber import Apply, Restart


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of a submission: a task, or a schedule of tasks to come.

    ``new``: false when a queued, running or completed task has its key, so that nothing was queued.
    ``attempt``: the number of the attempt that was queued. ``waiting_for_worker``: no worker had begun it
    when the call returned.
    """

    task: Task | None = None
    schedule: ScheduleView | None = None
    new: bool = True
    attempt: int = 1
    waiting_for_worker: bool = False


class Backend(Protocol):
    """One journal. Every method may raise `AgentError` with a sentence for the user."""

    async def tasks(self, query: TaskQuery) -> list[Task]:
        """Return the tasks that fit *query*, newest first."""

    async def task(self, task_id: str) -> Task:
        """Return the snapshot of a task. Raises `UnknownTask`."""

    async def resources(self, task: Task) -> Resources:
        """Return what the processes of a task use now; nothing when it does not run on this machine."""

    async def events(self, task_id: str, query: EventQuery) -> EventsPage:
        """Return a page of events, oldest first. Raises `UnknownTask`."""

    async def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        """Send a command to a task. Raises `UnknownTask` or `NotNow`."""

    async def add(self, submission: Submission) -> AddResult:
        """Queue a task or make a schedule. Raises `BadTarget` or `RequestRefused` (400)."""

    async def delete(self, task_id: str) -> None:
        """Delete an ended task. Raises `UnknownTask` or `NotNow`."""

    async def schedules(self) -> list[ScheduleView]:
        """Return all schedules, oldest first."""

    async def schedule(self, ident: str) -> ScheduleView:
        """Return one schedule. Raises `UnknownSchedule`."""

    async def firings(self, ident: str, limit: int) -> list[Firing]:
        """Return what became of a schedule's dues, newest first. Raises `UnknownSchedule`."""

    async def command_schedule(self, ident: str, command: ScheduleCommand) -> ScheduleView:
        """Pause, resume or run a schedule. Raises `UnknownSchedule` or `NotNow`."""

    async def change_schedule(self, ident: str, changes: dict[str, Any]) -> ScheduleView:
        """Change fields of a schedule. Raises `UnknownSchedule`, `BadSchedule`, `BadTarget` or
        `RequestRefused` (400)."""

    async def delete_schedule(self, ident: str) -> None:
        """Delete a schedule. Raises `UnknownSchedule`."""

    def follow(
        self,
        tasks: Literal["*"] | Sequence[str],
        *,
        after: str | None,
        tail: int | None,
    ) -> AsyncGenerator[Restart | Apply]:
        """Yield snapshots and events, until closed.

        Raises `JournalHeld` or `ServerUnreachable` when another process may hold the journal now.
        """

    def close(self) -> None:
        """Release the backend's resources. Idempotent."""


def first_line(error: AgentError) -> str:
    """Return the first line of *error*: the part that is for a person."""
    return str(error).split("\n", 1)[0]
