"""HTTP requests on an event loop, with Tornado's client."""

from __future__ import annotations

import json
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.iostream import StreamClosedError
from tornado.simple_httpclient import SimpleAsyncHTTPClient, _HTTPConnection

from ..errors import ServerUnreachable
from .discovery import Address
from .problem import http_error
from .tls import ssl_context
from .unix_socket import SocketResolver

REQUEST_TIMEOUT = 30.0
"""Seconds to connect, and seconds for the whole request."""


class _Connection(_HTTPConnection):
    def on_connection_close(self) -> None:
        """End the request when the connection is reset within a response.

        Tornado's own method would log it and wait for the timeout.
        """
        closed = StreamClosedError(real_error=self.stream.error)
        self._handle_exception(StreamClosedError, closed, None)


class HttpClient(SimpleAsyncHTTPClient):
    """Tornado's client, where a response that breaks off is an error at once."""

    def initialize(self, **options: Any) -> None:  # type: ignore[override]
        """Accept also the addresses of servers on a Unix socket."""
        super().initialize(resolver=SocketResolver(), **options)

    def _connection_class(self) -> type:
        return _Connection


async def send(
    http: AsyncHTTPClient, address: Address, method: str, path: str, body: bytes | None = None
) -> HTTPResponse:
    """Send one request and return its response, whatever the status. Raises `ServerUnreachable`.

    *path* is below ``jupyter-agent/``, with its query. No redirect is followed.
    """
    request = HTTPRequest(
        address.api(path),
        method=method,
        headers=address.request_headers | {"Accept": "application/json", "Content-Type": "application/json"},
        body=body,
        connect_timeout=REQUEST_TIMEOUT,
        request_timeout=REQUEST_TIMEOUT,
        follow_redirects=False,
        ssl_options=ssl_context(address),
    )
    try:
        return await http.fetch(request, raise_error=False)
    except (OSError, HTTPClientError, ValueError) as error:  # ValueError: the URL is malformed
        raise ServerUnreachable(f"no server answers at {address.url} ({error})", url=address.url) from error


async def exchange(
    http: AsyncHTTPClient, address: Address, method: str, path: str, body: object = None, *, task_id: str = ""
) -> HTTPResponse:
    """Send *body* as JSON and return a 2xx response.

    Raises `ServerUnreachable`, or `UnknownTask`, `NotNow`, `RequestRefused` with the server's sentence.
    """
    content = None if body is None else json.dumps(body).encode()
    response = await send(http, address, method, path, content)
    if response.code >= 300:
        raise http_error(response.code, response.body, address.url, task_id)
    return response
