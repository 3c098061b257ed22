"""The command line beside servers that listen in unusual ways, and on terminals that lack something."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_agent.system.paths import DataPaths
from tests.support.builders import until
from tests.support.cli import Writer
from tests.support.servers import Server, Servers, environment, loud


def cli(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jupyter_agent.cli", *arguments]
    environ = environment(home) | env
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)


def script(home: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    command, environ = [sys.executable, "-c", code], environment(home) | env
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_server_of_all_ipv6_addresses_is_reached(fresh: Servers) -> None:
    server = fresh.start(ip="::")
    done = cli(server.home, "tasks", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "No tasks.\n", "")


EVERYTHING = """
import time
import jupyter_agent as ja
from jupyter_agent.client import connect

@ja.task(show=False)
def waits():
    ja.current().log("begun")
    while True:
        time.sleep(0.01)

handle = waits.submit()
with connect(*CONNECT) as client:
    for item in client.follow([handle.id], tail=10):
        if any(event.type == "log" for event in getattr(item, "events", ())):
            break
    client.command(handle.id, "cancel")
    handle.wait()
    print(client.health()["journal"]["slot"], handle.state)
print(ja.task(lambda: 3, name="three", on="detached", show=False).submit().result())
"""
"""Publishes, subscribes and commands over the WebSocket, and asks over HTTP."""


@pytest.fixture
def socket_server(tmp_path: Path, fresh: Servers) -> Server:
    server = fresh.start(sock=str(tmp_path / "a b%41é.sock"), base_url="/x/", wait=False)
    until(lambda: server.slot, 30)
    return server


def test_a_server_on_a_unix_socket_is_reached(socket_server: Server) -> None:
    home = socket_server.home
    url = f"{socket_server.held['unix_url']}?token={socket_server.token}"
    for address in ((), (url,)):
        done = script(home, f"CONNECT = {address!r}\n{EVERYTHING}")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "default cancelled\n3\n"
    listed = cli(home, "tasks", "list", "--json")
    assert [task["state"] for task in json.loads(listed.stdout)] == ["completed", "cancelled"] * 2
    assert "ok" in cli(home, "status").stdout
    assert not loud(socket_server.log_text())


def test_a_kernel_reaches_its_server_on_a_unix_socket(socket_server: Server) -> None:
    home = socket_server.home
    env = {"JPY_PARENT_PID": str(socket_server.pid)}
    code = "from jupyter_agent.producer.producer import current_producer as p; print(p().locate().url)"
    done = script(home, code, **env)
    assert done.stdout.strip() == socket_server.held["unix_url"]


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """A server's certificate of an authority that no machine knows, without the authority's; its key."""
    key, request, signed = (folder / name for name in ("key.pem", "request.pem", "signed.pem"))
    authority, its_key = folder / "authority.pem", folder / "its-key.pem"
    (folder / "ext").write_text("basicConstraints=CA:FALSE\nsubjectAltName=DNS:my.example\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    sign = ["openssl", "x509", "-req", "-CAcreateserial", "-days", "2"]
    commands: list[list[str | Path]] = [
        [*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", its_key, "-out", authority],
        [*new, "-subj", "/CN=my.example", "-keyout", key, "-out", request],
        [
            *sign,
            "-CA",
            authority,
            "-CAkey",
            its_key,
            "-extfile",
            folder / "ext",
            "-in",
            request,
            "-out",
            signed,
        ],
    ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    return signed, key


def test_a_server_with_a_certificate_of_an_authority_is_reached(tmp_path: Path, fresh: Servers) -> None:
    certificate, key = make_certificates(tmp_path)
    files = [f"--ServerApp.certfile={certificate}", f"--ServerApp.keyfile={key}"]
    server = fresh.start(files, wait=False)
    until(lambda: server.slot, 30)
    assert server.held["url"].startswith("https://")
    done = script(server.home, f"CONNECT = ()\n{EVERYTHING}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "default cancelled\n3\n", "")
    assert not loud(server.log_text())


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[str]:
    """The address of a server with a certificate that nobody trusts."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_refuse, args=(listening, context), daemon=True).start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/"


def _refuse(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            peer, _ = listening.accept()
        except OSError:  # the test is over
            return
        with peer:
            try:
                context.wrap_socket(peer, server_side=True).close()
            except OSError:  # the client does not trust the certificate
                continue


@pytest.mark.parametrize("arguments", [("tasks", "list"), ("status",), ("tasks", "add", "true")])
def test_a_certificate_that_is_not_trusted_is_one_line(
    tmp_path: Path, self_signed: str, arguments: tuple[str, ...]
) -> None:
    done = cli(tmp_path, *arguments, JUPYTER_AGENT_URL=self_signed, JUPYTER_AGENT_TOKEN="x")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert "certificate verify failed" in lines[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a user with one task, whose name ASCII cannot spell."""
    home = tmp_path / "home"
    paths = DataPaths(Path(environment(home)["JUPYTER_AGENT_DIR"]))
    paths.spools.mkdir(parents=True, mode=0o700)
    os.chmod(paths.spools.parent, 0o700)
    writer = Writer(paths, name="größe 漢")
    writer.end()
    writer.die()
    return home


@pytest.mark.parametrize("columns", ["0", "00", "abc", "-5", ""])
def test_a_terminal_without_a_size_gets_the_whole_table(home: Path, columns: str) -> None:
    done = cli(home, "tasks", "list", COLUMNS=columns)
    assert (done.returncode, done.stderr) == (0, "")
    assert "größe 漢" in done.stdout
    assert "completed" in done.stdout


def test_an_encoding_that_lacks_characters_gets_escapes(home: Path) -> None:
    done = cli(home, "tasks", "list", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"gr\xf6\xdfe \u6f22" in done.stdout


def test_json_stays_json_in_any_encoding(home: Path) -> None:
    done = cli(home, "tasks", "list", "--json", PYTHONIOENCODING="ascii")
    assert [task["name"] for task in json.loads(done.stdout)] == ["größe 漢"]
