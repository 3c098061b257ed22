"""A proxy before a server that wants a login of its own, such as oauth2-proxy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

COOKIE = "gate=in"
TIMEOUT = 30.0


class Gate:
    """A proxy in a thread of its own. Who has not its cookie is redirected to a page that gives it."""

    def __init__(self, server: str, login_host: str) -> None:
        self._server = urlsplit(server)
        self._login_host = login_host
        self._open: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="gate")
        self._thread.start()
        assert self._ready.wait(TIMEOUT)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def hang_up(self) -> None:
        """End every connection; new ones are asked for the cookie."""
        self._loop.call_soon_threadsafe(self._close_all)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()
        self._close_all()
        await server.wait_closed()

    def _close_all(self) -> None:
        for one in self._open:
            one.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            if target.startswith("/gate"):
                writer.write(self._page(target))
            elif COOKIE.encode() in head:
                await self._pass_on(head, reader, writer)
            else:
                where = f"http://{self._login_host}:{self._port}/gate?next={target}"
                writer.write(_answer("302 Found", f"Location: {where}"))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the browser, or the test, has ended the connection
        finally:
            self._open.discard(writer)
            writer.close()

    def _page(self, target: str) -> bytes:
        """Return the page that asks for the login; its link leads back, with the cookie."""
        query = parse_qs(urlsplit(target).query)
        if "in" in query:
            return _answer("302 Found", f"Set-Cookie: {COOKIE}; Path=/", f"Location: {query['next'][0]}")
        return _answer("200 OK", body=f"<a href='{self.url}{target[1:]}&in=1'>Let me in</a>")

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection(self._server.hostname, self._server.port)
        # One request for each connection, so that each is asked for the cookie.
        to_writer.write(head.replace(b"Connection: keep-alive", b"Connection: close"))
        self._open.add(to_writer)
        try:
            await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))
        finally:
            self._open.discard(to_writer)
            to_writer.close()


def _answer(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, "Content-Type: text/html", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "Connection: close", "", body]).encode()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextmanager
def gate(server: str, login_host: str = "127.0.0.1") -> Iterator[Gate]:
    """A gate before the server at this address; its login is at *login_host*, which is this machine."""
    one = Gate(server, login_host)
    try:
        yield one
    finally:
        one.close()
