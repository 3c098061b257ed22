"""Origin: what to set where a page of this server is refused as one of another site.

A browser says where a page comes from (``Origin``), and the request says which server it asks (``Host``).
Behind a proxy that changes ``Host`` the two differ, and the page gets no WebSocket and may change nothing.
"""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import urlsplit

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin

_ORIGIN = re.compile(r"https?://[\w.:\[\]-]{1,255}", re.ASCII)


def origin_refusal(handler: JupyterHandler, origin: str) -> str | None:
    """Return why a page at *origin* with this request's login gets no WebSocket; ``None`` if it gets one.

    ``None`` also for what is no origin of a page.
    """
    if not _is_origin(origin) or WebSocketMixin.check_origin(handler, origin):
        return None
    return refused(origin, handler.request.host)


def refused(origin: str, host: str) -> str:
    """Return the sentence about a page at *origin* whose requests arrive for *host*."""
    if not _is_origin(origin):
        return "pages from elsewhere may not ask here"
    return (
        f"This page is at {origin}, but its requests arrive for {host}, so the server refuses it as a page"
        " from elsewhere. Have the proxy in between pass on the header Host, or set"
        f' c.ServerApp.allow_origin = "{origin.lower()}"'
    )


def _is_origin(origin: str) -> bool:
    with suppress(ValueError):  # of brackets without an IPv6 address
        return _ORIGIN.fullmatch(origin) is not None and bool(urlsplit(origin).hostname)
    return False
