"""Levels of log records: their names as numbers, and the five that records are counted under.

The browser's counterpart is ``frontend/src/model/log/levels.ts``.
"""

from __future__ import annotations

import re
from functools import lru_cache

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
"""The standard levels, lowest first."""

_OTHERS = {"notset": 0, "trace": 5, "notice": 25, "success": 25, "warn": 30, "fatal": 50}
_NUMBERED = re.compile(r"level (\d{1,4})")


def severity(level: str | None) -> int:
    """Return the number of a level's name, in any case; that of ``info`` for an unknown one."""
    name = (level or "").lower()
    if match := _NUMBERED.fullmatch(name):  # as `logging` calls one without a name
        return int(match[1])
    return LEVELS.get(name, _OTHERS.get(name, LEVELS["info"]))


@lru_cache(64)
def standard_level(level: str | None) -> str:
    """Return the highest standard level that is not above *level*; ``debug`` for lower ones."""
    number = severity(level)
    return next((name for name in reversed(LEVELS) if LEVELS[name] <= number), "debug")
