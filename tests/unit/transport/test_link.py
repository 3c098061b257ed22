"""One connection of the link."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re

import pytest

from jupyter_agent.errors import ServerUnreachable
from jupyter_agent.transport.discovery import Address
from jupyter_agent.transport.link import connect_to_server

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


def upgraded(request: bytes) -> bytes:
    """The answer that opens a WebSocket."""
    key = re.search(rb"Sec-Websocket-Key: (\S+)", request, re.IGNORECASE)
    assert key is not None
    accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    return b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + accept, b"", b""])


@pytest.mark.asyncio
async def test_a_connection_that_opens_after_a_cancel_is_closed() -> None:
    asked, answer, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await answer.wait()
        writer.write(upgraded(request))
        while await reader.read(1 << 16):
            continue
        writer.close()
        ended.set()

    async with asyncio.timeout(20), await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connecting = asyncio.create_task(connect_to_server(Address(f"http://127.0.0.1:{port}/")))
        await asked.wait()
        connecting.cancel()
        asyncio.get_running_loop().call_soon(answer.set)
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await ended.wait()


@pytest.mark.asyncio
async def test_a_server_without_the_tls_it_should_have_is_an_error_and_nothing_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 what comes is no HTTP\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ServerUnreachable, match="wrong version number"):
            await connect_to_server(Address(f"https://127.0.0.1:{port}/"))
    assert caplog.records == []
