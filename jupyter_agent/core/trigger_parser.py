"""Parser and formatter of triggers, between what people write and `triggers`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ..errors import BadSchedule
from .sanitize import to_single_line
from .triggers import MAX_SECONDS, MIN_SECONDS, At, Cron, Every, Trigger, next_due

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
_KINDS = ("every", "cron", "at")
_KNOWN = (*_KINDS, "timezone", "overlap")

Overlap = Literal["skip", "queue", "allow"]
OVERLAPS: tuple[Overlap, ...] = get_args(Overlap)


class ScheduleSpec(NamedTuple):
    """A trigger, and what to do with a due while the previous run has not ended."""

    trigger: Trigger
    timezone: str
    overlap: Overlap = "skip"


def parse_schedule(asked: Mapping[str, Any], *, timezone: str, now: float) -> ScheduleSpec:
    """Parse ``{"every" | "cron" | "at": ..., "timezone": ..., "overlap": ...}``.

    *timezone* is the default. Raises `BadSchedule`.
    """
    unknown = [name for name in asked if name not in _KNOWN]
    if unknown:
        raise BadSchedule(f"a schedule has no {_shown(unknown[0])}; it has {', '.join(_KNOWN)}")
    given = [kind for kind in _KINDS if asked.get(kind) is not None]
    if len(given) != 1:
        found = f"not {' and '.join(given)}" if given else "and none is given"
        raise BadSchedule(f"a schedule has one of every, cron and at, {found}")
    overlap = asked.get("overlap")
    if overlap not in (None, *OVERLAPS):
        raise BadSchedule(f"overlap must be skip, queue or allow, not {_shown(overlap)}")
    zone = zone_name(timezone if asked.get("timezone") is None else asked["timezone"])
    return ScheduleSpec(_trigger(given[0], asked[given[0]], zone, now), zone, overlap or "skip")


def _trigger(kind: str, value: object, zone: str, now: float) -> Trigger:
    if kind == "every":
        return parse_every(value, now)
    return parse_cron(value, zone) if kind == "cron" else parse_at(value, zone, now)


def parse_every(value: object, start: float) -> Every:
    """Parse ``"30m"``, ``"1h30m"``, ``"90s"``, ``"1d"`` or a number of seconds. Raises `BadSchedule`."""
    seconds = _seconds(value)
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise BadSchedule(f"every {_shown(value)} is not from 1 second to 10 years")
    return Every(seconds, start)


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) <= MAX_SECONDS else math.inf
    text = value.strip().lower() if isinstance(value, str) else ""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        return float(text)
    if re.fullmatch(_PARTS, text) and text.isascii():
        return sum(float(amount) * _UNITS[unit] for amount, unit in _ONE.findall(text))
    raise BadSchedule(
        f"every {_shown(value)} is not a time span; say it as 90s, 30m, 1h30m, 1d or in seconds"
    )


def parse_cron(expression: object, timezone: str) -> Cron:
    """Parse five fields, or a nickname such as ``@hourly``. Raises `BadSchedule`."""
    if not isinstance(expression, str) or not expression.strip():
        raise BadSchedule(f"cron {_shown(expression)} is not text; a cron expression has {_FIELDS}")
    text = " ".join(expression.split())
    text = _NICKNAMES.get(text.lower(), text)
    if len(text.split()) != 5 or len(text) > 200:
        raise BadSchedule(f"cron {_shown(expression)} does not have {_FIELDS}")
    trigger = Cron(text, zone_name(timezone))
    try:
        if next_due(trigger, 0.0) is None:
            raise BadSchedule(f"cron {_shown(expression)} names a day that never comes")
    except CronSimError as error:
        raise BadSchedule(f"cron {_shown(expression)}: {_explain(error)}") from error
    return trigger


def _explain(error: CronSimError) -> str:
    field = str(error).removeprefix("Bad ").replace("-", " ")
    return f"the {field} cannot be understood"


def parse_at(value: object, timezone: str, now: float) -> At:
    """Parse an ISO time, in *timezone* unless it has an offset. Raises `BadSchedule`, also for the past."""
    zone = ZoneInfo(zone_name(timezone))
    try:
        when = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        there = when if when.tzinfo else when.replace(tzinfo=zone)
        due = there.timestamp()
        back = datetime.fromtimestamp(due, zone)
    except (ValueError, OverflowError) as error:
        raise BadSchedule(
            f"at {_shown(value)} is not a time; say it as 2031-05-17T09:30, with or without an offset"
        ) from error
    if when.tzinfo is None and back.replace(tzinfo=None) != when:
        raise BadSchedule(f"at {_shown(value)}: the clocks of {timezone} leave that time out")
    if due <= now:
        raise BadSchedule(f"at {_shown(value)} has passed already ({_moment(due, zone)} in {timezone})")
    return At(due, timezone)


def zone_name(timezone: object) -> str:
    """Return the IANA name *timezone* if there is such a zone. Raises `BadSchedule`."""
    try:
        return ZoneInfo(timezone if isinstance(timezone, str) else "").key
    except (KeyError, OSError, ValueError) as error:
        raise BadSchedule(
            f"there is no time zone {_shown(timezone)}; use an IANA name such as Europe/Berlin or UTC"
        ) from error


def described(trigger: Trigger) -> str:
    """Format as "every 30 minutes", "at 09:00 on Monday through Friday (Europe/Berlin)"."""
    match trigger:
        case Every():
            return f"every {_span(trigger.seconds)}"
        case Cron():
            return _cron_words(trigger)
        case At():
            return f"once at {local_moment(trigger.time, trigger.timezone)} ({trigger.timezone})"


def local_moment(time: float, timezone: str) -> str:
    """Format as "2031-05-17 09:00:00", by the clocks of *timezone*."""
    return _moment(time, ZoneInfo(timezone))


def _cron_words(trigger: Cron) -> str:
    explained = CronSim(trigger.expression, datetime(2000, 1, 1)).explain()  # noqa: DTZ001 - only explained
    text = explained[:1].lower() + explained[1:]
    minute, hour, *days = trigger.expression.split()
    if step := _step(minute):
        text = re.sub(r"^every \w+ minute", f"every {step} minutes", text)
        if 60 % step == 0:
            text = text.replace(" of every hour", "", 1)
    elif (step := _step(hour)) and minute.isdigit() and 24 % step == 0:
        text = re.sub(r"^at minute \d+ past every \w+ hour", f"every {step} hours{_past(minute)}", text)
    elif hour == "*" and minute.isdigit():
        text = re.sub(r"^at (minute \d+ of|the start of) every hour", f"every hour{_past(minute)}", text)
    is_interval = minute.startswith("*") and [hour, *days] == ["*"] * 4  # the same in every time zone
    return text if is_interval else f"{text} ({trigger.timezone})"


def _step(field: str) -> int:
    """Return the 5 of ``*/5``; 0 for another field, and for ``*/1``, which leaves nothing out."""
    found = re.fullmatch(r"\*/(\d+)", field)
    return int(found[1]) if found and int(found[1]) > 1 else 0


def _past(minute: str) -> str:
    return f" at minute {int(minute)}" if int(minute) else ""


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
    return to_single_line(repr(value))[:60]
