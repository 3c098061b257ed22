"""A reverse proxy that changes headers of requests, as one with a careless configuration does."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 1 << 16


@contextmanager
def changing_proxy(target: str, *, host: str = "", upgrade: bool = True) -> Iterator[str]:
    """The URL of a proxy before the server at *target*.

    *host* is what requests say in ``Host`` then; without *upgrade* none asks for a WebSocket any more.
    """
    there = urlsplit(target)

    def changed(request: bytes) -> bytes:
        lines = request.split(b"\r\n")
        lines = [b"Host: " + host.encode() if host and _is(line, b"host") else line for line in lines]
        return b"\r\n".join(line for line in lines if upgrade or not _is(line, b"upgrade"))

    class Visit(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            far = socket.create_connection((there.hostname or "", there.port or 80))
            back = threading.Thread(target=_pump, args=(far, self.request), daemon=True)
            back.start()
            with far:
                _pump(self.request, far, changed)
                back.join()

    class Proxy(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 50

    with Proxy(("127.0.0.1", 0), Visit) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}{there.path}"
        proxy.shutdown()


def _is(line: bytes, name: bytes) -> bool:
    return line.lower().startswith(name + b":")


def _pump(near: socket.socket, far: socket.socket, changed: object = None) -> None:
    """Pass on what comes until either side has closed. A request's headers come in one piece."""
    with suppress(OSError):
        while data := near.recv(_CHUNK):
            far.sendall(changed(data) if callable(changed) else data)
    for end in (near, far):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
