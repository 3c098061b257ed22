"""Ports of a task's context: where its events go, what may stand for it, and what users see of it."""

from __future__ import annotations

from typing import Any, Protocol

from ...core.events import Data

_REPORTS = {"checkpoint", "display", "log", "metric", "progress", "say"}
_QUESTIONS = {"ask", "attempt", "cancelled", "id", "raise_if_cancelled", "receive", "restore"}
FOR_USERS = _REPORTS | _QUESTIONS
"""What a task's function uses of its context; the rest is for this package."""


class TaskSink(Protocol):
    """Where the events and checkpoints of a context go."""

    @property
    def id(self) -> str:
        """The task's id."""

    def emit(self, attempt: int, kind: str, data: Data) -> int:
        """Append one event; its number, or 0 where nothing is emitted."""

    def save_checkpoint(self, attempt: int, state: object) -> int:
        """Save *state*, which *attempt* has reached; its size in bytes. Raises `OSError` where it cannot."""

    def load_checkpoint(self, default: object) -> object:
        """Return the state saved last, or *default*."""


class Alternating(Protocol):
    """What stands for one context or another, by the code that executes, until it is settled."""

    @property
    def replaced_by(self) -> Any:
        """The context, or what stands for it, that is current where this is."""

    @property
    def is_settled(self) -> bool:
        """Whether that is the same from now on."""
