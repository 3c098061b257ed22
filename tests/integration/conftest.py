"""Real Jupyter servers with the extension, as processes of their own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import servers
from support import PACKAGE_ROOT, until

from jupyter_agent.producer.discovery import read_holder

START_WITHIN = 60.0
STOP_WITHIN = 20.0


class Server:
    """One Jupyter server. ``url`` ends in ``/``; its port is the one that the system gave it."""

    def __init__(
        self, folder: Path, number: int, extra_args: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self.token = secrets.token_hex(8)
        self.root = folder / f"root-{number}"
        self.root.mkdir()
        self.log = folder / f"server-{number}.log"
        self._args = list(extra_args)
        self._env = dict(env or {})
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def headers(self) -> dict[str, str]:
        """What opens it."""
        return {"Authorization": f"token {self.token}"}

    def start(self) -> Server:
        """Start it (again, at another port) and wait until it listens."""
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(
                self._command(),
                cwd=self.root,
                env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), **self._env},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self.url = until(self._said_url, START_WITHIN)
        return self

    def log_text(self) -> str:
        """Everything the server has logged, over all its starts."""
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        """Ask it to end, as systemd or Ctrl-C do, and wait; again is nothing."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash or the kernel's memory killer does."""
        self._end(signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> Server:
        """Stop (or kill) it and start it with the same journal and token."""
        self._end(signal.SIGKILL if kill else signal.SIGTERM)
        return self.start()

    def _end(self, how: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end within {STOP_WITHIN} s:\n{self.log_text()}") from None

    def _command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "jupyter_server",
            "--ServerApp.jpserver_extensions=jupyter_agent=True",
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port=0",
            "--ServerApp.open_browser=False",
            "--ServerApp.allow_root=True",
            f"--ServerApp.token={self.token}",
            f"--ServerApp.root_dir={self.root}",
            *self._args,
        ]

    def _said_url(self) -> str | None:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended at once:\n{self.log_text()}"
        runtime = self._env.get("JUPYTER_RUNTIME_DIR", os.environ["JUPYTER_RUNTIME_DIR"])
        path = Path(runtime) / f"jpserver-{self.process.pid}.json"
        try:
            url: str = json.loads(path.read_text())["url"]
        except (OSError, ValueError):
            return None
        return url if self._holds_a_journal() else None

    def _holds_a_journal(self) -> bool:
        """The extension says so itself once it listens."""
        journals = Path(self._env.get("JUPYTER_AGENT_DIR", os.environ["JUPYTER_AGENT_DIR"])) / "journals"
        holders = [read_holder(folder) for folder in journals.glob("default*")]
        return any(holder is not None and holder.pid == self.pid for holder in holders)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """``server(extra_args=[], env={})`` starts one; all are stopped at the end."""
    started: list[Server] = []

    def start(extra_args: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Server:
        one = Server(tmp_path, len(started), extra_args, env)
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[servers.Servers]:
    """``fresh.start(extra_args, env, config)`` starts servers of a user that only this test has."""
    with servers.servers(tmp_path / "servers") as factory:
        yield factory


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server for tests that neither stop it nor count what others did on it."""
    with servers.servers(tmp_path_factory.mktemp("shared")) as factory:
        yield factory.start(
            extra_args=["--AgentExtension.hello_seconds=0.5", "--AgentExtension.heartbeat_seconds=0.5"],
            base_url="/x/",
        )
