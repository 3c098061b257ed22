"""Servers that a user would write instead: each broadcasts what one publisher sends.

Nothing here is durable: who is away misses what is said meanwhile.
"""

from __future__ import annotations

import socket


def listening() -> socket.socket:
    """A listening socket on a free port of 127.0.0.1, whose number is printed for the parent process."""
    found = socket.create_server(("127.0.0.1", 0), backlog=1024)
    found.setblocking(False)
    print(found.getsockname()[1], flush=True)
    return found
