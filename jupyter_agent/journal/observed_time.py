"""The time that a journal has seen pass, whatever a wall clock says; retention counts in it.

What a boot's own clock counts, which cannot be set, is believed. A step of the wall clock beyond that may be
a machine that was off, or a clock that is wrong: it is believed slowly, and forgotten when it is taken back.
"""

from __future__ import annotations

from msgspec import Struct, field

CATCH_UP = 24.0
"""Seconds of an unexplained step that one second of the boot's clock makes believed: an hour a day."""

MAX_MARKS = 200


class Look(Struct, frozen=True):
    """What the clocks said at one moment: the wall clock, and the seconds of this *boot*."""

    wall: float
    boot: str
    uptime: float


class ObservedTime(Struct):
    """``seen``: seconds that have passed since the first look. ``unexplained``: the wall clock's lead on it.

    ``marks``: at which offset the journal was when it had seen how many seconds, oldest first.
    """

    seen: float = 0.0
    unexplained: float = 0.0
    last: Look | None = None
    marks: list[tuple[float, int]] = field(default_factory=list)

    def look(self, now: Look) -> float:
        """Advance to *now*; return the seconds by which the wall clock has stepped since the last look."""
        before, self.last = self.last, now
        if before is None:
            return 0.0
        elapsed = max(0.0, now.uptime - before.uptime) if now.boot and now.boot == before.boot else 0.0
        step = now.wall - before.wall - elapsed
        known, self.unexplained = self.unexplained, self.unexplained + step
        # Believed is only what was there at an earlier look already and still is: at no single look anything.
        believed = _towards_zero(known, self.unexplained, CATCH_UP * elapsed)
        self.unexplained -= believed
        self.seen += elapsed + max(0.0, believed)
        return step

    def mark(self, offset: int, spacing: float) -> None:
        """Remember the journal's newest *offset*, not more often than every *spacing* seconds."""
        if self.marks and self.seen - self.marks[-1][0] < spacing:
            return
        self.marks = [*self.marks, (self.seen, offset)][-MAX_MARKS:]

    def offset_before(self, age: float) -> int:
        """Return the newest offset known to be at least *age* seconds old; 0 when none is."""
        return max((offset for seen, offset in self.marks if seen <= self.seen - age), default=0)


def _towards_zero(known: float, now: float, most: float) -> float:
    if known * now <= 0:
        return 0.0
    size = min(abs(known), abs(now), most)
    return size if now > 0 else -size
