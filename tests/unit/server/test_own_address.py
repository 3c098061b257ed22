"""The address by which this machine's processes reach a server, whatever it listens on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from jupyter_agent.server.own_address import own_address


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("", "127.0.0.1"),
        ("*", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("::", "[::1]"),
        ("0:0:0:0:0:0:0:0", "[::1]"),
        ("fd00::5", "[fd00::5]"),
        ("10.1.2.3", "10.1.2.3"),
        ("my-host", "my-host"),
    ],
)
def test_the_address_is_one_that_the_server_listens_on(ip: str, name: str) -> None:
    app = SimpleNamespace(ip=ip, port=8888, base_url="/x/", sock="", certfile="")
    assert own_address(app, "key").url == f"http://{name}:8888/x/"


@pytest.mark.asyncio
async def test_port_0_becomes_the_port_that_the_system_chose() -> None:
    listening, port = bind_unused_port()
    server = HTTPServer(lambda _: None)
    server.add_sockets([listening])
    app = SimpleNamespace(ip="127.0.0.1", port=0, base_url="/", sock="", certfile="", http_server=server)
    assert own_address(app, "key").url == f"http://127.0.0.1:{port}/"
    server.stop()
