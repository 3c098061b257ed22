"""The address in this server's ``holder.json``, at which processes of this machine reach it."""

from __future__ import annotations

import ipaddress
from typing import Any

from ..transport.discovery import HolderFile, this_holder

_ALL_INTERFACES = ("", "*", "0.0.0.0", "localhost")  # noqa: S104 - addresses to listen on, not to call


def own_address(app: Any, key: str) -> HolderFile:
    """Return the address and *key* of the Jupyter server *app*; no URL when it listens on a Unix socket."""
    url = "" if app.sock else _local_url(app)
    return this_holder("server", url=url, key=key, cert=app.certfile or None)


def _local_url(app: Any) -> str:
    """Return the URL on this machine; the server's public one may be a proxy's."""
    scheme = "https" if app.certfile else "http"
    name = "127.0.0.1" if app.ip in _ALL_INTERFACES else "::1" if _is_all_of_ipv6(app.ip) else app.ip
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}:{app.port or _chosen_port(app)}{app.base_url}"


def _chosen_port(app: Any) -> int:
    """Return the port that the system chose for port 0, which older versions of jupyter-server leave at 0."""
    listening = app.http_server._sockets.values()  # noqa: SLF001 - Tornado tells it nowhere else
    return int(next(iter(listening)).getsockname()[1])


def _is_all_of_ipv6(ip: str) -> bool:
    """Return True for ``::``, which Tornado listens on without the addresses of IPv4."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:  # a name
        return False
    return address.version == 6 and address.is_unspecified
