"""The port between the commands and whatever has the journal: a server, or this process for a moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Literal, Protocol

from ..client import AgentClient, EventsPage
from ..core.protocol import Apply, Restart
from ..core.task import Task
from ..discovery import REMOTE, find_address
from ..errors import AgentError, RequestRefused, ServerUnreachable
from ..places import Places

PATIENCE = 2.0
"""Seconds without a connection after which the command line looks who has the journal now."""

REMOTE_PATIENCE = 60.0
"""The same for a server on another machine, whose journal nobody else can have."""


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

    async def delete(self, task_id: str) -> None:
        """Raises `UnknownTask` or `NotNow`."""

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

    async def is_there(self) -> bool:
        """Whether the holder named there answers, and lets us in: a stale address may be anybody's now."""
        try:
            return "journal" in await self.health()
        except (ServerUnreachable, RequestRefused):
            return False


def sentence(error: AgentError) -> str:
    """What to tell a person: the first line of *error*."""
    return str(error).split("\n", 1)[0]
