"""Identity of this host, of its current boot, and of the namespaces of process ids and addresses.

Containers may share a host name, a kernel and a home folder. File locks work between them all the same, but
a process id or a loopback address of one means something else in another.
"""

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


@cache
def process_namespace() -> str:
    """Return what process ids of this process are relative to; empty on platforms that have one set only."""
    return _namespace("pid")


@cache
def network_namespace() -> str:
    """Return what loopback addresses of this process are relative to; empty as for `process_namespace`."""
    return _namespace("net")


def _namespace(kind: str) -> str:
    try:
        found = Path(f"/proc/self/ns/{kind}").stat()
    except OSError:
        return ""
    return f"{boot()}:{found.st_ino}"


def is_this_host(other_host: str | None, other_boot: str | None = None) -> bool:
    """Return True if a lock that was acquired on *other_host* can be judged from here.

    The same boot under another name counts: a container shares its host's kernel. ``None``: this host.
    """
    return other_host in (None, host()) or bool(other_boot and other_boot == boot())
