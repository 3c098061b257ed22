"""What the watching commands know: tasks folded from news, their last lines, how fast they go."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...core.events import Event, Progress
from ...core.ids import Cursor
from ...core.snapshots import HUGE
from ...core.task import Task
from ...protocol.subscriber import Apply, Restart
from ...rendering.transcript import decode_payload, event_text

LINES = 20
RATE_OVER = 30.0
"""Seconds of progress that a rate is taken over at most."""

RATE_FROM = 0.5
"""Seconds of progress below which a rate is chance."""


@dataclass
class Row:
    """One task as it is watched. ``at_first`` says whether it had ended before watching began."""

    task: Task
    journal: str
    at_first: bool = False
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))
    _points: deque[tuple[float, float]] = field(default_factory=deque)
    _open_line: bool = False

    def rate(self) -> float | None:
        """Units a second, lately; ``None`` while that cannot be told."""
        points = list(self._points)
        task = self.task
        if len(points) < 2 and task.started and task.updated and task.progress and task.progress.done:
            points = [(task.started, 0.0), (task.updated, float(task.progress.done))]
        if len(points) < 2 or points[-1][0] - points[0][0] < RATE_FROM:
            return None
        return (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])

    def remaining(self) -> float | None:
        """Seconds to go at the present rate; ``None`` while that cannot be told."""
        progress, rate = self.task.progress, self.rate()
        if progress is None or progress.total is None or progress.done is None or not rate or rate < 0:
            return None
        left = progress.total - progress.done
        return left / rate if left > 0 else None

    def take(self, event: Event) -> None:
        """Fold the event in, unless the snapshot has it already; keep what is shown of it."""
        folded = Cursor.parse(self.task.cursor).offset if self.task.cursor else 0
        if event.offset > folded:
            self.task.apply(event)
        if text := event_text(event):
            self._write(text)
        data = decode_payload(event)
        if isinstance(data, Progress) and data.done is not None and abs(data.done) < HUGE:
            self._point(event.time, float(data.done))

    def _point(self, when: float, done: float) -> None:
        if self._points and done < self._points[-1][1]:
            self._points.clear()
        self._points.append((when, done))
        while self._points[0][0] < when - RATE_OVER:
            self._points.popleft()

    def _write(self, text: str) -> None:
        """Add *text*; a line that had no end yet goes on, and a carriage return starts it over."""
        pieces = text.split("\n")
        for index, piece in enumerate(pieces):
            if index == len(pieces) - 1 and not piece:
                break
            before = self.lines.pop() if self._open_line and index == 0 and self.lines else ""
            self.lines.append((before + piece).rstrip("\r").rsplit("\r", 1)[-1])
        self._open_line = not text.endswith("\n")


class WatchModel:
    """Rows by task id, over any number of journals."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def restart(self, journal: str, restart: Restart) -> None:
        """Start over with what one journal says."""
        known = {ident for ident, row in self.rows.items() if row.journal != journal}
        seen = {ident: row.at_first for ident, row in self.rows.items()}
        self.rows = {ident: row for ident, row in self.rows.items() if ident in known}
        for task in restart.tasks:
            self.rows[task.id] = Row(task, journal, seen.get(task.id, task.state.ended))

    def put(self, journal: str, task: Task) -> None:
        """Begin a row with a snapshot."""
        self.rows[task.id] = Row(task, journal)

    def unknown(self, item: Apply) -> list[str]:
        """Tasks that *item* speaks of and that have no row: their snapshots are needed."""
        return sorted({event.task for event in item.events} - self.rows.keys())

    def apply(self, item: Apply) -> Iterator[tuple[Row, Event]]:
        """Take the news of known tasks in, event by event."""
        for event in item.events:
            row = self.rows.get(event.task)
            if row is not None:
                row.take(event)
                yield row, event

    def shown(self) -> list[Row]:
        """What has not ended, or ended while watched; oldest first."""
        return [row for _, row in sorted(self.rows.items()) if not (row.at_first and row.task.state.ended)]
