"""Time zone of this machine: the default of schedules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..core.trigger_parser import zone_name
from ..errors import BadSchedule

_LINK, _NAME = Path("/etc/localtime"), Path("/etc/timezone")


def local_zone(*, link: Path = _LINK, file: Path = _NAME) -> str:
    """Return its IANA name: from ``TZ``, else from the machine's settings, else UTC."""
    for name in _candidates(link, file):
        try:
            return zone_name(name)
        except BadSchedule:  # not an IANA name: try the next source
            continue
    return "UTC"


def _candidates(link: Path, file: Path) -> Iterator[str]:
    yield os.environ.get("TZ", "").removeprefix(":")
    with suppress(OSError):  # not a link: a copy of the zone's file, or missing
        yield str(link.readlink()).rpartition("zoneinfo/")[2]
    try:
        yield file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return
