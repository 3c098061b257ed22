"""Progress read off the bars that programs draw: lines that carriage returns redraw."""

from __future__ import annotations

import re
from collections.abc import Callable

Progress = Callable[[float, float, str | None], None]
"""Takes done, total and what the bar says of itself."""

MAX_LINE = 2000
"""Characters of a line that is looked at: its beginning and its end."""

MAX_MESSAGE = 100
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PERCENT = re.compile(r"(?<![\d.,])(\d{1,3}(?:[.,]\d+)?) ?%")
_OF = re.compile(r"(?<![\d.,/])(\d+) ?/ ?(\d+)(?![\d.,/])")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_NEAR = 1.5
"""Percent by which a bar's ``n/m`` may differ from the percentage that it shows."""


class BarReader:
    """Reads one stream, in pieces as they come, and tells of each redrawn line how far it says it is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._rest = ""

    def write(self, text: str) -> None:
        """Take what the program wrote."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in [*lines, self._rest]:
            bar = _newest(line)
            if bar and (found := read_bar(bar)):
                self._progress(*found)
        self._rest = _shortened(self._rest)


def read_bar(line: str) -> tuple[float, float, str | None] | None:
    """Done, total and title of a line with a percentage or ``n/m``; ``None`` for any other."""
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
    """The last state of a redrawn line; empty when it is none."""
    states = [state for state in line.split("\r") if state.strip()]
    redrawn = len(states) > 1 or line.startswith("\r") or line.endswith("\r")
    return states[-1] if states and redrawn else ""


def _shortened(line: str) -> str:
    """An unfinished line without what is overwritten; it keeps one mark that it is being redrawn."""
    body = line.rstrip("\r")
    mark = "\r" if "\r" in line else ""
    last = body.rpartition("\r")[2]
    return mark + last[:MAX_LINE] + ("\r" if line.endswith("\r") and last else "")


def _title(before: str) -> str | None:
    words = _EDGES.sub("", " ".join(before.split()))
    return words[:MAX_MESSAGE] if any(map(str.isalpha, words)) else None
