"""Bar of a tracked loop as text: the loop, the loops inside it, what its body reported."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.events import TaskState
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...rendering.formats import number
from ...runtime.local_task import LocalTask
from ...runtime.progress_sampler import Position
from .pace import Pace

LINGER = 0.5
"""Seconds that the line of an inner loop stays for the next one, so that the screen does not jump."""

MAX_INNER = 2
"""Maximum number of inner loops with a line, the outermost first."""

MAX_METRICS = 3
"""Maximum number of metrics in a bar, the first to come."""


@dataclass(frozen=True)
class Line:
    """One loop as it is drawn; ``share`` is from 0 to 1, ``None`` when the total is unknown."""

    name: str
    share: float | None
    text: str
    state: TaskState = TaskState.RUNNING


class Bar:
    """A loop that is a task of its own, and the loops inside it: *positions*, a list that changes."""

    def __init__(self, task: LocalTask, positions: list[Position], now: float) -> None:
        self._task = task
        self._positions = positions
        self._outer = Pace(positions[0], now)
        self._inner: list[Pace] = []

    def lines(self, now: float) -> list[Line]:
        """Return the bar, and a line for each inner loop that has been running for a while."""
        self._outer.sample(now)
        self._follow_inner(self._positions[1 : 1 + MAX_INNER], now)
        inner = [Line(f"  {_label(pace.position)}", pace.share, pace.text()) for pace in self._steady_inner()]
        return [Line(self._name, self._outer.share, self._outer.text(_reported(self._task.fold))), *inner]

    def last_line(self, state: TaskState, now: float) -> Line:
        """Return the bar of a loop that has ended."""
        reported = self._task.fold.progress
        taken = self._outer.position.values()[0]
        is_over = state is not TaskState.FAILED and (reported is None or reported.done == taken)
        self._outer.sample(now, over=is_over)
        return Line(
            self._name, self._outer.share, self._outer.final_text(state, _reported(self._task.fold)), state
        )

    @property
    def _name(self) -> str:
        return to_single_line(self._task.options.name)

    def _follow_inner(self, positions: list[Position], now: float) -> None:
        for depth, position in enumerate(positions):
            if depth == len(self._inner):
                self._inner.append(Pace(position, now))
            self._inner[depth].follow(position, now)
        late = [pace for pace in self._inner[len(positions) :] if now - pace.seen > LINGER]
        del self._inner[len(self._inner) - len(late) :]

    def _steady_inner(self) -> list[Pace]:
        return [pace for pace in self._inner if pace.is_steady]


def _label(position: Position) -> str:
    return to_single_line(getattr(position, "name", ""))


def _reported(task: Task) -> list[str]:
    """Return what the loop's body reported: metrics, and the message of its progress."""
    points = [(name, point.value) for name, point in list(task.metrics.items())[:MAX_METRICS]]
    metrics = [f"{to_single_line(name)} {number(value)}" for name, value in points if value is not None]
    message = task.progress.message if task.progress else None
    return [*metrics, *([to_single_line(message)] if message else [])]
