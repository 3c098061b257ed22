"""Parser of progress bars: lines that a program redraws by carriage returns."""

from __future__ import annotations

import re
from collections.abc import Callable

Progress = Callable[[float, float, str | None], None]
"""Called with done, total and the bar's title."""

MAX_LINE = 2000
"""Characters of an unfinished line that are kept."""

MAX_MESSAGE = 100
"""Characters of a bar's title."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PERCENT = re.compile(r"(?<![\d.,])(\d{1,3}(?:[.,]\d+)?) ?%")
_OF = re.compile(r"(?<![\d.,/])(\d+) ?/ ?(\d+)(?![\d.,/])")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_NEAR = 1.5
"""Percent by which a bar's ``n/m`` may differ from the percentage that it shows."""


class BarReader:
    """Reads one stream, in chunks as they come, and reports the progress of each redrawn line."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._rest = ""

    def write(self, text: str) -> None:
        """Parse the next chunk of what the program wrote."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in [*lines, self._rest]:
            bar = _newest(line)
            if bar and (found := read_bar(bar)):
                self._progress(*found)
        self._rest = _shortened(self._rest)


def read_bar(line: str) -> tuple[float, float, str | None] | None:
    """Return done, total and title of a line with a percentage or ``n/m``; ``None`` for any other."""
    line = _ESCAPES.sub("", line)
    percent, share = _PERCENT.search(line), _OF.search(line)
    before = min((match.start() for match in (percent, share) if match), default=0)
    if share and _fits(share, percent):
        return int(share[1]), int(share[2]), _title(line[:before])
    if percent and _number(percent) <= 100:
        return _number(percent), 100, _title(line[:before])
    return None


def _fits(share: re.Match[str], percent: re.Match[str] | None) -> bool:
    done, total = int(share[1]), int(share[2])
    if done > total or total == 0:
        return False
    return percent is None or abs(100 * done / total - _number(percent)) < _NEAR


def _number(percent: re.Match[str]) -> float:
    return float(percent[1].replace(",", "."))


def _newest(line: str) -> str:
    """Return the last state of a redrawn line; empty for any other line."""
    states = [state for state in line.split("\r") if state.strip()]
    redrawn = len(states) > 1 or line.startswith("\r") or line.endswith("\r")
    return states[-1] if states and redrawn else ""


def _shortened(line: str) -> str:
    """Return an unfinished line without what was overwritten, but with a carriage return if it had one."""
    body = line.rstrip("\r")
    mark = "\r" if "\r" in line else ""
    last = body.rpartition("\r")[2]
    return mark + last[:MAX_LINE] + ("\r" if line.endswith("\r") and last else "")


def _title(before: str) -> str | None:
    words = _EDGES.sub("", " ".join(before.split()))
    return words[:MAX_MESSAGE] if any(map(str.isalpha, words)) else None
