"""Pages of tasks and events."""

from __future__ import annotations

from msgspec import Struct

from ..core.events import Event
from ..core.task import Task


class TasksPage(Struct):
    """``GET tasks``: newest first; ``more``: there are older ones; ``cursor``: the journal's head."""

    tasks: list[Task]
    more: bool = False
    cursor: str | None = None


class EventsPage(Struct):
    """``GET tasks/{id}/events``: oldest first; ``cursor`` is where the next page begins."""

    events: list[Event]
    cursor: str
    more: bool = False
