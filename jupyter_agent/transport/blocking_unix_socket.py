"""Blocking connections to servers on a Unix socket, for urllib."""

from __future__ import annotations

import socket
import ssl
import urllib.request
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from .unix_address import HOST, socket_path


class SocketHandler(urllib.request.AbstractHTTPHandler):
    """urllib's connections to the host names of `unix_address`; all others are for urllib's own handlers."""

    handler_order = 400  # before urllib's own, which have 500

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._context = context

    def http_open(self, request: urllib.request.Request) -> HTTPResponse | None:
        return self._open(request, None)

    def https_open(self, request: urllib.request.Request) -> HTTPResponse | None:
        return self._open(request, self._context or ssl.create_default_context())

    def _open(self, request: urllib.request.Request, tls: ssl.SSLContext | None) -> HTTPResponse | None:
        path = socket_path(request.host)
        if path is None:
            return None
        connection: Any = partial(_Connection, path=path, tls=tls)
        return self.do_open(connection, request)


class _Connection(HTTPConnection):
    def __init__(self, host: str, *, path: bytes, tls: ssl.SSLContext | None, **options: Any) -> None:
        super().__init__(host, **options)
        self._path = path
        self._tls = tls

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=HOST)
