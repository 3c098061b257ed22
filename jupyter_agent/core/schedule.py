"""When a schedule is due: every so often, by a cron expression, or once.

Dues are Unix seconds and depend on nothing but the trigger, so that whoever asks, whenever, after whatever
restarts, is given the same ones: what has fired is then known by them. Cron follows Debian's rules where the
clocks change: a time that does not exist is due when the clocks have moved, one that comes twice is due the
first time; but where the minute or the hour is a ``*``, it goes by the time that passes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime, tzinfo
from itertools import count, islice
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from msgspec import Meta, Struct

from ..errors import BadSchedule
from .text import one_line

LEAST, MOST = 1.0, 366 * 10 * 86_400.0
"""Seconds between two dues."""

COUNTED = 1000
"""Missed dues that are counted one by one; more are not told apart."""

_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_PART = r"\d{1,9}(?:\.\d{1,9})?\s*(?:w|d|h|min|m|s)"
_PARTS = re.compile(rf"(?:{_PART}\s*)+")
_ONE = re.compile(r"([\d.]+)\s*([a-z])")
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = "five fields: minute, hour, day of the month, month, day of the week"
_NAMED = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60))


class Every(Struct, frozen=True, tag="every", tag_field="kind"):
    """Due at ``start`` plus each multiple of ``seconds``, the first time after one."""

    seconds: Annotated[float, Meta(ge=LEAST, le=MOST)]
    start: float


class Cron(Struct, frozen=True, tag="cron", tag_field="kind"):
    """Due when the clocks of ``timezone`` (an IANA name) show what ``expression`` says."""

    expression: str
    timezone: str


class At(Struct, frozen=True, tag="at", tag_field="kind"):
    """Due once; ``timezone`` is only for showing it."""

    time: float
    timezone: str


Trigger = Every | Cron | At


class Missed(NamedTuple):
    """``due`` is the newest of the dues that have passed, ``earlier`` how many came before it (at most
    `COUNTED`)."""

    due: float
    earlier: int


def next_due(trigger: Trigger, after: float) -> float | None:
    """The first due later than *after*; ``None`` when there is none."""
    return next(_dues(trigger, after), None)


def passed(trigger: Trigger, after: float, now: float) -> Missed | None:
    """The dues later than *after*, up to and with *now*; ``None`` when there are none."""
    if isinstance(trigger, Every):
        first, last = _count(trigger, after) + 1, _count(trigger, now)
        return Missed(_multiple(trigger, last), min(last - first, COUNTED)) if last >= first else None
    due = next_due(trigger, after)
    if due is None or due > now:
        return None
    return Missed(_latest(trigger, due, now), sum(1 for _ in islice(_until(trigger, due, now), COUNTED)))


def _count(trigger: Every, when: float) -> int:
    """How many dues there are up to and with *when*."""
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
    """The newest due up to *now*, sought in a span that grows backwards until there is one in it."""
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
        if due > last:  # in an hour that comes twice, and one that is left out, it may be told again
            last = due
            yield due


def parse_every(value: object, start: float) -> Every:
    """``"30m"``, ``"1h30m"``, ``"90s"``, ``"1d"`` or a number of seconds. Raises `BadSchedule`."""
    seconds = _seconds(value)
    if not LEAST <= seconds <= MOST:
        raise BadSchedule(f"every {_shown(value)} is not from 1 second to 10 years")
    return Every(seconds, start)


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) <= MOST else math.inf
    text = value.strip().lower() if isinstance(value, str) else ""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        return float(text)
    if re.fullmatch(_PARTS, text) and text.isascii():
        return sum(float(amount) * _UNITS[unit] for amount, unit in _ONE.findall(text))
    raise BadSchedule(f"every {_shown(value)} is no time span; say it as 90s, 30m, 1h30m, 1d or in seconds")


def parse_cron(expression: object, timezone: str) -> Cron:
    """Five fields, or ``@hourly`` and the like. Raises `BadSchedule`."""
    if not isinstance(expression, str) or not expression.strip():
        raise BadSchedule(f"cron {_shown(expression)} is no text; a cron expression has {_FIELDS}")
    text = " ".join(expression.split())
    text = _NICKNAMES.get(text.lower(), text)
    if len(text.split()) != 5 or len(text) > 200:
        raise BadSchedule(f"cron {_shown(expression)} does not have {_FIELDS}")
    trigger = Cron(text, zone_name(timezone))
    try:
        if next_due(trigger, 0.0) is None:
            raise BadSchedule(f"cron {_shown(expression)} names a day that never comes")
    except CronSimError as error:
        raise BadSchedule(f"cron {_shown(expression)}: {_blame(error)}") from error
    return trigger


def _blame(error: CronSimError) -> str:
    field = str(error).removeprefix("Bad ").replace("-", " ")
    return f"the {field} cannot be understood"


def parse_at(value: object, timezone: str, now: float) -> At:
    """An ISO time, in *timezone* unless it names an offset. Raises `BadSchedule`, also for the past."""
    zone = ZoneInfo(zone_name(timezone))
    try:
        when = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        there = when if when.tzinfo else when.replace(tzinfo=zone)
        due = there.timestamp()
        back = datetime.fromtimestamp(due, zone)
    except (ValueError, OverflowError) as error:
        raise BadSchedule(
            f"at {_shown(value)} is no time; say it as 2031-05-17T09:30, with or without an offset"
        ) from error
    if when.tzinfo is None and back.replace(tzinfo=None) != when:
        raise BadSchedule(f"at {_shown(value)}: the clocks of {timezone} leave that time out")
    if due <= now:
        raise BadSchedule(f"at {_shown(value)} has passed already ({_moment(due, zone)} in {timezone})")
    return At(due, timezone)


def zone_name(timezone: object) -> str:
    """*timezone* when it is a zone's IANA name. Raises `BadSchedule`."""
    try:
        return ZoneInfo(timezone if isinstance(timezone, str) else "").key
    except (KeyError, OSError, ValueError) as error:
        raise BadSchedule(
            f"there is no time zone {_shown(timezone)}; use an IANA name such as Europe/Berlin or UTC"
        ) from error


def described(trigger: Trigger) -> str:
    """For a person, as "every 30 minutes", "at 09:00 on Monday through Friday (Europe/Berlin)"."""
    match trigger:
        case Every():
            return f"every {_span(trigger.seconds)}"
        case Cron():
            told = CronSim(trigger.expression, datetime(2000, 1, 1)).explain()  # noqa: DTZ001 - only explained
            return f"{told[:1].lower()}{told[1:]} ({trigger.timezone})"
        case At():
            return f"once at {_moment(trigger.time, ZoneInfo(trigger.timezone))} ({trigger.timezone})"


def _span(seconds: float) -> str:
    parts = []
    for name, size in _NAMED:
        whole, seconds = divmod(seconds, size)
        if whole:
            parts.append(_counted(whole, name))
    if seconds:
        parts.append(_counted(seconds, "second"))
    return " ".join(parts).removeprefix("1 ") if len(parts) == 1 else " ".join(parts)


def _counted(amount: float, name: str) -> str:
    return f"{amount:.10g} {name}{'' if amount == 1 else 's'}"


def _moment(time: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(time, zone).strftime("%Y-%m-%d %H:%M:%S")


def _shown(value: object) -> str:
    return one_line(repr(value))[:60]
