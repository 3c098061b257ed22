"""Which events of a log a reader wants: by level, text and time."""

from __future__ import annotations

from msgspec import Struct

from ..events import UNREADABLE, Event, Log, Message, decode_data
from ..sanitize import strip_controls
from .levels import LEVELS, severity


class LineFilter(Struct, frozen=True):
    """Conditions that all have to be met; ``None`` is none.

    ``level``: only records of at least this standard level, and nothing that was printed. ``text``: a part
    of the text, in upper or lower case. ``since``: only what came at this time (Unix seconds) or later.
    """

    level: str | None = None
    text: str | None = None
    since: float | None = None

    def wants(self, event: Event) -> bool:
        """Return True for an event that fits; one without text fits neither a level nor a text."""
        if self.since is not None and event.time < self.since:
            return False
        if self.level is None and self.text is None:
            return True
        try:
            data = decode_data(event)
        except UNREADABLE:
            return False
        return isinstance(data, Log | Message) and self._has_level(data) and self._has_text(data)

    def _has_level(self, data: Log | Message) -> bool:
        if self.level is None:
            return True
        if isinstance(data, Message) or data.stream != "logging":
            return False
        return severity(data.level) >= LEVELS[self.level]

    def _has_text(self, data: Log | Message) -> bool:
        if self.text is None:
            return True
        wanted, text = self.text.casefold(), data.text
        if wanted in text.casefold():
            return True
        return "\x1b" in text and wanted in strip_controls(text).casefold()  # colours may be in between


EVERY_LINE = LineFilter()
"""Has no conditions."""
