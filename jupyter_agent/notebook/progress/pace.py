"""Pace of a tracked loop: how far it is, how fast, how long it will take."""

from __future__ import annotations

from collections import deque

from ...core.events import TaskState
from ...rendering.formats import duration, number, percent, rate, share
from ...runtime.progress_sampler import Position, items_done

RATE_PERIOD = 30.0
"""Maximum number of seconds over which a rate is taken, if it covers `MIN_STEPS` steps."""

MIN_STEPS = 5

MIN_RATE_TIME = 0.3
"""Seconds below which a rate means nothing, and an inner loop gets no line."""


class Pace:
    """Samples a position over time and describes its progress, rate and time left."""

    def __init__(self, position: Position, now: float) -> None:
        self.is_steady = False
        self._begin(position, now)

    def follow(self, position: Position, now: float) -> None:
        """Sample *position*, which may be that of another loop than before."""
        if position is not self.position:
            self._begin(position, now)
        self.sample(now)

    def sample(self, now: float, *, over: bool = False) -> None:
        """Read where the loop is. The item taken last is not done yet, unless the loop is *over*."""
        self.seen = now
        taken, self.total = self.position.values()
        self.done = items_done(taken, self.position.initial, all_taken=over)
        if self.done != self._points[-1][1]:
            self._points.append((now, self.done))
            while len(self._points) > MIN_STEPS and self._points[0][0] < now - RATE_PERIOD:
                self._points.popleft()
        self.is_steady |= now - self._since >= MIN_RATE_TIME

    @property
    def share(self) -> float | None:
        return share(self.done, self.total)

    def text(self, reported: list[str] | None = None) -> str:
        """Return the text of a loop that is running."""
        speed = self._recent_speed()
        left = None if speed is None or self.total is None else self._time_left(self.total, speed)
        time = duration(self.seen - self._since) if left is None else f"{duration(left)} left"
        return "  ".join([self._count(), *_words(speed), time, *(reported or [])])

    def final_text(self, state: TaskState, reported: list[str]) -> str:
        """Return the text of a loop that has ended."""
        seconds = self.seen - self._since
        how = "in" if state is TaskState.COMPLETED else f"{state.value} after"
        return "  ".join(
            [
                self._count(),
                *_words(_speed(self.done - self.position.initial, seconds)),
                f"{how} {duration(seconds)}",
                *reported,
            ]
        )

    def _begin(self, position: Position, now: float) -> None:
        self.position = position
        self._since = now
        self._points = deque([(now, position.initial)])
        self.sample(now)

    def _recent_speed(self) -> float | None:
        """Return the recent rate in items a second; lower when the next item is overdue."""
        first, last = self._points[0], self._points[-1]
        speed = _speed(last[1] - first[1], last[0] - first[0])
        if speed is not None and self.seen - last[0] > 1 / speed:
            return _speed(last[1] - first[1] + 1, self.seen - first[0])
        return speed

    def _time_left(self, total: int, speed: float) -> float:
        """Return the seconds left; time already spent on the present item is subtracted."""
        spent = min(1 / speed, self.seen - self._points[-1][0])
        return max(0.0, (total - self.done) / speed - spent)

    def _count(self) -> str:
        part = "" if self.share is None else f"{percent(self.share):>4}  "
        return f"{part}{number(self.done)}" + ("" if self.total is None else f"/{number(self.total)}")


def _speed(items: int, seconds: float) -> float | None:
    return items / seconds if seconds >= MIN_RATE_TIME and items > 0 else None


def _words(speed: float | None) -> list[str]:
    return [] if speed is None else [rate(speed)]
