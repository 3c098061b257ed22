"""Watch model: tasks folded from their events, with their last lines and their rate."""

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

MAX_LINES = 20
"""Maximum number of last lines kept of each task."""

RATE_WINDOW = 30.0
"""Seconds of progress over which a rate is measured."""

MIN_RATE_WINDOW = 0.5
"""Seconds of progress below which there is no rate."""


@dataclass
class Row:
    """One watched task. ``ended_before``: whether it had ended before watching began."""

    task: Task
    journal: str
    ended_before: bool = False
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LINES))
    _points: deque[tuple[float, float]] = field(default_factory=deque)
    _has_open_line: bool = False

    def rate(self) -> float | None:
        """Return the recent units per second; ``None`` while unknown."""
        points = list(self._points)
        task = self.task
        if len(points) < 2 and task.started and task.updated and task.progress and task.progress.done:
            points = [(task.started, 0.0), (task.updated, float(task.progress.done))]
        if len(points) < 2 or points[-1][0] - points[0][0] < MIN_RATE_WINDOW:
            return None
        return (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])

    def remaining(self) -> float | None:
        """Return the seconds to go at the present rate; ``None`` while unknown."""
        progress, rate = self.task.progress, self.rate()
        if progress is None or progress.total is None or progress.done is None or not rate or rate < 0:
            return None
        left = progress.total - progress.done
        return left / rate if left > 0 else None

    def apply(self, event: Event) -> None:
        """Fold *event* in, unless the snapshot has it already, and keep its lines and its progress."""
        folded = Cursor.parse(self.task.cursor).offset if self.task.cursor else 0
        if event.offset > folded:
            self.task.apply(event)
        if text := event_text(event):
            self._add_text(text)
        data = decode_payload(event)
        if isinstance(data, Progress) and data.done is not None and abs(data.done) < HUGE:
            self._add_point(event.time, float(data.done))

    def _add_point(self, when: float, done: float) -> None:
        if self._points and done < self._points[-1][1]:
            self._points.clear()
        self._points.append((when, done))
        while self._points[0][0] < when - RATE_WINDOW:
            self._points.popleft()

    def _add_text(self, text: str) -> None:
        """Add *text* to the lines; it continues an open line, and a carriage return starts it over."""
        pieces = text.split("\n")
        for index, piece in enumerate(pieces):
            if index == len(pieces) - 1 and not piece:
                break
            start = self.lines.pop() if self._has_open_line and index == 0 and self.lines else ""
            self.lines.append((start + piece).rstrip("\r").rsplit("\r", 1)[-1])
        self._has_open_line = not text.endswith("\n")


class WatchModel:
    """Rows by task id, over any number of journals."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def restart(self, journal: str, restart: Restart) -> None:
        """Replace the rows of one journal by the snapshots in *restart*."""
        seen = {ident: row.ended_before for ident, row in self.rows.items()}
        self.rows = {ident: row for ident, row in self.rows.items() if row.journal != journal}
        for task in restart.tasks:
            self.rows[task.id] = Row(task, journal, seen.get(task.id, task.state.ended))

    def put(self, journal: str, task: Task) -> None:
        """Start a row with a snapshot."""
        self.rows[task.id] = Row(task, journal)

    def unknown(self, item: Apply) -> list[str]:
        """Return the ids in *item* that have no row, and so need a snapshot."""
        return sorted({event.task for event in item.events} - self.rows.keys())

    def apply(self, item: Apply) -> Iterator[tuple[Row, Event]]:
        """Apply the events of known tasks, one by one."""
        for event in item.events:
            row = self.rows.get(event.task)
            if row is not None:
                row.apply(event)
                yield row, event

    def shown(self) -> list[Row]:
        """Return the tasks that have not ended, or ended while they were watched, oldest first."""
        return [
            row for _, row in sorted(self.rows.items()) if not (row.ended_before and row.task.state.ended)
        ]
