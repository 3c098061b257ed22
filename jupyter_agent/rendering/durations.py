"""Durations: in words, as a clock, and as a clock with its unit."""

from __future__ import annotations

_HUGE = 1e300
"""Seconds from which on a duration is not shown: a broken clock reported it."""


def duration_words(seconds: float | None) -> str:
    """Format as "8.2 s", "3 min 20 s", "2 h 5 min", "4 d 1 h": for prose and tables.

    Empty for ``None``, NaN and durations beyond `_HUGE`.
    """
    if seconds is None or not abs(seconds) < _HUGE:
        return ""
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return _two_units(seconds, 60, "min", "s")
    if seconds < 86_400:
        return _two_units(seconds / 60, 60, "h", "min")
    return _two_units(seconds / 3600, 24, "d", "h")


def _two_units(amount: float, base: int, large: str, small: str) -> str:
    whole, rest = divmod(int(amount), base)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"


def duration_clock(seconds: float) -> str:
    """Format as "2.5 s", "0:12", "12:34", "1:02:03": for progress bars, where columns are few."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration_label(seconds: float) -> str:
    """Format as "8 s", "3:20 min", "2:05 h", "4 d 1 h": for HTML, as the live view does it.

    Empty for NaN and durations beyond `_HUGE`. The browser's counterpart is ``duration`` in
    ``frontend/src/model/format.ts``.
    """
    if not abs(seconds) < _HUGE:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    if whole < 86_400:
        return f"{whole // 3600}:{whole % 3600 // 60:02} h"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
