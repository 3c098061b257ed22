"""What a terminal's bar says of a tracked loop: how far, how fast, how long still."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ...core.events import TaskState
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...rendering.durations import duration_clock
from ...runtime.local_task import LocalTask
from ...runtime.progress_sampler import Position

RATE_OVER = 30.0
"""Seconds that a rate is taken over at most, but for loops with fewer than `FEW` steps in that time."""

FEW = 5

RATE_FROM = 0.3
"""Seconds below which a rate is chance, and a loop inside another not worth a line."""

STAYS = 0.5
"""Seconds that the line of an inner loop waits for the next one, so that the screen does not jump."""

INSIDE = 2
"""Inner loops that have lines, the outermost first."""

METRICS = 3
"""Metrics that a bar tells, the first to come."""


@dataclass(frozen=True)
class Line:
    """One loop as it is drawn; ``share`` is from 0 to 1, or ``None`` when the total is unknown."""

    name: str
    share: float | None
    told: str
    state: TaskState = TaskState.RUNNING


class Bar:
    """A loop that is a task of its own, and the loops inside it; its context's *positions* change."""

    def __init__(self, task: LocalTask, positions: list[Position], now: float) -> None:
        self._task = task
        self._positions = positions
        self._outer = Pace(positions[0], now)
        self._inside: list[Pace] = []

    def lines(self, now: float) -> list[Line]:
        """The bar, and a line for each inner loop that has lasted a while."""
        self._outer.look(now)
        self._follow_inside(self._positions[1 : 1 + INSIDE], now)
        inner = [Line(f"  {_label(pace.position)}", pace.share, pace.told()) for pace in self._shown()]
        return [Line(self._name, self._outer.share, self._outer.told(_said(self._task.fold))), *inner]

    def last_line(self, state: TaskState, now: float) -> Line:
        """The bar of a loop that has ended."""
        self._outer.look(now, over=True)
        return Line(self._name, self._outer.share, self._outer.ended(state, _said(self._task.fold)), state)

    @property
    def _name(self) -> str:
        return to_single_line(self._task.options.name)

    def _follow_inside(self, positions: list[Position], now: float) -> None:
        for depth, position in enumerate(positions):
            if depth == len(self._inside):
                self._inside.append(Pace(position, now))
            self._inside[depth].follow(position, now)
        late = [pace for pace in self._inside[len(positions) :] if now - pace.seen > STAYS]
        del self._inside[len(self._inside) - len(late) :]

    def _shown(self) -> list[Pace]:
        return [pace for pace in self._inside if pace.is_steady]


class Pace:
    """A position over time."""

    def __init__(self, position: Position, now: float) -> None:
        self.is_steady = False
        self._begin(position, now)

    def follow(self, position: Position, now: float) -> None:
        """Look at *position*, which may be another loop's than before."""
        if position is not self.position:
            self._begin(position, now)
        self.look(now)

    def look(self, now: float, *, over: bool = False) -> None:
        """See where the loop is. The item it is at is not done yet, unless it is *over*."""
        self.seen = now
        taken, self.total = self.position.values()
        self.done = taken if over else max(0, taken - 1)
        if self.done != self._points[-1][1]:
            self._points.append((now, self.done))
            while len(self._points) > FEW and self._points[0][0] < now - RATE_OVER:
                self._points.popleft()
        self.is_steady |= now - self._since >= RATE_FROM

    @property
    def share(self) -> float | None:
        return min(1.0, self.done / self.total) if self.total else None

    def told(self, said: list[str] | None = None) -> str:
        """While it runs."""
        rate = self._now()
        left = None if rate is None or self.total is None else self._left(self.total, rate)
        time = duration_clock(self.seen - self._since) if left is None else f"{duration_clock(left)} left"
        return "  ".join([self._count(), *_speed(rate), time, *(said or [])])

    def ended(self, state: TaskState, said: list[str]) -> str:
        """After its end."""
        seconds = self.seen - self._since
        how = "in" if state is TaskState.COMPLETED else f"{state.value} after"
        return "  ".join(
            [self._count(), *_speed(_rate(self.done, seconds)), f"{how} {duration_clock(seconds)}", *said]
        )

    def _begin(self, position: Position, now: float) -> None:
        self.position = position
        self._since = now
        self._points = deque([(now, 0)])
        self.look(now)

    def _now(self) -> float | None:
        """Items a second lately, by when they were done; slower when one more is overdue."""
        first, last = self._points[0], self._points[-1]
        rate = _rate(last[1] - first[1], last[0] - first[0])
        if rate is not None and self.seen - last[0] > 1 / rate:
            return _rate(last[1] - first[1] + 1, self.seen - first[0])
        return rate

    def _left(self, total: int, rate: float) -> float:
        """Seconds to go: time that went into the present item is over."""
        into = min(1 / rate, self.seen - self._points[-1][0])
        return max(0.0, (total - self.done) / rate - into)

    def _count(self) -> str:
        percent = "" if self.share is None else f"{int(100 * self.share):3} %  "
        return f"{percent}{self.done:,}" + ("" if self.total is None else f"/{self.total:,}")


def _label(position: Position) -> str:
    return to_single_line(getattr(position, "name", ""))


def _said(task: Task) -> list[str]:
    """What the loop's body said of itself."""
    points = [(name, point.value) for name, point in list(task.metrics.items())[:METRICS]]
    metrics = [f"{to_single_line(name)} {value:.4g}" for name, value in points if value is not None]
    message = task.progress.message if task.progress else None
    return [*metrics, *([to_single_line(message)] if message else [])]


def _rate(items: int, seconds: float) -> float | None:
    return items / seconds if seconds >= RATE_FROM and items > 0 else None


def _speed(rate: float | None) -> list[str]:
    if rate is None:
        return []
    if rate < 1:
        return [f"{duration_clock(1 / rate)} each"]
    return [f"{rate:,.0f}/s" if rate >= 100 else f"{rate:.1f}/s"]
