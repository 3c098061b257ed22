"""The clock of this machine's boot, which runs on while the machine sleeps and which nobody sets."""

from __future__ import annotations

import time


def uptime() -> float:
    """Return seconds since some moment of this boot, time asleep included where the platform counts it."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)
