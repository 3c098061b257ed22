"""The address by which this machine's processes reach a server, whatever it listens on."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

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


def test_a_server_on_a_unix_socket_has_a_url_of_its_own_kind() -> None:
    """Earlier versions, which know only ``url``, must not connect to some port with this server's key."""
    app = SimpleNamespace(sock="/run/a b%41.sock", base_url="/x/", certfile="", log=logging.getLogger())
    held = own_address(app, "key")
    assert (held.url, held.unix_url) == ("", "http+unix://%2Frun%2Fa%20b%2541.sock/x/")


def test_a_socket_that_nobody_can_connect_to_is_said(caplog: pytest.LogCaptureFixture) -> None:
    path = f"/run/{'x' * 200}.sock"
    app = SimpleNamespace(sock=path, base_url="/", certfile="", log=logging.getLogger())
    held = own_address(app, "key")
    assert (held.url, held.unix_url) == ("", "")
    assert "longer than 103 bytes" in caplog.text
    assert path in caplog.text


@pytest.mark.parametrize("server", [{}, {"http_server": SimpleNamespace(_sockets={})}])
def test_an_application_that_does_not_listen_itself_has_no_address(server: dict[str, Any]) -> None:
    """As in the tests of other extensions, which all start this one if it is installed."""
    app = SimpleNamespace(ip="127.0.0.1", port=0, base_url="/", sock="", certfile="", **server)
    assert own_address(app, "key").url == ""
