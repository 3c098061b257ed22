"""Fixtures of the documentation tests: an empty home, a kernel, a Jupyter server for pages that need one."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

TIMEOUT = 60.0


@pytest.fixture
def home(own_environment: Path, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user who has just installed the package."""
    (tmp_path / "agent").mkdir(mode=0o700)
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return dict(os.environ) | {"PATH": programs}


@contextmanager
def running_server(env: dict[str, str], folder: Path) -> Iterator[int]:
    """Run a Jupyter server with the extension on 127.0.0.1; yield its process id once it holds a journal."""
    command = [sys.executable, "-m", "jupyter_server", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    command += ["--no-browser", "--allow-root", f"--IdentityProvider.token={secrets.token_hex(16)}"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait_for_holder(server, Path(env["JUPYTER_AGENT_DIR"]), folder / "server.log")
        yield server.pid
    finally:
        server.terminate()
        server.wait(TIMEOUT)


def _wait_for_holder(server: subprocess.Popen[bytes], root: Path, log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not (root / "journals" / "default" / "holder.json").exists():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@contextmanager
def running_kernel(env: dict[str, str], folder: Path) -> Iterator[BlockingKernelClient]:
    """Run a kernel in this environment and yield a client that is ready."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=env, cwd=str(folder))
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()
