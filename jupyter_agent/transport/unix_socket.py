"""Connections to servers on a Unix socket, for Tornado's clients."""

from __future__ import annotations

import socket
from typing import Any

from tornado.netutil import DefaultLoopResolver

from .unix_address import socket_path


class SocketResolver(DefaultLoopResolver):
    """Tornado's resolver, which also knows the host names of `unix_address`."""

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        path = socket_path(host)
        if path is None:
            return await super().resolve(host, port, family)
        return [(socket.AF_UNIX, path)]
