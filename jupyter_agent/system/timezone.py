"""This machine's time zone, for whoever names none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..core.trigger_parser import zone_name
from ..errors import BadSchedule

_LINK, _NAME = Path("/etc/localtime"), Path("/etc/timezone")


def local_zone(*, link: Path = _LINK, file: Path = _NAME) -> str:
    """Its IANA name: what ``TZ`` says, else the machine's settings, else UTC."""
    for name in _candidates(link, file):
        try:
            return zone_name(name)
        except BadSchedule:  # the next may know better
            continue
    return "UTC"


def _candidates(link: Path, file: Path) -> Iterator[str]:
    yield os.environ.get("TZ", "").removeprefix(":")
    with suppress(OSError):  # no link: a copy, or nothing
        yield str(link.readlink()).rpartition("zoneinfo/")[2]
    try:
        yield file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return
