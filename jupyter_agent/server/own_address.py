"""The address in this server's ``holder.json``, at which processes of this machine reach it."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any

from ..transport.discovery import HolderFile, this_holder
from ..transport.unix_address import MAX_PATH_BYTES, unix_url

_ALL_INTERFACES = ("", "*", "0.0.0.0", "localhost")  # noqa: S104 - addresses to listen on, not to call


def own_address(app: Any, key: str) -> HolderFile:
    """Return the address and *key* of the Jupyter server *app*."""
    # A field of its own for Unix sockets: earlier versions would connect to whatever `url` says.
    where = {"unix_url": _unix_url(app)} if app.sock else {"url": _local_url(app)}
    return this_holder("server", key=key, cert=app.certfile or None, **where)


def _unix_url(app: Any) -> str:
    """Return the URL of the socket; empty, after a warning, when its path is too long to be connected to."""
    path = str(Path(app.sock).absolute())
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        app.log.warning(
            "jupyter_agent: kernels and the command line cannot reach this server: the path of its socket is "
            "longer than %d bytes (%s)",
            MAX_PATH_BYTES,
            path,
        )
        return ""
    return unix_url(path, app.base_url, tls=bool(app.certfile))


def _local_url(app: Any) -> str:
    """Return the URL on this machine; the server's public one may be a proxy's. Empty while none listens."""
    scheme = "https" if app.certfile else "http"
    name = "127.0.0.1" if app.ip in _ALL_INTERFACES else "::1" if _is_all_of_ipv6(app.ip) else app.ip
    name = f"[{name}]" if ":" in name else name
    port = app.port or _chosen_port(app)
    return f"{scheme}://{name}:{port}{app.base_url}" if port else ""


def _chosen_port(app: Any) -> int:
    """Return the port that the system chose for port 0, which older versions of jupyter-server leave at 0.

    0 when nothing listens: another program has the application, as tests of extensions do.
    """
    server = getattr(app, "http_server", None)
    listening = server._sockets.values() if server else ()  # noqa: SLF001 - Tornado tells it nowhere else
    return next((int(one.getsockname()[1]) for one in listening), 0)


def _is_all_of_ipv6(ip: str) -> bool:
    """Return True for ``::``, which Tornado listens on without the addresses of IPv4."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:  # a name
        return False
    return address.version == 6 and address.is_unspecified
