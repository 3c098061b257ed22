"""The address in this server's ``holder.json``, at which processes of this machine reach it."""

from __future__ import annotations

from typing import Any

from ..transport.discovery import HolderFile, this_holder

_ALL_INTERFACES = ("", "*", "0.0.0.0", "::", "localhost")  # noqa: S104 - addresses to listen on, not to call


def own_address(app: Any, key: str) -> HolderFile:
    """Return the address and *key* of the Jupyter server *app*; no URL when it listens on a Unix socket."""
    url = "" if app.sock else _local_url(app)
    return this_holder("server", url=url, key=key, cert=app.certfile or None)


def _local_url(app: Any) -> str:
    """Return the URL on this machine; the server's public one may be a proxy's."""
    scheme = "https" if app.certfile else "http"
    name = "127.0.0.1" if app.ip in _ALL_INTERFACES else app.ip
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}:{app.port}{app.base_url}"
