"""Host and boot identity."""

from __future__ import annotations

import socket
from functools import cache
from pathlib import Path


@cache
def host() -> str:
    """This machine's name, as spools and producers state it."""
    return socket.gethostname()


@cache
def boot() -> str:
    """What tells one run of this machine's kernel from the next; empty where there is no such id."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def is_this_host(other_host: str | None, other_boot: str | None = None) -> bool:
    """Whether a lock that *other_host* made can be judged from here."""
    return other_host in (None, host()) or bool(other_boot and other_boot == boot())
