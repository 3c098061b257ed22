"""Lines of a log: their numbers, over all attempts, and how many records have which level."""

from __future__ import annotations

from msgspec import Struct

from ..events import Event, Log
from .levels import LEVELS, standard_level


class LogSnapshot(Struct):
    """What a snapshot says of the log.

    ``lines``: how many there are, one that is not ended included. ``newest``: the number of the line in
    which the newest text begins. ``levels``: records by standard level. ``open``: what goes on with the last
    line, which is not ended; ``None`` when nothing does.
    """

    lines: int = 0
    newest: int = 0
    levels: dict[str, int] = {}
    open: str | None = None

    def add(self, event: Event, data: Log) -> None:
        """Count the lines of a log event."""
        text = data.text
        is_ended = text.endswith("\n")
        if data.stream == "logging":  # a record begins a line, and ends it
            level = standard_level(data.level)
            self.levels[level] = self.levels.get(level, 0) + 1
            self.open = None
        elif not is_ended or self.open is not None:
            self._add_part(event, data, is_ended)
            return
        self.newest = newest = self.lines + 1
        self.lines = newest + text.count("\n") - is_ended

    def count_from(self, level: str) -> int:
        """Return the number of records of *level* and above."""
        return sum(count for name, count in self.levels.items() if LEVELS[name] >= LEVELS[level])

    def _add_part(self, event: Event, data: Log, is_ended: bool) -> None:
        """Count text that goes on with a line, or that does not end its last one."""
        source = f"{event.attempt} {data.stream} {data.section or ''}"
        continues = source == self.open
        self.newest = self.lines + (not continues)
        self.lines = self.newest + data.text.count("\n") - is_ended
        self.open = None if is_ended or not (data.text or continues) else source


def with_line(encoded: bytes, line: int) -> bytes:
    """Return an encoded event that has no ``line`` with one."""
    return b'%s,"line":%d}' % (encoded[:-1], line)
