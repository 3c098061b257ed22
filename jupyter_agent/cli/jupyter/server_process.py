"""A Jupyter server as a child process: start it, find its address, stop it."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_runtime_dir

from ...errors import ServerUnreachable
from ...system.files import read_json
from ...system.graces import SERVER_GRACE
from ...system.processes import Child, terminate

START_TIMEOUT = 60.0
"""Seconds that the server may take to accept connections."""

_POLL_INTERVAL = 0.1


def server_command(arguments: Sequence[str]) -> list[str]:
    """Return the command for a Jupyter server with this extension, whatever its configuration says."""
    extension = "--ServerApp.jpserver_extensions=jupyter_agent=True"
    return [sys.executable, "-P", "-m", "jupyter_server", extension, *arguments]


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server that this process started; ``url`` ends in ``/``."""

    url: str
    token: str
    pid: int


@asynccontextmanager
async def own_server(folder: Path) -> AsyncIterator[OwnServer]:
    """Run a server on 127.0.0.1, at a free port, with a token of its own, whose root is *folder*.

    Raises `ServerUnreachable`, with the server's last line of output, when it does not start.
    """
    token = secrets.token_hex(24)
    with tempfile.TemporaryFile() as output:
        process = _start(folder, token, output)
        try:
            yield OwnServer(await _url(process, output), token, process.pid)
        finally:
            await asyncio.shield(asyncio.to_thread(_stop, process))


def _start(folder: Path, token: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own command
        server_command(_arguments(folder)),
        env=os.environ | {"JUPYTER_TOKEN": token},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _arguments(folder: Path) -> list[str]:
    return [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={_free_port()}",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
    ]


def _free_port() -> int:
    """Return a port that is free now; if it is taken by then, the server tries others."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _url(process: subprocess.Popen[bytes], output: IO[bytes]) -> str:
    """Return the server's URL once its runtime file names it and it accepts connections.

    Jupyter writes that file a moment before it listens.
    """
    path = Path(jupyter_runtime_dir()) / f"jpserver-{process.pid}.json"
    try:
        async with asyncio.timeout(START_TIMEOUT):
            while not ((info := read_json(path)) and await _listens(str(info["url"]))):
                if process.poll() is not None:
                    raise ServerUnreachable(f"the Jupyter server did not start: {_last_line(output)}")
                await asyncio.sleep(_POLL_INTERVAL)
    except TimeoutError as error:
        raise ServerUnreachable(f"the Jupyter server did not start in {START_TIMEOUT:.0f} s") from error
    return str(info["url"])


async def _listens(url: str) -> bool:
    address = urlsplit(url)
    try:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError:
        return False
    writer.close()
    return True


def _last_line(output: IO[bytes]) -> str:
    output.seek(0)
    lines = [line.strip() for line in output.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, and with it its kernels; the one that does not listen is killed."""
    terminate(Child(process), SERVER_GRACE)
    process.wait()
