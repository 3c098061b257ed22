"""Blocking HTTP requests, for threads without an event loop."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from functools import cache
from http.client import HTTPException

from ..errors import ServerUnreachable
from .blocking_unix_socket import SocketHandler
from .discovery import Address
from .problem import http_error
from .tls import ssl_context

TIMEOUT = 30.0
"""Seconds that a server may take for each step of an answer."""


def fetch(address: Address, method: str, path: str, body: bytes | None = None, *, task_id: str = "") -> bytes:
    """Return the body of a 2xx response. *path* is below ``jupyter-agent/``, with its query.

    Raises `ServerUnreachable`, or `UnknownTask`, `NotNow`, `RequestRefused` with the server's sentence.
    """
    request = urllib.request.Request(  # noqa: S310 - the address that the holder wrote for us
        address.api(path),
        data=body,
        method=method,
        headers={**address.request_headers, "Accept": "application/json", "Content-Type": "application/json"},
    )
    opener = _opener(ssl_context(address)) if address.cert else _default_opener()
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            content: bytes = response.read()
            return content
    except urllib.error.HTTPError as error:
        with error:
            raise http_error(error.code, error.read(), address.url, task_id) from None
    except (OSError, HTTPException, ValueError) as error:  # ValueError: the URL is malformed
        why = str(error).strip() or type(error).__name__
        raise ServerUnreachable(f"no server answers at {address.url} ({why})", url=address.url) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: the key in the headers is for this server only."""


def _opener(context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """Connect directly, as the WebSocket does, whatever proxy the environment names."""
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=context),
        SocketHandler(context),
        _NoRedirect(),
    )


@cache
def _default_opener() -> urllib.request.OpenerDirector:
    return _opener(None)
