"""Formats of numbers, durations, ages, rates and percents, the same in every view.

The browser's counterpart is ``frontend/src/model/format.ts``. ``tests/formats.json`` has cases for both.
"""

from __future__ import annotations

import math
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

_HUGE = 1e300
"""Values from here on are not shown as they are: a broken clock or counter reported them."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_MANY_DAYS = 100
"""Days from which on a duration has no hours."""

_PREFIXES = ("", "k", "M", "G", "T")


def duration(seconds: float | None, *, whole: bool = False) -> str:
    """Format as "8.2s", "45s", "3m 08s", "2h 05m", "4d 01h", "1,631d".

    *whole*: without tenths of a second, for a duration that is still changing. Empty for ``None``, NaN and
    durations beyond `_HUGE`.
    """
    if seconds is None or not abs(seconds) < _HUGE:
        return ""
    tenths = math.floor(max(seconds, 0.0) * 10 + 0.5)
    if tenths < 100 and not whole:
        return f"{tenths // 10}.{tenths % 10}s"
    return _two_units(math.floor(max(seconds, 0.0) + 0.5))


def _two_units(seconds: int) -> str:
    if seconds < _MINUTE:
        return f"{seconds}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m {seconds % _MINUTE:02}s"
    if seconds < _DAY:
        return f"{seconds // _HOUR}h {seconds % _HOUR // _MINUTE:02}m"
    days = seconds // _DAY
    return f"{days}d {seconds % _DAY // _HOUR:02}h" if days < _MANY_DAYS else f"{days:,}d"


def age(seconds: float) -> str:
    """Format as "just now", "40s ago", "3m ago", "5h ago", "12d ago"; empty for NaN and beyond `_HUGE`."""
    if not abs(seconds) < _HUGE:
        return ""
    if seconds < 10:
        return "just now"
    if seconds < _MINUTE:
        return f"{int(seconds / 10) * 10}s ago"
    if seconds < _HOUR:
        return f"{int(seconds / _MINUTE)}m ago"
    if seconds < _DAY:
        return f"{int(seconds / _HOUR)}h ago"
    return f"{int(seconds / _DAY):,}d ago"


def number(value: float | None) -> str:
    """Format a whole number in full, another with four significant digits or all before the point.

    "1,234,567", "0.1235", "12,346", "9.414e-5"; "-" for ``None`` and NaN, "very many" beyond `_HUGE`.
    """
    if value is None or value != value:
        return "-"
    if abs(value) >= _HUGE:
        return "very many"
    if abs(value) < 1e15 and value == int(value):
        return f"{int(value):,}"
    exact = Decimal(value)
    rounded = _rounded(exact, exact.adjusted() - 3)
    if abs(value) < 1e15 and abs(rounded) >= Decimal("0.001"):
        return f"{_rounded(exact, min(0, exact.adjusted() - 3)).normalize():,f}"
    digits = rounded.normalize()
    return f"{digits.scaleb(-digits.adjusted()):f}e{digits.adjusted()}"


def _rounded(exact: Decimal, exponent: int) -> Decimal:
    return exact.quantize(Decimal((0, (1,), exponent)), ROUND_HALF_UP)


def share(done: float | None, total: float | None) -> float | None:
    """Return the part that is done, from 0 to 1; ``None`` when it is unknown."""
    return None if done is None or not total else min(1.0, max(0.0, done / total))


def percent(part: float | None) -> str:
    """Format a `share` as "43%", rounded down: only what is done has "100%". Empty for ``None``."""
    if part is None:
        return ""
    # The billionth makes up for floats: 0.29 * 100 is less than 29.
    return "100%" if part >= 1 else f"{min(99, math.floor(part * 100 + 1e-9))}%"


def rate(per_second: float) -> str:
    """Format as "84.9M/s", "3.4/s", "2.5s each"; empty for no rate."""
    if not 0 < per_second < _HUGE:
        return ""
    if per_second < 1:
        each = duration(1 / per_second)
        return f"{each} each" if each else ""
    prefix = 0
    while per_second >= 999.5 and prefix < len(_PREFIXES) - 1:
        per_second /= 1000
        prefix += 1
    tenths = math.floor(per_second * 10 + 0.5)
    shown = f"{tenths // 10}.{tenths % 10}" if tenths < 1000 else f"{math.floor(per_second + 0.5):,}"
    return f"{shown}{_PREFIXES[prefix]}/s"


def moment(when: float | None) -> str:
    """Format a time in this machine's time zone, to the second; empty for ``None`` and times out of range."""
    if when is None:
        return ""
    try:
        return datetime.fromtimestamp(when).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # a broken clock may have reported anything
        return ""
