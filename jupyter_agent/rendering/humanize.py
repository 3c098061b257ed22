"""Ages, times, sizes and numbers for people, and the parser of entered times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from ..core.sanitize import to_single_line

_STEPS = ((60.0, "s"), (60.0, "min"), (24.0, "h"))
_HUGE = 1e300
"""Values from here on are not shown as they are: a broken clock or counter reported them."""

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)\Z")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


def age(seconds: float) -> str:
    """Format as "now", "40 s ago", "3 min ago", "5 h ago", "12 d ago"; empty for NaN and beyond `_HUGE`."""
    if not abs(seconds) < _HUGE:
        return ""
    if seconds < 2:
        return "now"
    amount = seconds
    for limit, unit in _STEPS:
        if amount < limit:
            return f"{int(amount)} {unit} ago"
        amount /= limit
    return f"{int(amount)} d ago"


def params_text(params: Mapping[str, str]) -> str:
    """Format a task's parameters as one line, "epochs=12 lr=3e-4"."""
    return to_single_line(" ".join(f"{name}={value}" for name, value in params.items()))


def number(value: float | None) -> str:
    """Format a count with separators, a measurement with four significant digits; "-" for ``None``."""
    if value is None:
        return "-"
    if abs(value) >= _HUGE:
        return "very many"
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}" if abs(value) < 1e15 else f"{value:.4g}"
    return f"{value:.4g}"


def size(count: int) -> str:
    """Format bytes as "512 B", "1.2 MiB"."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def moment(when: float | None) -> str:
    """Format a time in this machine's time zone, to the second; empty for ``None`` and times out of range."""
    if when is None:
        return ""
    try:
        return datetime.fromtimestamp(when).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # a broken clock may have reported anything
        return ""


def parse_moment(text: str, now: float) -> float:
    """Parse an ISO date or time (local, unless it has an offset) or an age such as ``7d``, to Unix seconds.

    Raises `ValueError` with a sentence for the user.
    """
    if match := _AGE.match(text.strip()):
        return now - float(match[1]) * _SECONDS[match[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not a time; give a date (2031-05-17), a time (2031-05-17T09:30) or an age (12h, 7d)"
        ) from error
