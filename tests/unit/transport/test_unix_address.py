"""URLs of servers on a Unix socket, and the host names that stand for their paths."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from jupyter_agent.errors import ServerUnreachable
from jupyter_agent.transport.discovery import remote_address
from jupyter_agent.transport.unix_address import http_url, socket_path, unix_url

PATHS = ["/s", "/run/user/1/My Server%41 é.sock", "/" + "x" * 102, "/a\udcff.sock", "/a.unix-socket"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("tls", [False, True])
def test_a_path_survives_the_way_through_a_host_name(path: str, tls: bool) -> None:
    url = http_url(unix_url(path, "/base/", tls=tls))
    scheme, host, base_path, _, _ = urlsplit(url)
    assert (scheme, base_path) == ("https" if tls else "http", "/base/")
    assert socket_path(host) == path.encode(errors="surrogateescape")
    assert all(len(label) < 64 for label in host.split("."))


@pytest.mark.parametrize("host", ["localhost", "a.unix-socket.example", "10.0.0.1", ""])
def test_other_host_names_are_no_paths(host: str) -> None:
    assert socket_path(host) is None


@pytest.mark.parametrize("url", ["http+unix:///", "http+unix://relative/", "http+unix://%2Fa%00b/"])
def test_an_address_without_a_path_is_refused(url: str) -> None:
    with pytest.raises(ServerUnreachable, match="names no socket"):
        remote_address(url).api("tasks")


def test_the_address_that_jupyter_prints_is_taken_as_it_is() -> None:
    address = remote_address("http+unix://%2Frun%2Fs.sock/x/?token=abc")
    assert address.headers == {"Authorization": "token abc"}
    assert address.request_headers == {"Authorization": "token abc", "Host": "127.0.0.1"}
    assert urlsplit(address.api("tasks")).path == "/x/jupyter-agent/tasks"
    assert address.websocket.startswith("ws://")
