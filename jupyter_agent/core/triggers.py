"""Triggers: the due times of a schedule, at an interval, by a cron expression, or once.

Dues are Unix seconds and depend on nothing but the trigger. Every process computes the same ones, before and
after a restart, so a due identifies a firing. Cron follows Debian's rules where the clocks change: a time
that does not exist is due when the clocks have moved, one that comes twice is due the first time; but where
the minute or the hour is a ``*``, elapsed time counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from itertools import count, islice
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim
from msgspec import Meta, Struct

MIN_SECONDS, MAX_SECONDS = 1.0, 366 * 10 * 86_400.0
"""Bounds of the seconds between two dues."""

MAX_COUNTED = 1000
"""Maximum number of missed dues that are counted."""


class Every(Struct, frozen=True, tag="every", tag_field="kind"):
    """Due at ``start`` plus each positive multiple of ``seconds``."""

    seconds: Annotated[float, Meta(ge=MIN_SECONDS, le=MAX_SECONDS)]
    start: float


class Cron(Struct, frozen=True, tag="cron", tag_field="kind"):
    """Due when the local time of ``timezone`` (an IANA name) matches ``expression``."""

    expression: str
    timezone: str


class At(Struct, frozen=True, tag="at", tag_field="kind"):
    """Due once; ``timezone`` is for display only."""

    time: float
    timezone: str


Trigger = Every | Cron | At


class Missed(NamedTuple):
    """``due`` is the newest missed due; ``earlier`` counts those before it, up to `MAX_COUNTED`."""

    due: float
    earlier: int


@lru_cache(maxsize=4096)
def next_due(trigger: Trigger, after: float) -> float | None:
    """Return the first due later than *after*; ``None`` when there is none."""
    return next(_dues(trigger, after), None)


def next_dues(trigger: Trigger, after: float, count: int) -> list[float]:
    """Return the first *count* dues later than *after*; fewer when there are no more."""
    return list(islice(_dues(trigger, after), count))


def missed_dues(trigger: Trigger, after: float, now: float) -> Missed | None:
    """Return the dues later than *after*, up to and including *now*; ``None`` when there are none."""
    if isinstance(trigger, Every):
        first, last = _count(trigger, after) + 1, _count(trigger, now)
        return Missed(_multiple(trigger, last), min(last - first, MAX_COUNTED)) if last >= first else None
    due = next_due(trigger, after)
    if due is None or due > now:
        return None
    return Missed(_latest(trigger, due, now), sum(1 for _ in islice(_until(trigger, due, now), MAX_COUNTED)))


def _count(trigger: Every, when: float) -> int:
    """Return the number of dues up to and including *when*."""
    number = max(0, math.floor((when - trigger.start) / trigger.seconds))
    while _multiple(trigger, number + 1) <= when:
        number += 1
    while number and _multiple(trigger, number) > when:
        number -= 1
    return number


def _multiple(trigger: Every, count: int) -> float:
    return trigger.start + count * trigger.seconds


def _until(trigger: Trigger, after: float, now: float) -> Iterator[float]:
    for due in _dues(trigger, after):
        if due > now:
            return
        yield due


def _latest(trigger: Trigger, first: float, now: float) -> float:
    """Return the newest due up to *now*: search a span that grows backwards until it holds one."""
    span = 3600.0
    while (after := now - span) > first:
        if (due := next_due(trigger, after)) is not None and due <= now:
            return max(_until(trigger, after, now))
        span *= 4
    return max(_until(trigger, first, now), default=first)


def _dues(trigger: Trigger, after: float) -> Iterator[float]:
    match trigger:
        case Every():
            yield from (_multiple(trigger, number) for number in count(_count(trigger, after) + 1))
        case Cron():
            yield from _by_cron(trigger, after)
        case At() if trigger.time > after:
            yield trigger.time


def _by_cron(trigger: Cron, after: float) -> Iterator[float]:
    last = after
    for moment in CronSim(trigger.expression, datetime.fromtimestamp(after, ZoneInfo(trigger.timezone))):
        due = moment.timestamp()
        if due > last:  # cronsim may repeat a time in an hour that the clocks repeat or skip
            last = due
            yield due
