"""Source of a handle: what it reads a task from, and what it sends commands to."""

from __future__ import annotations

from typing import Protocol

from ..core.events import Event
from ..core.task import Task


class TaskSource(Protocol):
    """One task, of this process or of another."""

    @property
    def id(self) -> str: ...

    def snapshot(self) -> Task:
        """Return the present snapshot; a task of another process may cost a request."""

    def seen(self) -> Task:
        """Return the last known snapshot, without a request where there is one."""

    def wait(self, timeout: float | None) -> bool:
        """Wait until no further attempt follows; false after *timeout* seconds."""

    def cancel(self) -> bool:
        """Ask the task to stop; false when it has ended."""

    def retry(self) -> None:
        """Start a new attempt. Raises `NotNow` when the task has not ended."""

    def send(self, text: str, prompt_id: str | None) -> None:
        """Send *text* to the task. Raises `NotNow` when it has ended or *prompt_id* is closed."""

    def events(self, after: str | None) -> list[Event]:
        """Return the events in order, all or those after a cursor."""
