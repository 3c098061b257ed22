"""Notifications: which events are worth one, and how they are worded. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...core.events import Event, Prompt, State, TaskState
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...rendering.formats import duration

ON = ("completed", "failed", "cancelled", "interrupted", "prompt")
"""What a `NotificationPolicy` can be about: end states, and questions."""

MAX_LINES = 10
"""Notifications listed in one message; the others are only counted."""

MAX_TEXT = 300
"""Characters of a name or a text from a task."""

_SILENT_IF_SHORT = (TaskState.COMPLETED, TaskState.CANCELLED)
_COUNTED = {"prompt": "asking"}
_VERBS = {
    TaskState.COMPLETED: "completed",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "was cancelled",
    TaskState.INTERRUPTED: "was interrupted",
}


@dataclass(frozen=True, slots=True)
class NotificationPolicy:
    """What to notify of (see `ON`), and after how many seconds of run time a good end is worth it."""

    on: frozenset[str] = frozenset(("failed", "interrupted", "prompt"))
    after: float = 30.0

    def on_state(self, event: Event, data: State, task: Task) -> Notification | None:
        """Return ``None`` also for a state that the task has left meanwhile, for example by a retry."""
        if data.state.value not in self.on or task.state is not data.state:
            return None
        took = None if task.started is None else event.time - task.started
        # Negative when the task's clock was set back meanwhile: then nobody knows whether it was short.
        if data.state in _SILENT_IF_SHORT and 0.0 <= (took or 0.0) < self.after:
            return None
        text = ": ".join(filter(None, (_after(took), _why(data)))) or "It had not begun"
        return Notification(data.state.value, f"{_name(task)} {_VERBS[data.state]}", text)

    def on_prompt(self, data: Prompt, task: Task) -> Notification | None:
        """Return ``None`` also for a question that was answered meanwhile."""
        if "prompt" not in self.on or task.prompt is None or task.prompt.prompt_id != data.prompt_id:
            return None
        choices = f" ({' / '.join(data.choices)})" if data.choices else ""
        return Notification("prompt", f"{_name(task)} asks", _short(data.text + choices))


class Notification(NamedTuple):
    """One thing to notify of. ``kind`` is one of `ON`."""

    kind: str
    title: str
    text: str

    @property
    def is_bad(self) -> bool:
        return self.kind in ("failed", "interrupted")


def message(notifications: Sequence[Notification]) -> tuple[str, str]:
    """Return title and text of one message about all of *notifications*."""
    if len(notifications) == 1:
        return notifications[0].title, notifications[0].text
    counts = {kind: sum(one.kind == kind for one in notifications) for kind in ON}
    summary = ", ".join(f"{count} {_COUNTED.get(kind, kind)}" for kind, count in counts.items() if count)
    lines = [f"{one.title}. {one.text}" for one in notifications[:MAX_LINES]]
    left = len(notifications) - MAX_LINES
    more = [f"and {left} more"] if left > 0 else []
    return f"Tasks: {summary}", "\n".join(lines + more)


def _after(took: float | None) -> str:
    """Return "After 5 s"; empty for ``None``, "After an unknown time" for what a broken clock reported."""
    return "" if took is None else f"After {duration(took) or 'an unknown time'}"


def _why(data: State) -> str:
    if data.error is not None:
        return _short(f"{data.error.type}: {data.error.message}".partition("\n")[0])
    return _short(data.reason or "")


def _name(task: Task) -> str:
    return _short(task.name) or "A task"


def _short(text: str) -> str:
    line = to_single_line(text).strip()
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
