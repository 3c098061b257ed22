"""Lines of a log: their numbers, over all attempts, and how many records have which level."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from ..events import UNREADABLE, Event, Log
from ..nesting import NEVER_TOO_DEEP, refuse_too_deep
from .levels import LEVELS, standard_level

_decode = msgspec.json.Decoder(Log).decode


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

    def add(self, event: Event, data: Log) -> int:
        """Count the lines of a log event; return ``newest``."""
        # Every line of every task comes here: fields of a `Struct` are set only where they change.
        text, stream, begun = data.text, data.stream, self.open
        breaks = text.count("\n")
        is_ended = text[-1:] == "\n"
        if stream == "logging":  # a record begins a line, and ends it
            level, levels = standard_level(data.level), self.levels
            levels[level] = levels.get(level, 0) + 1
            if begun is not None:
                self.open = None
        elif not is_ended or begun is not None:
            source = f"{event.attempt} {stream} {data.section or ''}"
            if source == begun:  # it goes on with the last line
                self.newest = newest = self.lines
                if breaks:
                    self.lines = newest + breaks - is_ended
                if is_ended:
                    self.open = None
                return newest
            self.open = source if text and not is_ended else None
        self.newest = newest = self.lines + 1
        self.lines = newest + breaks - is_ended
        return newest

    def count_from(self, level: str) -> int:
        """Return the number of records of *level* and above."""
        return sum(count for name, count in self.levels.items() if LEVELS[name] >= LEVELS[level])


def decode_logs(events: Iterable[Event]) -> list[Log] | None:
    """Return the payloads of ``log`` events as a producer sends them; ``None`` if one of them is not such."""
    payloads = []
    try:
        for event in events:
            payload = event.data
            if event.flag or event.offset or event.line:
                return None
            if len(payload) > NEVER_TOO_DEEP:
                refuse_too_deep(payload)
            payloads.append(payload)
        return list(map(_decode, payloads))
    except UNREADABLE:
        return None


def with_line(encoded: bytes, line: int) -> bytes:
    """Return an encoded event that has no ``line`` with one."""
    return b'%s,"line":%d}' % (encoded[:-1], line)
