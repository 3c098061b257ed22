"""What the client makes of a server that breaks off."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct

import pytest

from jupyter_agent.client import AgentClient
from jupyter_agent.errors import ServerUnreachable
from jupyter_agent.transport.discovery import remote_address


async def _breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"status":')
    await writer.drain()
    await asyncio.sleep(0.05)  # a reset overtakes what was written just before it
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.asyncio
async def test_an_answer_that_is_reset_in_the_middle_is_an_error_at_once_and_nothing_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    server = await asyncio.start_server(_breaks_off, "127.0.0.1", 0)
    async with (
        server,
        AgentClient(remote_address(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")) as client,
    ):
        with pytest.raises(ServerUnreachable):
            async with asyncio.timeout(5):
                await client.health()
    assert not caplog.records
