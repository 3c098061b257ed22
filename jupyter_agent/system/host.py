"""Identity of this host and of its current boot."""

from __future__ import annotations

import socket
from functools import cache
from pathlib import Path


@cache
def host() -> str:
    """Return this machine's name, as spools and producers state it."""
    return socket.gethostname()


@cache
def boot() -> str:
    """Return the id of this machine's current boot; empty on platforms that have none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def is_this_host(other_host: str | None, other_boot: str | None = None) -> bool:
    """Return True if a lock that was acquired on *other_host* can be judged from here.

    The same boot under another name counts: a container shares its host's kernel. ``None``: this host.
    """
    return other_host in (None, host()) or bool(other_boot and other_boot == boot())
